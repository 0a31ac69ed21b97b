"""A real OpenSMTPD. It runs in a root of its own: its queue and its users are compiled in. It offers neither
PIPELINING nor CHUNKING, and takes 100 messages a connection. Without TLS: Debian 12's 6.8.0p2 ends each handshake with
an alert, "missing private key" in its log, since it meets OpenSSL 3 (mended in later releases)."""
from .server import REFUSED, Server, jail, need_root, unpacked

CONFIG = """\
listen on 127.0.0.1 port {port} hostname localhost
table everybody {{ "@" = "nobody" }}
action "box" maildir "/mail" virtual <everybody>
match from any for rcpt-to regex "^{refused}" reject
match from any for any action "box"
"""


class OpenSMTPD(Server):
    name = "opensmtpd"
    tls = False

    def command(self):
        need_root("OpenSMTPD")
        package = unpacked("opensmtpd", "usr/sbin/smtpd")
        jail(self.folder, package, ["usr/sbin/smtpd", "usr/libexec/opensmtpd/mail.maildir"], self.certs,
             users=["opensmtpd", "opensmtpq"])
        for name in ("var/spool/smtpd", "var/run", "var/lib/opensmtpd/empty"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            (self.folder / name).chmod(0o711)
        (self.folder / "etc/smtpd.conf").write_text(CONFIG.format(port=self.port, refused=REFUSED))
        (self.folder / "etc/mailname").write_text("localhost\n")
        self.give("nobody", "mail")
        return ["chroot", self.folder, "/usr/sbin/smtpd", "-d"], {}

    def queue(self):
        return [self.folder / "var/spool/smtpd" / name for name in ("queue", "incoming")]

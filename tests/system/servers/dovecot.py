"""A real Dovecot: LMTP over TCP (with STARTTLS) and a Unix socket, and its logins for others to ask."""
from .server import REFUSED, Server, free_port, jail, need_root, unpacked

USER, PASSWORD = "ann@list.example", "correct horse/battery=staple"

CONFIG = """\
default_client_limit = 100
log_path = /var/log/dovecot.log
listen = 127.0.0.1
protocols = lmtp
ssl = yes
ssl_cert = </etc/cert.pem
ssl_key = </etc/key.pem
first_valid_uid = 1
mail_location = maildir:/mail/%1.16Nu
mail_fsync = never
lmtp_client_workarounds =
lmtp_save_to_detail_mailbox = no
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
auth_username_format = %Lu
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = scheme=PLAIN /passwords
}}
userdb {{
  driver = passwd-file
  args = username_format=%1Lu /users
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
  unix_listener /lmtp {{
    mode = 0666
  }}
  process_limit = 20
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {auth_port}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


class Dovecot(Server):
    name = "dovecot"
    scheme = "lmtp"
    logs = ("var/log/dovecot.log",)

    def __init__(self, certs):
        super().__init__(certs)
        self.auth_port = free_port()
        self.socket = self.folder / "lmtp"

    def command(self):
        need_root("Dovecot")
        package = unpacked("dovecot", "usr/sbin/dovecot")
        programs = [f"usr/lib/dovecot/{name}" for name in (
            "anvil", "auth", "config", "lmtp", "log", "stats", "modules/libssl_iostream_openssl.so")]
        jail(self.folder, package, ["usr/sbin/dovecot", "usr/bin/doveconf", *programs], self.certs,
             users=["dovecot", "dovenull"])
        self.give("nobody", "mail")
        (self.folder / "passwords").write_text(f"{USER}:{PASSWORD}\n")
        # It looks for the first letter only: a user for each letter is everybody but those who are refused.
        first = sorted(set("abcdefghijklmnopqrstuvwxyz0123456789") - {REFUSED[0]})
        (self.folder / "users").write_text("".join(f"{c}::nobody:nogroup::/mail::\n" for c in first))
        (self.folder / "etc/dovecot/dovecot.conf").write_text(CONFIG.format(port=self.port, auth_port=self.auth_port))
        return ["chroot", self.folder, "/usr/sbin/dovecot", "-F"], {}

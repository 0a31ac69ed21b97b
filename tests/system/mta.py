"""A real Postfix on loopback, unpacked (never installed), with a queue and mailboxes of its own.

It needs root: Postfix gives its rights away by itself. Everything stays below one folder, and
stop() ends exactly the processes that start() began.
"""
import email
import email.policy
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MTA = ROOT / "build" / "mta"

MAIN_CF = """\
compatibility_level = 3.6
command_directory = {mta}/usr/sbin
daemon_directory = {mta}/usr/lib/postfix/sbin
data_directory = {folder}/data
queue_directory = {folder}/queue
mail_owner = daemon
setgid_group = mail
default_privs = nobody
import_environment = LD_LIBRARY_PATH={libs} MAIL_CONFIG={folder}/etc TZ
shlib_directory = no
meta_directory = {folder}/etc
html_directory = no
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = localhost
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_mailbox_limit = 0
virtual_transport = virtual
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access regexp:{folder}/etc/refused, permit
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
smtp_host_lookup = native
notify_classes =
{tls}
"""

TLS_CF = """\
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
"""

MASTER_CF = """\
127.0.0.1:{port} inet n - n - {processes} smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
virtual unix - n n - 20 virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
proxymap unix - - n - - proxymap
flush unix n - n 1000? 0 flush
showq unix n - n - - showq
"""


def available():
    """None, or why a real Postfix cannot run here."""
    if not (MTA / "usr/lib/postfix/sbin/master").exists():
        return "Postfix is not unpacked: run tests/setup test"
    if os.geteuid() != 0:
        return "Postfix needs root to start"
    return None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Postfix:
    """`folder` is made; its parent must be open to all users. All mail goes into one Maildir; its Delivered-To says for whom. delivered() reads it."""

    def __init__(self, folder, cert=None, key=None, refused=(), processes=20):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.libs = f"{MTA}/usr/lib/postfix:{MTA}/usr/lib/x86_64-linux-gnu"
        for name in ("etc", "queue", "data", "mail"):
            (self.folder / name).mkdir(parents=True)
        daemon, nobody = pwd.getpwnam("daemon"), pwd.getpwnam("nobody")
        os.chown(self.folder / "data", daemon.pw_uid, daemon.pw_gid)
        os.chown(self.folder / "mail", nobody.pw_uid, nobody.pw_gid)
        for folder in (self.folder, self.folder.parent):
            folder.chmod(folder.stat().st_mode | 0o055)  # its processes run as other users
        tls = TLS_CF.format(cert=cert, key=key) if cert else ""
        etc = self.folder / "etc"
        (etc / "main.cf").write_text(MAIN_CF.format(mta=MTA, folder=self.folder, libs=self.libs, tls=tls))
        (etc / "master.cf").write_text(MASTER_CF.format(port=self.port, processes=processes))
        (etc / "refused").write_text("".join(f"/^{r}$/ 550 5.1.1 no such mailbox\n" for r in refused))
        shutil.copy(MTA / "etc/postfix/postfix-files", etc)
        self.env = dict(os.environ, LD_LIBRARY_PATH=self.libs, MAIL_CONFIG=str(etc))
        self.process = None

    def start(self):
        subprocess.run([MTA / "usr/sbin/postfix", "-c", self.folder / "etc", "check"], env=self.env,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)
        self.process = subprocess.Popen(
            [MTA / "usr/lib/postfix/sbin/master", "-c", self.folder / "etc", "-d"], env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        until = time.monotonic() + 40
        while time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
                    if s.recv(4) == b"220 ":
                        return self
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise RuntimeError("Postfix did not start:\n" + self.log())

    def log(self):
        path = self.folder / "mail.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def queue_is_empty(self):
        return not any(f.is_file() for d in ("incoming", "active", "deferred", "maildrop")
                       for f in (self.folder / "queue" / d).rglob("*"))

    def wait_delivered(self, seconds=60):
        until = time.monotonic() + seconds
        while not self.queue_is_empty():
            if time.monotonic() > until:
                raise RuntimeError("Postfix still has mail in its queue:\n" + self.log())
            time.sleep(0.1)

    def delivered(self):
        """Yields (recipient, message as Python's email reads it)."""
        for path in sorted((self.folder / "mail/inbox/new").glob("*")):
            with path.open("rb") as f:
                message = email.message_from_binary_file(f, policy=email.policy.default)
            yield str(message["Delivered-To"]), message

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

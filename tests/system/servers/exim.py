"""A real Exim. It runs in a root of its own: its user is compiled in. What it is known for is left as it comes:
1,000 messages a connection, and 3 syntax errors."""
import subprocess

from .server import REFUSED, Server, jail, need_root, unpacked

CONFIG = """\
primary_hostname = localhost
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
log_file_path = /var/log/%slog
spool_directory = /spool
pid_file_path = /run/exim.pid
hosts_treat_as_local = localhost
host_lookup =
rfc1413_hosts =
keep_environment =
smtp_accept_max = 100
tls_advertise_hosts = *
tls_certificate = /etc/cert.pem
tls_privatekey = /etc/key.pem
acl_smtp_mail = sender
acl_smtp_rcpt = recipient
queue_only
queue_run_max = 8
begin acl
sender:
  deny condition = ${{if match{{$sender_address}}{{^{refused}}}}}
       message = 5.1.8 no such sender
  accept
recipient:
  deny condition = ${{if match{{$local_part}}{{^{refused}}}}}
       message = 5.1.1 no such mailbox
  accept
begin routers
all:
  driver = accept
  transport = mailbox
begin transports
mailbox:
  driver = appendfile
  maildir_format
  directory = /mail
  create_directory
  user = nobody
  envelope_to_add
  return_path_add
begin retry
* * F,1h,1m
"""


class Exim(Server):
    name = "exim"
    logs = ("var/log/mainlog", "var/log/paniclog")

    def command(self):
        need_root("Exim")
        package = unpacked("exim", "usr/sbin/exim4")
        jail(self.folder, package, ["usr/sbin/exim4"], self.certs, users=["Debian-exim"])
        (self.folder / "etc/exim4").mkdir(exist_ok=True)
        (self.folder / "etc/exim4/exim4.conf").write_text(CONFIG.format(port=self.port, refused=REFUSED))
        self.give("nobody", "mail", "spool", "var/log", "etc/cert.pem", "etc/key.pem")
        return ["chroot", self.folder, "/usr/sbin/exim4", "-bdf", "-q1m"], {}

    def hurry(self):
        subprocess.run(["chroot", self.folder, "/usr/sbin/exim4", "-q"], check=True)

    def queue(self):
        return [self.folder / "spool/input"]

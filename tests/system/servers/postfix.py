"""A real Postfix with a queue and mailboxes of its own. `auth_port`: where it wants TLS and a login, for which it asks
the Dovecot that it was given."""
import os
import shutil

from .server import REFUSED, Server, free_port, need_root, unpacked

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
smtpd_delay_reject = no
smtpd_sender_restrictions = check_sender_access regexp:{folder}/etc/refused, permit
smtpd_recipient_restrictions = check_recipient_access regexp:{folder}/etc/refused, permit
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
smtp_host_lookup = native
notify_classes =
smtpd_tls_cert_file = {certs}/good.pem
smtpd_tls_key_file = {certs}/good.key
smtpd_tls_security_level = may
"""

AUTH_CF = """\
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{port}
smtpd_sasl_security_options = noanonymous
"""

MASTER_CF = """\
127.0.0.1:{port} inet n - n - {processes} smtpd
127.0.0.1:{auth_port} inet n - n - {processes} smtpd
 -o smtpd_tls_security_level=encrypt
 -o smtpd_sasl_auth_enable=yes
 -o smtpd_delay_reject=yes
 -o smtpd_client_restrictions=permit_sasl_authenticated,reject
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


QUEUE = "active bounce corrupt defer deferred flush hold incoming private saved trace public maildrop".split()


class Postfix(Server):
    name = "postfix"
    logs = ("mail.log",)

    def __init__(self, certs, dovecot=None, processes=20):
        super().__init__(certs)
        self.dovecot = dovecot
        self.processes = processes
        self.auth_port = free_port()

    def command(self):
        need_root("Postfix")
        package = unpacked("mta", "usr/lib/postfix/sbin/master")
        libs = f"{package}/usr/lib/postfix:{package}/usr/lib/x86_64-linux-gnu"
        etc = self.folder / "etc"
        etc.mkdir()
        self.give("root", "queue", "queue/pid")
        self.give("daemon", "data", *(f"queue/{name}" for name in QUEUE))
        for name in "public", "maildrop":
            shutil.chown(self.folder / "queue" / name, group="mail")
            (self.folder / "queue" / name).chmod(0o2730)
        self.give("nobody", "mail")
        auth = AUTH_CF.format(port=self.dovecot.auth_port) if self.dovecot else ""
        (etc / "main.cf").write_text(MAIN_CF.format(mta=package, folder=self.folder, libs=libs, certs=self.certs) + auth)
        (etc / "master.cf").write_text(MASTER_CF.format(port=self.port, auth_port=self.auth_port, processes=self.processes))
        (etc / "refused").write_text(f"/^{REFUSED}/ 550 5.1.1 nobody is there\n")
        shutil.copy(package / "etc/postfix/postfix-files", etc)
        env = dict(os.environ, LD_LIBRARY_PATH=libs, MAIL_CONFIG=str(etc))
        return [package / "usr/lib/postfix/sbin/master", "-c", etc, "-d"], {"env": env}

    def whole_log(self):
        return (self.folder / "mail.log").read_text(errors="replace")

    def queue(self):
        return [self.folder / "queue" / name for name in ("incoming", "active", "deferred", "maildrop")]

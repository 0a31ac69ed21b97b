"""What all real servers of the tests have in common.

A server runs from a Debian package that tests/setup unpacked into build/ (never installed), below a folder of
its own, on a free port of loopback; stop() ends exactly what start() began. It accepts mail for everybody but
recipients whose address begins with REFUSED, and keeps it in one Maildir. Postfix and Exim refuse such senders, too.
"""
import collections
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = ROOT / "build"
REFUSED = "nobody"  # addresses that begin so; nobody else's begins with its first letter

Delivered = collections.namedtuple("Delivered", "sender recipient message")  # message: as it was sent, with CRLF

# Fields that servers put before a message on its way into a mailbox.
TRACE = re.compile(rb"(?:Return-path|Delivered-To|X-Original-To|Envelope-to|Delivery-date|Received):"
                   rb".*\n(?:[ \t].*\n)*", re.I)


def unpacked(package, program):
    """The folder of a package; a test that needs what is not there fails, it is not left out."""
    if not (BUILD / package / program).exists():
        pytest.fail(f"{package} is not in build/{package}: run tests/setup test (it needs Debian's package servers)",
                    pytrace=False)
    return BUILD / package


def need_root(name):
    if os.geteuid() != 0:
        pytest.skip(f"{name} starts only as root: sudo make test")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def read_delivered(path):
    """A file of a Maildir. The fields on top say for whom it was; what follows is the message."""
    stored = path.read_bytes().replace(b"\r\n", b"\n")
    at, top = 0, {}
    while m := TRACE.match(stored, at):
        name, value = stored[at:m.end()].split(b":", 1)
        top.setdefault(name.decode().lower(), value.strip().decode().strip("<>"))
        at = m.end()
    return Delivered(top.get("return-path"), top.get("delivered-to") or top.get("envelope-to"),
                     stored[at:].replace(b"\n", b"\r\n"))


class Server:
    """A kind of server says its `name`, how it is set up and started, and where its queue is."""
    name = ""
    tls = True
    scheme = "smtp"
    logs = ()  # files below its folder

    def __init__(self, certs=None):
        # Not below pytest's folder, which is closed to the other users that servers run as.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"lettershop-{self.name}-"))
        self.folder.chmod(0o755)
        self.certs = certs
        self.port = free_port()
        self.mailbox = self.folder / "mail"
        self.process = None

    def command(self):
        """Writes the server's settings; gives (arguments, what subprocess.Popen wants besides)."""
        raise NotImplementedError

    def queue(self):
        """Folders in which a message lies as a file until it is in its mailbox."""
        return []

    def hurry(self):
        """Delivers what waits in the queue, for a server that would take its time."""

    def log(self):
        paths = [self.folder / name for name in ("output.log", *self.logs)]
        return "".join(p.read_text(errors="replace")[-3000:] for p in paths if p.exists())

    def url(self, options=""):
        """Of the server as a relay: with TLS, the certificate verified."""
        security = f"tls=starttls&ca={self.certs}/ca.pem" if self.tls else "tls=none"
        return f"{self.scheme}://localhost:{self.port}?{security}{options}"

    def give(self, user, *names):
        """Files and folders, made when they are missing."""
        who = pwd.getpwnam(user)
        for path in (self.folder / name for name in names):
            if not path.exists():
                path.mkdir(parents=True)
            os.chown(path, who.pw_uid, who.pw_gid)

    def start(self):
        arguments, more = self.command()
        with (self.folder / "output.log").open("ab") as out:
            self.process = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=out, start_new_session=True, **more)
        until = time.monotonic() + 40
        while self.process.poll() is None and time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
                    if s.recv(4) == b"220 ":
                        return self
            except OSError:
                pass
            time.sleep(0.05)
        said = self.log()
        self.stop()
        raise RuntimeError(f"{self.name} did not start:\n{said}")

    def arrived(self):
        return [p for p in self.mailbox.glob("**/new/*") if p.is_file()]

    def waiting(self):
        return [p for folder in self.queue() for p in folder.rglob("*") if p.is_file()]

    def collect(self, n, seconds=60):
        """Waits for n messages and an empty queue, and takes all messages out of the mailbox. `seconds`: how long
        nothing may happen."""
        self.hurry()
        seen, until = -1, 0
        while len(now := self.arrived()) < n or self.waiting():
            if len(now) != seen:
                seen, until = len(now), time.monotonic() + seconds
            if time.monotonic() > until:
                raise RuntimeError(f"{self.name} has {len(now)} messages, not {n}:\n{self.log()}")
            time.sleep(0.1)
        out = [read_delivered(p) for p in now]
        for p in now:
            p.unlink()
        return out

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                pass
            try:
                os.killpg(self.process.pid, signal.SIGKILL)  # its own session: what it began, and nothing else
            except ProcessLookupError:
                pass
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def jail(folder, package, programs, certs, users=()):
    """For servers that have their paths and users compiled in: a root of their own with the package, the libraries
    of the machine, certificate and key, and as users root, nobody and `users`, whose number is nobody's."""
    shutil.copytree(package, folder, symlinks=True, dirs_exist_ok=True)
    for name in ("dev", "etc", "tmp", "run", "var/lib", "var/log"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "tmp").chmod(0o1777)
    os.close(os.open(folder / "dev/null", os.O_CREAT | os.O_WRONLY))
    (folder / "dev/null").chmod(0o666)
    libraries = f"{package}/usr/lib/x86_64-linux-gnu:{package}/usr/lib/dovecot"
    done = subprocess.run(["ldd", "/bin/sh", *(package / p for p in programs)], env={"LD_LIBRARY_PATH": libraries},
                          capture_output=True, text=True, check=True)
    for path in {"/bin/sh", *re.findall(r"(?:=> |\t)(/\S+)", done.stdout)}:
        if not path.startswith(str(package)):
            to = folder / path.lstrip("/")
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
    nobody = pwd.getpwnam("nobody")
    lines = [f"{u}:x:{nobody.pw_uid}:{nobody.pw_gid}::/:/bin/sh" for u in ("nobody", *users)]
    (folder / "etc/passwd").write_text("\n".join(["root:x:0:0::/:/bin/sh", *lines]) + "\n")
    (folder / "etc/group").write_text("\n".join(["root:x:0:", *(f"{u}:x:{nobody.pw_gid}:" for u in ("nogroup", *users))]) + "\n")
    (folder / "etc/hosts").write_text("127.0.0.1 localhost\n")
    for name, to in ("good.pem", "cert.pem"), ("good.key", "key.pem"):
        shutil.copy(certs / name, folder / "etc" / to)
        (folder / "etc" / to).chmod(0o600)


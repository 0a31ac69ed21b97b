"""The practice relay for tests in Python: start it, talk to it, read what it recorded.

    relay = Relay("--starttls", "--tls-cert", certs("good.pem"), "--tls-key", certs("good.key"))
    ... relay.address, relay.record(), relay.violations() ...
    relay.stop()

Standard library only. The program is $FAKE_RELAY, or PLACES["program"]."""
import atexit
import os
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time
import unittest


HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS = ("mono", "wall", "accepted", "conn", "txn", "user", "tls", "mail", "rcpt", "size", "id", "header",
           "digest", "verb", "params")
SECRET = "tomsk-42"
PLACES = {"program": os.environ.get("FAKE_RELAY", "build/release/fake-relay"), "certs": None}


def relay_program():
    return os.path.abspath(PLACES["program"])


def certs(name):
    """A file that make-certs made, for this run."""
    if not PLACES["certs"]:
        PLACES["certs"] = tempfile.mkdtemp(prefix="fake-certs-")
        atexit.register(shutil.rmtree, PLACES["certs"], ignore_errors=True)
        subprocess.run([os.path.join(HERE, "make-certs"), PLACES["certs"]], check=True)
    return os.path.join(PLACES["certs"], name)


class Wire:
    """A raw socket that speaks in lines."""

    def __init__(self, address, tls=None):
        if isinstance(address, str):
            self.s = socket.socket(socket.AF_UNIX)
            self.s.connect(address)
        else:
            self.s = socket.create_connection(address, timeout=10)
        self.s.settimeout(10)
        if tls:
            self.s = tls.wrap_socket(self.s, server_hostname="localhost", suppress_ragged_eofs=False)
        self.buf = b""

    def send(self, data):
        self.s.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        """One line without its end; b"" at the end of the stream."""
        while b"\n" not in self.buf:
            got = self.s.recv(65536)
            if not got:
                return b""
            self.buf += got
        line, self.buf = self.buf.split(b"\n", 1)
        return line.rstrip(b"\r")

    def reply(self):
        """One reply, its lines joined by newlines."""
        lines = []
        while True:
            line = self.line()
            lines.append(line)
            if line[3:4] != b"-":
                return b"\n".join(lines).decode("latin-1")

    def code(self):
        return self.reply()[:3]

    def say(self, line):
        self.send(line + "\r\n")
        return self.reply()

    def codes(self, n):
        return [self.code() for _ in range(n)]

    def rest(self):
        """All that comes before the peer ends; None for a reset."""
        try:
            while True:
                got = self.s.recv(65536)
                if not got:
                    return self.buf
                self.buf += got
        except ConnectionResetError:
            return None

    def close(self):
        self.s.close()


class Relay:
    """A fake-relay in a folder of its own."""

    def __init__(self, *args, listen="--listen=127.0.0.1:0", password=SECRET):
        self.dir = tempfile.mkdtemp(prefix="fake-relay-")
        password_file = self.path("password")
        with open(password_file, "w", encoding="utf-8") as f:
            f.write(password + "\n")
        args = [a.replace("@DIR@", self.dir) for a in args]
        listens = [listen.replace("@DIR@", self.dir)] if listen else []
        self.p = subprocess.Popen(
            [relay_program(), *listens, "--ready-file", self.path("ready"), "--record", self.path("record"),
             "--violations", self.path("violations"), "--log-protocol", self.path("protocol"),
             "--password-file", password_file, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.time() + 20
        while not os.path.exists(self.path("ready")):
            if self.p.poll() is not None or time.time() > end:
                raise RuntimeError("fake-relay did not start: " + self.p.communicate()[1])
            time.sleep(0.005)
        with open(self.path("ready"), encoding="utf-8") as f:
            self.ready = [line.split(" ", 1) for line in f.read().splitlines()]
        self.protocol, address = self.ready[0]
        if address.startswith("/"):
            self.address = address
        else:
            host, port = address.rsplit(":", 1)
            self.address = (host.strip("[]"), int(port))

    def path(self, name):
        return os.path.join(self.dir, name)

    def wire(self, greet=True, hello="EHLO test.example", tls=None):
        w = Wire(self.address, tls)
        if greet:
            assert w.code() == "220"
            if hello:
                assert w.say(hello).startswith("250")
        return w

    def smtp(self):
        return smtplib.SMTP(*self.address, timeout=10)

    def lines(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return [line.split("\t") for line in f.read().splitlines()]

    def record(self):
        return [dict(zip(COLUMNS, line)) for line in self.lines("record")]

    def violations(self):
        return [line[3] for line in self.lines("violations")]

    def stop(self):
        """The summary; also proves a clean exit."""
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGTERM)
        out, err = self.p.communicate(timeout=30)
        shutil.rmtree(self.dir, ignore_errors=True)
        if self.p.returncode != 0 or "Sanitizer" in err:
            raise RuntimeError(f"fake-relay ended with {self.p.returncode}: {err}")
        return dict(word.split("=") for word in out.split()[1:])


class Case(unittest.TestCase):
    def relay(self, *args, **kw):
        r = Relay(*args, **kw)
        self.addCleanup(r.stop)
        return r

    def ready_wire(self, *args, **kw):
        r = self.relay(*args, **kw)
        w = r.wire(hello="LHLO test.example" if r.protocol == "lmtp" else "EHLO test.example")
        self.addCleanup(w.close)
        return r, w


MESSAGE = b"Message-ID: <1@x.example>\r\nSubject: hello\r\n\r\nbody\r\n"


def envelope(rcpt="b@y.example", sender="a@x.example"):
    return f"MAIL FROM:<{sender}>\r\nRCPT TO:<{rcpt}>\r\n"


def bdat(body=MESSAGE, rcpt="b@y.example", sender="a@x.example", rset=False):
    head = ("RSET\r\n" if rset else "") + envelope(rcpt, sender) + f"BDAT {len(body)} LAST\r\n"
    return head.encode() + body


def deliver(w, rcpt="b@y.example", sender="a@x.example", body=MESSAGE):
    """One message by DATA, step by step; the codes of all replies."""
    codes = [w.say(f"MAIL FROM:<{sender}>")[:3], w.say(f"RCPT TO:<{rcpt}>")[:3], w.say("DATA")[:3]]
    if codes[-1] == "354":
        w.send(body + b".\r\n")
        codes.append(w.code())
    return codes

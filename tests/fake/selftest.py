#!/usr/bin/env python3
"""Proves the practice relay against smtplib and raw sockets.

    python3 tests/fake/selftest.py build/release/fake-relay [TestClass.test_name ...]

Standard library only; the last line is "N passed, N failed"."""
import base64
import hashlib
import hmac
import mailbox
import os
import re
import shutil
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
RELAY = ""
CERTS = ""
COLUMNS = ("mono", "wall", "accepted", "conn", "txn", "user", "tls", "mail", "rcpt", "size", "id", "header",
           "digest", "verb", "params")
SECRET = "tomsk-42"


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
            [RELAY, *listens, "--ready-file", self.path("ready"), "--record", self.path("record"),
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


class Basics(Case):
    def test_smtplib_delivers(self):
        r = self.relay()
        with r.smtp() as s:
            s.sendmail("a@x.example", ["b@y.example", "c@y.example"], MESSAGE)
            self.assertEqual(len(r.record()), 1)  # it is there as soon as smtplib has the 250
            s.sendmail("a@x.example", "d@y.example", MESSAGE)
        first, second = r.record()
        self.assertEqual(first["rcpt"], "b@y.example,c@y.example")
        self.assertEqual(first["mail"], f"<a@x.example> size={len(MESSAGE)}")
        self.assertEqual((first["id"], first["size"]), ("<1@x.example>", str(len(MESSAGE))))
        self.assertEqual((first["conn"], first["txn"], second["txn"]), ("1", "1", "2"))
        self.assertEqual((first["user"], first["tls"], first["verb"]), ("-", "0", "DATA"))
        self.assertLessEqual(int(first["wall"]), int(first["accepted"]))
        self.assertLess(abs(int(first["wall"]) / 1e9 - time.time()), 60)
        self.assertLess(abs(int(first["mono"]) / 1e9 - time.monotonic()), 60)
        self.assertEqual(r.violations(), [])

    def test_extensions_are_announced(self):
        r = self.relay()
        with r.smtp() as s:
            s.ehlo()
            self.assertEqual(set(s.esmtp_features), {"pipelining", "8bitmime", "smtputf8", "dsn",
                                                     "enhancedstatuscodes", "chunking", "size"})

    def test_extensions_list_and_signs(self):
        with self.relay("--extensions", "PIPELINING SIZE=1000 LIMITS=MAILMAX=5,RCPTMAX=2").smtp() as s:
            s.ehlo()
            self.assertEqual(s.esmtp_features, {"pipelining": "", "size": "1000", "limits": "MAILMAX=5 RCPTMAX=2"})
        with self.relay("--extensions", "-CHUNKING -DSN +BINARYMIME").smtp() as s:
            s.ehlo()
            self.assertNotIn("chunking", s.esmtp_features)
            self.assertIn("binarymime", s.esmtp_features)
            self.assertIn("pipelining", s.esmtp_features)

    def test_without_enhanced_codes(self):
        _, w = self.ready_wire("--extensions=-ENHANCEDSTATUSCODES")
        self.assertEqual(w.say("MAIL FROM:<a@x.example>"), "250 Ok")

    def test_limits(self):
        r, w = self.ready_wire("--extensions", "+LIMITS=MAILMAX=2,RCPTMAX=1")
        w.say("MAIL FROM:<a@x.example>")
        self.assertEqual(w.say("RCPT TO:<b@x.example>")[:3], "250")
        self.assertEqual(w.say("RCPT TO:<c@x.example>")[:3], "452")
        w.say("RSET")
        w.say("MAIL FROM:<a@x.example>")
        w.say("RSET")
        self.assertEqual(w.say("MAIL FROM:<a@x.example>")[:3], "421")
        self.assertEqual(r.violations(), ["more RCPT commands than LIMITS allows",
                                          "more MAIL commands than LIMITS allows"])

    def test_size_is_refused(self):
        r, w = self.ready_wire("--extensions", "PIPELINING CHUNKING SIZE=60")
        self.assertEqual(w.say("MAIL FROM:<a@x.example> SIZE=61")[:3], "552")
        self.assertEqual(deliver(w, body=b"x" * 58 + b"\r\n"), ["250", "250", "354", "250"])
        self.assertEqual(deliver(w, body=b"x" * 59 + b"\r\n"), ["250", "250", "354", "552"])
        w.send(bdat(b"x" * 61))
        self.assertEqual(w.codes(3), ["250", "250", "552"])
        self.assertEqual(len(r.record()), 1)

    def test_max_per_connection(self):
        _, w = self.ready_wire("--max-per-connection", "2")
        for _ in range(2):
            self.assertEqual(deliver(w)[-1], "250")
        self.assertEqual(w.say("MAIL FROM:<a@x.example>")[:3], "421")
        self.assertEqual(w.rest(), b"")

    def test_banner_and_hostname(self):
        w = self.relay("--banner", "hullo", "--hostname", "mx.test").wire(greet=False)
        self.assertEqual(w.reply(), "220 mx.test hullo")
        w.close()

    def test_unix_socket_and_prefixes(self):
        r = self.relay("--unix=lmtp:@DIR@/l.sock", "--listen", "[::1]:0", listen="--unix=@DIR@/s.sock")
        self.assertEqual([p for p, _ in r.ready], ["smtp", "lmtp", "smtp"])
        self.assertTrue(r.ready[2][1].startswith("[::1]:"))
        w = r.wire()
        self.assertEqual(deliver(w)[-1], "250")
        lmtp = Wire(r.ready[1][1])
        self.assertEqual(lmtp.code(), "220")
        self.assertEqual(lmtp.say("LHLO x.example")[:3], "250")
        w.close()
        lmtp.close()

    def test_summary_and_usr1(self):
        r = Relay()
        w = r.wire()
        deliver(w)
        w.say("RCPT TO:<x@y.example>")
        w.say("QUIT")
        r.p.send_signal(signal.SIGUSR1)
        self.assertIn("messages=1", r.p.stderr.readline())
        self.assertEqual(r.stop(), {"connections": "1", "messages": "1", "recipients": "1", "rejected": "1",
                                    "violations": "1", "bytes": str(len(MESSAGE)), "tls": "0"})

    def test_many_connections_over_threads(self):
        r = self.relay("--threads", "4")

        def run(i):
            w = r.wire()
            for j in range(20):
                w.send(bdat(rcpt=f"r{i}-{j}@y.example", rset=True) * 5)
                for _ in range(20):
                    assert w.code() == "250"
            w.close()

        threads = [threading.Thread(target=run, args=(i,)) for i in range(40)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        seen = [line["rcpt"] for line in r.record()]
        self.assertEqual(sorted(seen), sorted(f"r{i}-{j}@y.example" for i in range(40) for j in range(20)
                                              for _ in range(5)))
        self.assertEqual(r.violations(), [])

    def test_wrong_command_lines(self):
        for args in (["--nonsense"], [], ["--listen", "127.0.0.1:0", "--starttls"], ["--listen", "nowhere"],
                     ["--listen", "127.0.0.1:0", "--fault", "stage=NOWHERE drop"],
                     ["--listen", "127.0.0.1:0", "--fault", "drop"],
                     ["--listen", "127.0.0.1:0", "--fault", "stage=RCPT rcpt~( drop"],
                     ["--listen", "127.0.0.1:0", "--fault", 'stage=RCPT reply="hello"'],
                     ["--listen", "127.0.0.1:0", "--refuse", "x=y"],
                     ["--listen", "127.0.0.1:0", "--quirk", "sendmail"],
                     ["--listen", "127.0.0.1:0", "--threads", "0"]):
            p = subprocess.run([RELAY, *args], capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual(p.returncode, 2, args)
            self.assertTrue(p.stderr.startswith(("fake-relay: ", RELAY)), p.stderr)
        p = subprocess.run([RELAY, "--help"], capture_output=True, text=True, timeout=20, check=True)
        self.assertIn("--fault", p.stdout)


class Pipelining(Case):
    def test_whole_transactions_in_one_write(self):
        r, w = self.ready_wire()
        w.send(b"".join(bdat(rcpt=f"r{i}@y.example", rset=True) for i in range(300)) + b"QUIT\r\n")
        codes = w.codes(1201)
        self.assertEqual(codes, ["250"] * 1200 + ["221"])
        self.assertEqual([x["rcpt"] for x in r.record()], [f"r{i}@y.example" for i in range(300)])
        self.assertEqual(r.violations(), [])

    def test_envelope_behind_the_body(self):
        r, w = self.ready_wire()
        w.send(envelope("r0@y.example") + "DATA\r\n")
        for i in range(1, 20):
            self.assertEqual(w.codes(3), ["250", "250", "354"])
            w.send(MESSAGE + b".\r\n" + envelope(f"r{i}@y.example").encode() + b"DATA\r\n")
            self.assertEqual(w.code(), "250")
        self.assertEqual(w.codes(3), ["250", "250", "354"])
        w.send(MESSAGE + b".\r\nQUIT\r\n")
        self.assertEqual(w.codes(2), ["250", "221"])
        self.assertEqual(len(r.record()), 20)
        self.assertEqual(r.violations(), [])

    def test_every_cut_gives_the_same(self):
        stream = (envelope() + "DATA\r\n").encode(), b"A: b\r\n\r\n..dot\r\n..\r\n.\r\n" + bdat() + b"QUIT\r\n"
        r = self.relay("--record-digest")
        want = None
        for cut in range(1, len(stream[1]), 3):
            w = r.wire()
            w.send(stream[0])
            w.codes(3)
            w.send(stream[1][:cut])
            time.sleep(0.002)
            w.send(stream[1][cut:])
            self.assertEqual(w.codes(5), ["250", "250", "250", "250", "221"])
            w.close()
            lines = [(x["size"], x["id"], x["digest"], x["verb"]) for x in r.record()[-2:]]
            want = want or lines
            self.assertEqual(lines, want)
        digest = hashlib.sha256(b"A: b\r\n\r\n.dot\r\n.\r\n").hexdigest()
        self.assertEqual(want[0], ("17", "-", digest, "DATA"))
        self.assertEqual(r.violations(), [])

    def test_one_octet_a_write(self):
        r, w = self.ready_wire()
        for part, codes in ((envelope() + "DATA\r\n", ["250", "250", "354"]), (MESSAGE.decode() + ".\r\n", ["250"])):
            for octet in part:
                w.send(octet)
            self.assertEqual(w.codes(len(codes)), codes)
        self.assertEqual(len(r.record()), 1)
        self.assertEqual(r.violations(), [])

    def test_without_announcement(self):
        r, w = self.ready_wire("--extensions=-PIPELINING")
        w.send(envelope())
        self.assertEqual(w.codes(2), ["250", "250"])
        self.assertEqual(r.violations(), ["pipelining that was not announced"])

    def test_lock_step_without_announcement_is_fine(self):
        r, w = self.ready_wire("--extensions=-PIPELINING")
        for _ in range(3):
            deliver(w)
            w.say("RSET")
            w.say("MAIL FROM:<a@x.example>")
            w.say("RCPT TO:<b@x.example>")
            w.send(f"BDAT {len(MESSAGE)} LAST\r\n".encode() + MESSAGE)
            w.code()
        w.say("QUIT")
        self.assertEqual(len(r.record()), 6)
        self.assertEqual(r.violations(), [])

    def test_helo_has_no_pipelining(self):
        r = self.relay()
        w = r.wire(hello="HELO test.example")
        w.send(envelope())
        w.codes(2)
        self.assertEqual(r.violations(), ["pipelining that was not announced"])
        w.close()

    def test_half_closed_client_still_gets_replies(self):
        r, w = self.ready_wire("--delay", "50")
        w.send(bdat() + b"QUIT\r\n")
        w.s.shutdown(socket.SHUT_WR)
        self.assertEqual(w.codes(4), ["250", "250", "250", "221"])
        self.assertEqual(len(r.record()), 1)


class Violations(Case):
    def check(self, rule, *sent, args=(), n=None, hello="EHLO test.example"):
        """Says the lines one by one; the rule must be the only one broken."""
        r = self.relay(*args)
        w = r.wire(hello=hello)
        for line in sent:
            if isinstance(line, bytes):
                w.send(line)
                if n is None:
                    w.code()
            else:
                w.say(line)
        if n:
            w.codes(n)
        self.assertEqual(r.violations(), [rule])
        w.close()

    def test_order(self):
        mail, rcpt = "MAIL FROM:<a@x.example>", "RCPT TO:<b@x.example>"
        self.check("MAIL before EHLO", mail, hello=None)
        self.check("RCPT without MAIL", rcpt)
        self.check("content without MAIL", "DATA")
        self.check("content without RCPT", mail, "DATA")
        self.check("content without MAIL", b"BDAT 0 LAST\r\n")
        self.check("MAIL inside a transaction", mail, mail)
        self.check("DATA after BDAT", mail, rcpt, b"BDAT 3\r\nabc", "DATA")
        self.check("RCPT after BDAT", mail, rcpt, b"BDAT 3\r\nabc", rcpt)
        self.check("BDAT that was not announced", mail, rcpt, b"BDAT 0 LAST\r\n", args=["--extensions=-CHUNKING"])
        self.check("STARTTLS that was not announced", "STARTTLS")
        self.check("AUTH that was not announced", "AUTH PLAIN")
        self.check("unknown command", "XYZZY 12")
        self.check("unknown command", "LHLO test.example")
        self.check("argument where none belongs", "RSET now")
        self.check("bad BDAT", mail, rcpt, "BDAT x LAST")

    def test_refusal_in_good_faith_is_none(self):
        r, w = self.ready_wire("--refuse", "b@=550 5.1.1 no", "--fault", "stage=MAIL nth=2 reply=\"451 4.3.0 later\"")
        w.send(bdat() + bdat())
        self.assertEqual(w.codes(6), ["250", "550", "554", "451", "503", "503"])
        self.assertEqual(r.violations(), [])

    def test_mail_syntax(self):
        for bad, rule in (
                ("MAIL FROM: <a@x.example>", "path without <"), ("MAIL a@x.example", "MAIL without FROM:"),
                ("MAIL FROM:<a@x.example", "path without >"), ("MAIL FROM:<a>", "no @ behind the local part"),
                ("MAIL FROM:<.a@x.example>", "bad local part"), ("MAIL FROM:<a..b@x.example>", "bad local part"),
                ("MAIL FROM:<a.@x.example>", "bad local part"), ("MAIL FROM:<a b@x.example>", "no @ behind the local part"),
                ("MAIL FROM:<a@-x.example>", "hyphen at the end of a domain's label"),
                ("MAIL FROM:<a@x_y.example>", "bad character in a domain"),
                ("MAIL FROM:<a@x..example>", "bad length of a domain's label"),
                ("MAIL FROM:<a@x.example> ", "empty or bad parameter"),
                ("MAIL FROM:<a@x.example>SIZE=1", "no space before a parameter"),
                ("MAIL FROM:<a@x.example> SIZE=x", "bad SIZE parameter"),
                ("MAIL FROM:<a@x.example> SIZE=1 SIZE=1", "parameter given twice"),
                ("MAIL FROM:<a@x.example> BODY=9BIT", "bad BODY parameter"),
                ("MAIL FROM:<a@x.example> RET=ALL", "bad RET parameter"),
                ("MAIL FROM:<a@x.example> ENVID=a+b", "bad ENVID parameter"),
                ("MAIL FROM:<a@x.example> SMTPUTF8=1", "SMTPUTF8 takes no value"),
                ("MAIL FROM:<a@x.example> AUTH=<>", "parameter that was not announced"),
                ("MAIL FROM:<\u00e4@x.example>", "8-bit address without SMTPUTF8"),
                ("MAIL FROM:<\"a\\\"@x.example>", "quoted local part never closed")):
            with self.subTest(bad):
                self.check(rule, bad)

    def test_good_syntax(self):
        r, w = self.ready_wire()
        for good in ("MAIL FROM:<>", "mail from:<a@x.example>", "MAIL FROM:<\"a b\\\"c\"@x.example>",
                     "MAIL FROM:<a!#$%&'*+-/=?^_`{|}~b@[192.0.2.1]>", "MAIL FROM:<a@[IPv6:2001:db8::1]>",
                     "MAIL FROM:<a@x.example> SIZE=100 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb",
                     "MAIL FROM:<\u00e4@x.example> SMTPUTF8"):
            self.assertEqual(w.say(good)[:3], "250", good)
            for to in ("RCPT TO:<postmaster>", "RCPT TO:<c@y.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c+2Bd@y.example",
                       "RCPT TO:<d@y> NOTIFY=NEVER"):
                self.assertEqual(w.say(to)[:3], "250", to)
            w.say("RSET")
        self.assertEqual(r.violations(), [])

    def test_rcpt_syntax(self):
        for bad, rule in (("RCPT TO:<>", "bad local part"), ("RCPT <b@x.example>", "RCPT without TO:"),
                          ("RCPT TO:<b@x.example> NOTIFY=NEVER,DELAY", "bad NOTIFY parameter"),
                          ("RCPT TO:<b@x.example> ORCPT=b@x.example", "bad ORCPT parameter"),
                          ("RCPT TO:<b@x.example> SIZE=3", "parameter that was not announced")):
            with self.subTest(bad):
                self.check(rule, "MAIL FROM:<a@x.example>", bad)

    def test_lines(self):
        self.check("bare LF ends a command", b"NOOP\n")
        self.check("bare CR in a command", b"NOOP a\rb\r\n")
        self.check("NUL in a command", b"NOOP a\0b\r\n")
        self.check("command line too long", b"NOOP " + b"x" * 506 + b"\r\n")
        self.check("command line too long", b"x" * 20000 + b"\r\n")

    def test_early(self):
        self.check("content before the reply to DATA", (envelope() + "DATA\r\n").encode() + MESSAGE + b".\r\n", n=4)
        self.check("text behind a command that must be the last of its group", b"NOOP\r\nRSET\r\n", n=2)
        self.check("text behind a command that must be the last of its group", b"QUIT\r\nRSET\r\n")
        r = self.relay("--greeting-delay", "200")
        w = Wire(r.address)
        w.send("EHLO test.example\r\n")
        self.assertEqual(w.code(), "220")
        self.assertEqual(w.code(), "250")
        self.assertEqual(r.violations(), ["text before the greeting"])
        w.close()

    def test_early_by_the_delay(self):
        """Two writes, far enough apart to be two reads, but before the reply left."""
        r, w = self.ready_wire("--delay", "150", "--extensions=-PIPELINING")
        w.send("MAIL FROM:<a@x.example>\r\n")
        time.sleep(0.05)
        w.send("RCPT TO:<b@x.example>\r\n")
        self.assertEqual(w.codes(2), ["250", "250"])
        self.assertEqual(r.violations(), ["pipelining that was not announced"])

    def content(self, body, verb="DATA", mail="MAIL FROM:<a@x.example>", args=()):
        r = self.relay(*args)
        w = r.wire()
        w.say(mail)
        w.say("RCPT TO:<b@y.example>")
        if verb == "DATA":
            w.say("DATA")
            w.send(body + b".\r\n")
        else:
            w.send(b"BDAT %d LAST\r\n" % len(body) + body)
        w.code()
        w.close()
        return r.violations()

    def test_content(self):
        for verb in ("DATA", "BDAT"):
            with self.subTest(verb):
                self.assertEqual(self.content(b"a\rb\r\n", verb), ["bare CR in content"])
                self.assertEqual(self.content(b"a\nb\r\n", verb), ["bare LF in content"])
                self.assertEqual(self.content(b"a\0b\r\n", verb), ["NUL in content"])
                self.assertEqual(self.content(b"a\xe4b\r\n", verb), ["8-bit octets without BODY=8BITMIME"])
                self.assertEqual(self.content(b"x" * 998 + b"\r\n", verb), [])
                self.assertEqual(self.content(b"x" * 999 + b"\r\n", verb), ["line over 1000 octets"])
                self.assertEqual(self.content(b"a\xe4b\r\n", verb, "MAIL FROM:<a@x.example> BODY=8BITMIME"), [])
                self.assertEqual(self.content(b"abcdef\r\n", verb, "MAIL FROM:<a@x.example> SIZE=8"), [])
                self.assertEqual(self.content(b"abcdef\r\n", verb, "MAIL FROM:<a@x.example> SIZE=7"),
                                 ["SIZE parameter below the true size"])
                self.assertEqual(self.content(b"a\rb\r\n", verb, args=["--fast"]), [])
        self.assertEqual(self.content(b".a\r\n"), ["line begins with one dot: not stuffed"])
        self.assertEqual(self.content(b".a\r\n", "BDAT"), [])
        self.assertEqual(self.content(b"a\n.\r\nb\r\n"), ["bare LF in content", "line begins with one dot: not stuffed"])  # and not the end
        self.assertEqual(self.content(b"abc\r", "BDAT"), ["bare CR in content"])


class Chunking(Case):
    def test_chunks(self):
        r, w = self.ready_wire("--record-digest")
        w.send(envelope() + "BDAT 10\r\n" + "Subject: x" + "BDAT 0\r\n" + "BDAT 4\r\n\r\n\r\n" + "BDAT 0 LAST\r\n")
        self.assertEqual(w.codes(6), ["250"] * 6)
        record = r.record()
        self.assertEqual((record[0]["size"], record[0]["verb"]), ("14", "BDAT"))
        self.assertEqual(record[0]["digest"], hashlib.sha256(b"Subject: x\r\n\r\n").hexdigest())
        self.assertEqual(r.violations(), [])

    def test_failed_chunk_refuses_the_rest(self):
        _, w = self.ready_wire("--fault", 'stage=BDAT nth=1 reply="452 4.3.1 full"')
        w.send(envelope() + "BDAT 3\r\nabcBDAT 3 LAST\r\nabc")
        self.assertEqual(w.codes(4), ["250", "250", "452", "503"])
        w.send(bdat())
        self.assertEqual(w.codes(3), ["250", "250", "250"])

    def test_binarymime(self):
        r, w = self.ready_wire("--extensions=+BINARYMIME")
        w.say("MAIL FROM:<a@x.example> BODY=BINARYMIME")
        w.say("RCPT TO:<b@y.example>")
        w.send(b"BDAT 5 LAST\r\na\0\r\n\xff")
        self.assertEqual(w.code(), "250")
        self.assertEqual(r.violations(), [])


class Lmtp(Case):
    def test_smtplib(self):
        r = self.relay("--lmtp")
        self.assertEqual(r.protocol, "lmtp")
        with smtplib.LMTP(*r.address) as s:
            s.sendmail("a@x.example", ["b@y.example"], MESSAGE)
        self.assertEqual(r.violations(), [])

    def test_a_reply_for_each(self):
        r, w = self.ready_wire("--lmtp", "--fault", 'stage=END rcpt~^c@ reply="452 4.2.2 full"')
        w.send("MAIL FROM:<a@x.example>\r\n" + "".join(f"RCPT TO:<{c}@y.example>\r\n" for c in "bcd") + "DATA\r\n")
        w.codes(5)
        w.send(MESSAGE + b".\r\n")
        self.assertEqual(w.codes(3), ["250", "452", "250"])
        w.send("MAIL FROM:<a@x.example>\r\n" + "".join(f"RCPT TO:<{c}@y.example>\r\n" for c in "bcd") +
               "BDAT 2 LAST\r\n\r\n")
        self.assertEqual(w.codes(7), ["250"] * 4 + ["250", "452", "250"])
        self.assertEqual([x["rcpt"] for x in r.record()], ["b@y.example,d@y.example"] * 2)

    def test_only_lhlo(self):
        w = self.relay("--lmtp").wire(hello=None)
        self.assertEqual(w.say("EHLO x.example")[:3], "500")
        w.close()


class Recording(Case):
    def test_header_digest_and_stores(self):
        r = self.relay("--record-header", "X-Row", "--record-digest", "--store", "@DIR@/eml", "--store-mbox", "@DIR@/mbox")
        body = (b"subject: x\r\nmessage-id:\r\n <fold@x.example>\r\nX-Rowing: no\r\nx-row: 12\r\n  and 13\r\n\r\n"
                b"Message-ID: <not@me>\r\nFrom here\r\n>From there\r\n.\r\n")
        with r.smtp() as s:
            s.sendmail("a@x.example", "b@y.example", body)
        line = r.record()[0]
        self.assertEqual((line["id"], line["header"]), ("<fold@x.example>", "12 and 13"))
        self.assertEqual(line["digest"], hashlib.sha256(body).hexdigest())
        with open(r.path("eml/000001-000001.eml"), "rb") as f:
            self.assertEqual(f.read(), body)
        self.assertEqual(os.listdir(r.path("eml")), ["000001-000001.eml"])
        with open(r.path("mbox"), "rb") as f:
            raw = f.read()
        self.assertTrue(raw.startswith(b"From a@x.example "))
        self.assertIn(b"\n>From here\n>>From there\n.\n\n", raw)
        self.assertEqual(len(mailbox.mbox(r.path("mbox"))), 1)
        self.assertEqual(r.violations(), [])

    def test_dsn_parameters(self):
        r, w = self.ready_wire()
        w.say("MAIL FROM:<a@x.example> RET=HDRS ENVID=abc")
        w.say("RCPT TO:<b@y.example> NOTIFY=FAILURE")
        w.say("RCPT TO:<c@y.example>")
        w.send(b"BDAT 2 LAST\r\n\r\n")
        w.code()
        line = r.record()[0]
        self.assertEqual((line["mail"], line["params"]), ("<a@x.example> RET=HDRS ENVID=abc", "NOTIFY=FAILURE,-"))

    def test_before_the_reply(self):
        """After every 250 its line is in the file, whatever the load."""
        r = self.relay("--threads", "2")
        missing = []

        def run(i):
            w = r.wire()
            for j in range(50):
                w.send(bdat(rcpt=f"r{i}x{j}@y.example"))
                w.codes(3)
                with open(r.path("record"), "rb") as f:
                    if b"\tr%dx%d@y.example\t" % (i, j) not in f.read():
                        missing.append((i, j))
            w.close()

        threads = [threading.Thread(target=run, args=(i,)) for i in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(missing, [])

    def test_survives_kill(self):
        r = Relay()
        w = r.wire()
        w.send(bdat() * 100)
        w.codes(300)
        r.p.kill()
        r.p.wait()
        with open(r.path("record"), encoding="utf-8") as f:
            lines = f.read().splitlines(keepends=True)
        self.assertEqual(len(lines), 100)
        self.assertTrue(all(line.endswith("\n") and line.count("\t") == 14 for line in lines))
        w.close()
        r.p.communicate()
        shutil.rmtree(r.dir)

    def test_protocol_log(self):
        r, w = self.ready_wire()
        deliver(w)
        w.say("QUIT")
        w.rest()
        with open(r.path("protocol"), encoding="utf-8") as f:
            text = f.read()
        said = [line.split(" ", 2)[2] for line in text.splitlines()]
        for line in ("*: connected", "C: EHLO test.example", "C: DATA", "S: 354 End data with <CR><LF>.<CR><LF>",
                     "*: end of content", "C: QUIT", "S: 221 2.0.0 Bye"):
            self.assertIn(line, said)


class Tls(Case):
    def setUp(self):
        self.context = ssl.create_default_context(cafile=os.path.join(CERTS, "ca.pem"))

    def tls(self, *args, cert="good", **kw):
        return self.relay("--tls-cert", os.path.join(CERTS, cert + ".pem"), "--tls-key",
                          os.path.join(CERTS, cert + ".key"), *args, **kw)

    def start(self, r):
        w = r.wire()
        self.assertEqual(w.say("STARTTLS")[:3], "220")
        w.s = self.context.wrap_socket(w.s, server_hostname="localhost")
        return w

    def test_starttls(self):
        r = self.tls("--starttls", "--require-tls")
        with smtplib.SMTP("localhost", r.address[1]) as s:
            s.ehlo()
            self.assertIn("starttls", s.esmtp_features)
            self.assertEqual(s.docmd("MAIL FROM:<a@x.example>")[0], 530)
            s.starttls(context=self.context)
            s.ehlo()
            self.assertNotIn("starttls", s.esmtp_features)
            for i in range(5):
                s.sendmail("a@x.example", f"b{i}@y.example", MESSAGE + b"x" * 60000 + b"\r\n" if i == 3 else MESSAGE)
        self.assertEqual([x["tls"] for x in r.record()], ["1"] * 5)

    def test_implicit(self):
        r = self.tls("--implicit-tls")
        self.assertEqual(r.protocol, "smtps")
        with smtplib.SMTP_SSL("localhost", r.address[1], context=self.context) as s:
            s.sendmail("a@x.example", "b@y.example", MESSAGE)
        self.assertEqual(r.record()[0]["tls"], "1")
        self.assertEqual(r.violations(), [])

    def test_pipelined_in_tls(self):
        for version in ("1.2", "1.3"):
            r = self.tls("--starttls", "--tls-max", version)
            w = self.start(r)
            self.assertEqual(w.s.version(), "TLSv" + version)
            self.assertEqual(w.say("EHLO x.example")[:3], "250")
            big = MESSAGE + b"y" * 70 + b"\r\n" * 1000
            w.send(bdat(big, rset=True) * 400)
            self.assertEqual(w.codes(1600), ["250"] * 1600)
            self.assertEqual(len(r.record()), 400)
            self.assertEqual(r.violations(), [])
            w.close()

    def test_forgets_what_was_before(self):
        r = self.tls("--starttls")
        w = self.start(r)
        self.assertEqual(w.say("MAIL FROM:<a@x.example>")[:3], "503")
        w.close()

    def test_text_behind_starttls(self):
        r = self.tls("--starttls")
        w = r.wire()
        w.send("STARTTLS\r\nEHLO early.example\r\n")
        self.assertEqual(w.reply(), "220 2.0.0 Ready to start TLS")
        w.s = self.context.wrap_socket(w.s, server_hostname="localhost")
        self.assertEqual(w.say("EHLO x.example")[:3], "250")  # and no second reply came
        self.assertEqual(r.violations(), ["text in clear after STARTTLS"])
        w.close()

    def test_certificates(self):
        for cert, error in (("expired", "expired"), ("not-yet", "not yet valid"), ("wrong-name", "doesn't match|mismatch"),
                            ("self-signed", "self.signed")):
            r = self.tls("--implicit-tls", cert=cert)
            with self.assertRaisesRegex(ssl.SSLError, error):
                r.wire(greet=False, tls=self.context)
            end = time.time() + 5
            while time.time() < end and not any("handshake failed" in x[0] for x in r.lines("protocol")):
                time.sleep(0.01)
            self.assertTrue(any("handshake failed" in x[0] for x in r.lines("protocol")))

    def test_client_certificate(self):
        r = self.tls("--implicit-tls", "--tls-client-ca", os.path.join(CERTS, "ca.pem"), "--user", "client", "--auth",
                     "EXTERNAL")
        w = r.wire(tls=self.context)
        self.assertEqual(w.say("AUTH EXTERNAL =")[:3], "535")
        w.close()
        self.context.load_cert_chain(os.path.join(CERTS, "client.pem"), os.path.join(CERTS, "client.key"))
        w = r.wire(tls=self.context)
        self.assertEqual(w.say("AUTH EXTERNAL =")[:3], "235")
        w.send(bdat())
        w.codes(3)
        self.assertEqual(r.record()[0]["user"], "client")
        w.close()

    def test_injection(self):
        r = self.tls("--starttls", "--fault", r'stage=STARTTLS inject="250-FAKE\r\n250 AUTH PLAIN\r\n"')
        w = r.wire()
        w.send("STARTTLS\r\n")
        time.sleep(0.1)
        got = w.s.recv(4096)
        self.assertEqual(got, b"220 2.0.0 Ready to start TLS\r\n250-FAKE\r\n250 AUTH PLAIN\r\n")
        w.close()

    def test_faults_of_the_handshake(self):
        for spec, error in (("close=before", "EOF|unexpected|reset"), ("rst", "reset"),
                            (r'garbage="hello\r\n" close=before', "wrong version|WRONG_VERSION|record layer|EOF")):
            r = self.tls("--starttls", "--fault", "stage=TLS " + spec)
            with self.assertRaisesRegex(OSError, "(?i)" + error):
                self.start(r)
        r = self.tls("--starttls", "--fault", "stage=TLS stall=300")
        t = time.time()
        self.start(r).close()
        self.assertGreater(time.time() - t, 0.28)
        r = self.tls("--starttls", "--fault", "stage=TLS stall")
        w = r.wire()
        w.say("STARTTLS")
        w.s.settimeout(0.3)
        with self.assertRaises(OSError):
            self.context.wrap_socket(w.s, server_hostname="localhost")
        w.close()
        r = self.tls("--starttls", "--fault", "stage=TLS close=after")
        w = self.start(r)
        with self.assertRaises((OSError, AssertionError)):
            self.assertEqual(w.say("EHLO x.example")[:3], "250")

    def test_ehlo2_and_454(self):
        r = self.tls("--starttls", "--fault", 'stage=EHLO2 nth=1 reply="421 4.3.2 no"', "--fault",
                     'stage=STARTTLS nth=2 reply="454 4.7.0 no TLS now"')
        w = self.start(r)
        self.assertEqual(w.say("EHLO x.example")[:3], "421")
        w.close()
        w = r.wire()
        self.assertEqual(w.say("STARTTLS")[:3], "454")
        self.assertEqual(deliver(w)[-1], "250")
        w.close()

    def test_cut_has_no_close_notify(self):
        for spec, clean in (("close=after", True), ("close=after cut", False)):
            r = self.tls("--implicit-tls", "--fault", "stage=NOOP " + spec)
            w = r.wire(tls=ssl.create_default_context(cafile=os.path.join(CERTS, "ca.pem")))
            self.assertEqual(w.say("NOOP")[:3], "250")
            if clean:
                self.assertEqual(w.rest(), b"")
            else:
                with self.assertRaises(ssl.SSLError):
                    w.rest()
            w.close()


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def scram(w, mechanism, user, password, binding=None, header="n,,", initial=True):
    """The client's side, written from RFC 5802; the last reply, and whether the server proved itself."""
    algorithm = "sha256" if "256" in mechanism else "sha1"
    bare = f"n={user},r=fyko+d2lbbFgONRv9qkxdawL"
    if initial:
        reply = w.say(f"AUTH {mechanism} {b64(header + bare)}")
    else:
        assert w.say(f"AUTH {mechanism}") == "334 "
        reply = w.say(b64(header + bare))
    if reply[:3] != "334":
        return reply, False
    first = base64.b64decode(reply[4:]).decode()
    fields = dict(part.split("=", 1) for part in first.split(","))
    salted = hashlib.pbkdf2_hmac(algorithm, password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    client = hmac.digest(salted, b"Client Key", algorithm)
    stored = hashlib.new(algorithm, client).digest()
    channel = header.encode() + (binding or b"")
    final = f"c={b64(channel)},r={fields['r']}"
    message = f"{bare},{first},{final}".encode()
    proof = bytes(a ^ b for a, b in zip(client, hmac.digest(stored, message, algorithm)))
    reply = w.say(b64(f"{final},p={b64(proof)}"))
    if reply[:3] != "334":
        return reply, False
    signature = hmac.digest(hmac.digest(salted, b"Server Key", algorithm), message, algorithm)
    proved = base64.b64decode(reply[4:]).decode() == "v=" + b64(signature)
    return w.say(""), proved


class Auth(Case):
    def auth(self, *args, mechanisms="PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER"):
        return self.relay("--user", "joe", "--auth", mechanisms, *args)

    def test_smtplib_mechanisms(self):
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            for initial in (True, False):
                r = self.auth(mechanisms=mechanism)
                with r.smtp() as s:
                    s.login("joe", SECRET, initial_response_ok=initial)
                    s.sendmail("a@x.example", "b@y.example", MESSAGE)
                with r.smtp() as s, self.assertRaises(smtplib.SMTPAuthenticationError):
                    s.login("joe", SECRET + "x", initial_response_ok=initial)
                with r.smtp() as s, self.assertRaises(smtplib.SMTPAuthenticationError):
                    s.login("jim", SECRET, initial_response_ok=initial)
                self.assertEqual(r.record()[0]["user"], "joe")
                # smtplib answers a refused LOGIN's second prompt nowhere out of order
                self.assertEqual(r.violations(), [])

    def test_scram(self):
        r = self.auth()
        for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256"):
            for initial in (True, False):
                w = r.wire()
                reply, proved = scram(w, mechanism, "joe", SECRET, initial=initial)
                self.assertEqual((reply[:3], proved), ("235", True))
                w.close()
            w = r.wire()
            self.assertEqual(scram(w, mechanism, "joe", "wrong")[0][:3], "535")
            self.assertEqual(scram(w, mechanism, "jim", SECRET)[0][:3], "535")
            self.assertEqual(scram(w, mechanism, "joe", SECRET, header="y,,")[0][:3], "235")
            w.close()
        self.assertEqual(r.violations(), [])

    def test_scram_plus(self):
        r = self.auth("--implicit-tls", "--tls-cert", os.path.join(CERTS, "good.pem"), "--tls-key",
                      os.path.join(CERTS, "good.key"), mechanisms="SCRAM-SHA-256-PLUS SCRAM-SHA-256")
        context = ssl.create_default_context(cafile=os.path.join(CERTS, "ca.pem"))
        with open(os.path.join(CERTS, "good.pem"), encoding="ascii") as f:
            der = ssl.PEM_cert_to_DER_cert(f.read().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")
        end_point = hashlib.sha256(der).digest()
        header = "p=tls-server-end-point,,"
        w = r.wire(tls=context)
        self.assertEqual(scram(w, "SCRAM-SHA-256-PLUS", "joe", SECRET, b"\0" * 32, header)[0][:3], "535")
        self.assertEqual(scram(w, "SCRAM-SHA-256", "joe", SECRET, header="y,,")[0][:3], "535")  # a downgrade
        self.assertEqual(scram(w, "SCRAM-SHA-256-PLUS", "joe", SECRET, end_point, header)[0][:3], "235")
        w.close()

    def test_oauth(self):
        r = self.auth()
        w = r.wire()
        self.assertEqual(w.say("AUTH XOAUTH2 " + b64("user=joe\1auth=Bearer bad\1\1"))[:3], "334")
        self.assertEqual(w.say("")[:3], "535")
        self.assertEqual(w.say("AUTH XOAUTH2 " + b64(f"user=joe\1auth=Bearer {SECRET}\1\1"))[:3], "235")
        w.close()
        w = r.wire()
        head = "n,a=joe,\1host=localhost\1port=25\1auth=Bearer "
        challenge = w.say("AUTH OAUTHBEARER " + b64(head + "bad\1\1"))
        self.assertIn(b'"status"', base64.b64decode(challenge[4:]))
        self.assertEqual(w.say(b64("\1"))[:3], "535")
        self.assertEqual(w.say("AUTH OAUTHBEARER " + b64(head + SECRET + "\1\1"))[:3], "235")
        self.assertEqual(r.violations(), [])
        w.close()

    def test_required(self):
        r = self.auth("--require-auth")
        w = r.wire()
        self.assertEqual(w.say("MAIL FROM:<a@x.example>")[:3], "530")
        self.assertEqual(w.say("AUTH PLAIN " + b64(f"\0joe\0{SECRET}"))[:3], "235")
        self.assertEqual(deliver(w)[-1], "250")
        self.assertEqual(w.say("AUTH PLAIN " + b64(f"\0joe\0{SECRET}"))[:3], "503")
        self.assertEqual(r.violations(), ["AUTH twice"])
        w.close()

    def test_cancel_and_mistakes(self):
        r = self.auth(mechanisms="PLAIN LOGIN")
        w = r.wire()
        self.assertEqual(w.say("AUTH PLAIN"), "334 ")
        self.assertEqual(w.say("*")[:3], "501")
        self.assertEqual(r.violations(), [])
        self.assertEqual(w.say("AUTH CRAM-MD5")[:3], "504")
        self.assertEqual(w.say("AUTH PLAIN !!!!")[:3], "501")
        self.assertEqual(w.say("AUTH PLAIN " + b64("joe"))[:3], "501")
        self.assertEqual(w.say("AUTH PLAIN")[:3], "334")
        self.assertEqual(w.say("YQ=a")[:3], "501")
        self.assertEqual(r.violations(), ["AUTH mechanism that was not announced", "bad base64 in AUTH",
                                          "bad message of the AUTH mechanism", "bad base64 in AUTH"])
        w.close()

    def test_not_before_tls(self):
        r = self.auth("--starttls", "--require-tls", "--tls-cert", os.path.join(CERTS, "good.pem"), "--tls-key",
                      os.path.join(CERTS, "good.key"))
        w = r.wire(hello=None)
        self.assertNotIn("AUTH", w.say("EHLO x.example"))
        self.assertEqual(w.say("AUTH PLAIN " + b64(f"\0joe\0{SECRET}"))[:3], "530")
        self.assertEqual(r.violations(), ["AUTH that was not announced"])
        w.close()

    def test_faults(self):
        r = self.auth("--fault", 'stage=AUTH nth=1 reply="454 4.7.0 try later"', "--fault",
                      'stage=AUTHCONT nth=2 reply="535 5.7.8 no"')
        w = r.wire()
        self.assertEqual(w.say("AUTH LOGIN")[:3], "454")
        self.assertEqual(w.say("AUTH LOGIN")[:3], "334")
        self.assertEqual(w.say(b64("joe"))[:3], "334")
        self.assertEqual(w.say(b64(SECRET))[:3], "535")
        self.assertEqual(w.say("NOOP")[:3], "250")
        w.close()


class Delays(Case):
    def test_a_line_with_latency(self):
        """100 pipelined transactions wait once, not a hundred times."""
        r, w = self.ready_wire("--delay", "100")
        t = time.monotonic()
        w.send(bdat(rset=True) * 100)
        w.codes(400)
        waited = time.monotonic() - t
        self.assertGreater(waited, 0.099)
        self.assertLess(waited, 0.19)
        t = time.monotonic()
        w.say("NOOP")
        self.assertGreater(time.monotonic() - t, 0.099)
        self.assertEqual(len(r.record()), 100)
        self.assertEqual(r.violations(), [])

    def test_streams_keep_their_pace(self):
        """Two groups 60 ms apart come back 60 ms apart."""
        _, w = self.ready_wire("--delay", "150")
        t = time.monotonic()
        w.send(envelope("b@y.example"))
        time.sleep(0.06)
        w.send("RSET\r\n")
        w.codes(2)
        first = time.monotonic() - t
        w.code()
        second = time.monotonic() - t
        self.assertTrue(0.149 < first < 0.2, first)
        self.assertTrue(0.209 < second < 0.27, second)

    def test_greeting_delay(self):
        r = self.relay("--greeting-delay", "200")
        t = time.monotonic()
        r.wire().close()
        self.assertGreater(time.monotonic() - t, 0.199)

    def test_connections_do_not_wait_for_each_other(self):
        r = self.relay("--fault", "stage=NOOP conn=1 stall=400")
        slow, quick = r.wire(), r.wire()
        slow.send("NOOP\r\n")
        t = time.monotonic()
        quick.say("NOOP")
        self.assertLess(time.monotonic() - t, 0.2)
        slow.code()
        slow.close()
        quick.close()


class Faults(Case):
    def wire_with(self, *specs, args=()):
        r = self.relay(*[x for spec in specs for x in ("--fault", spec)], *args)
        w = r.wire(greet=False)
        self.addCleanup(w.close)
        return r, w

    def hello(self, w):
        self.assertEqual(w.code(), "220")
        self.assertEqual(w.say("EHLO test.example")[:3], "250")

    def test_greeting(self):
        _, w = self.wire_with(r'stage=GREETING reply="554 5.3.2 no\nservice"')
        self.assertEqual(w.reply(), "554-5.3.2 no\n554 service")
        _, w = self.wire_with("stage=CONNECT close=before")
        self.assertEqual(w.rest(), b"")
        _, w = self.wire_with("stage=CONNECT rst")
        self.assertIsNone(w.rest())

    def test_nth_every_from_to(self):
        _, w = self.wire_with('stage=RCPT nth=3 reply="450 4.2.0 third"', 'stage=RCPT every=5 reply="451 4.0.0 fifth"',
                              'stage=RCPT from=11 to=12 reply="452 4.0.0 range"')
        self.hello(w)
        w.say("MAIL FROM:<a@x.example>")
        codes = [w.say(f"RCPT TO:<r{i}@y.example>")[:3] for i in range(1, 16)]
        self.assertEqual(codes, ["250", "250", "450", "250", "451"] + ["250"] * 4 + ["451", "452", "452", "250", "250",
                                                                                  "451"])

    def test_addresses(self):
        r, w = self.wire_with('stage=RCPT rcpt~"@bad\\.example$" reply="550 5.1.1 bad"',
                              'stage=MAIL mail~^evil@ reply="550 5.7.1 evil"',
                              'stage=END rcpt~^late@ reply="554 5.6.0 late"', "stage=DATA mail~^half@ drop")
        self.hello(w)
        self.assertEqual(w.say("MAIL FROM:<evil@x.example>")[:3], "550")
        w.say("MAIL FROM:<a@x.example>")
        self.assertEqual(w.say("RCPT TO:<x@bad.example>")[:3], "550")
        self.assertEqual(w.say("RCPT TO:<x@bad.example.org>")[:3], "250")
        self.assertEqual(w.say("RCPT TO:<late@y.example>")[:3], "250")
        w.say("DATA")
        w.send(MESSAGE + b".\r\n")
        self.assertEqual(w.code(), "554")
        self.assertEqual(r.record(), [])

    def test_conn_and_each(self):
        r = self.relay("--fault", 'stage=NOOP conn=2 reply="500 two"', "--fault", 'stage=RSET each nth=2 reply="500 each"')
        for n in (1, 2, 3):
            w = r.wire()
            self.assertEqual(w.say("NOOP")[:3], "500" if n == 2 else "250")
            self.assertEqual([w.say("RSET")[:3] for _ in range(3)], ["250", "500", "250"])
            w.close()

    def test_probability_and_seed(self):
        def run(seed):
            _, w = self.wire_with('stage=NOOP p=0.3 reply="451 p"', args=["--seed", str(seed)])
            self.hello(w)
            return [w.say("NOOP")[:3] for _ in range(400)]

        one = run(1)
        self.assertTrue(70 < one.count("451") < 180, one.count("451"))
        self.assertEqual(one, run(1))
        self.assertNotEqual(one, run(2))

    def test_fault_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".faults") as f:
            f.write('# a comment\n\nstage=NOOP reply="451 4.0.0 from a file"\n  stage=RSET drop\n')
            f.flush()
            r = self.relay("--fault-file", f.name)
        w = r.wire()
        self.assertEqual(w.say("NOOP"), "451 4.0.0 from a file")
        w.send("RSET\r\n")
        self.assertEqual(w.say("VRFY x")[:3], "252")
        w.close()

    def end(self, spec, stage="DOT"):
        """A message up to its end; the relay and the wire."""
        r, w = self.wire_with(f"stage={stage} {spec}")
        self.hello(w)
        if stage == "DOT":
            w.send(envelope() + "DATA\r\n")
            self.assertEqual(w.codes(3), ["250", "250", "354"])
            w.send(MESSAGE + b".\r\n")
        else:
            w.send(bdat())
            self.assertEqual(w.codes(2), ["250", "250"])
        return r, w

    def test_end_of_data(self):
        for stage in ("DOT", "LAST"):
            for spec, said, kept in (
                    ('reply="451 4.3.0 later"', b"451 4.3.0 later\r\n", 0),
                    ('reply="250 2.0.0 mine"', b"250 2.0.0 mine\r\n", 1),
                    ('accept reply="451 4.3.0 later"', b"451 4.3.0 later\r\n", 1),
                    ("close=before", b"", 0), ("close=accepted", b"", 1),
                    ('close=after reply="421 4.3.2 bye"', b"421 4.3.2 bye\r\n", 0),
                    ("half", b"250 2.0.0 Ok: ", 1), ("rst", None, 0), ("close=accepted rst", None, 1)):
                with self.subTest(f"{stage} {spec}"):
                    r, w = self.end(spec, stage)
                    if "close" not in spec and "half" not in spec and "rst" not in spec:
                        w.send("QUIT\r\n")
                        said += b"221 2.0.0 Bye\r\n"
                    self.assertEqual(w.rest(), said)
                    self.assertEqual(len(r.record()), kept)

    def test_close_after(self):
        r, w = self.end("close=after")
        self.assertRegex(w.rest(), rb"^250 2\.0\.0 Ok: queued as 1-1\r\n$")
        self.assertEqual(len(r.record()), 1)

    def test_drop_extra_early(self):
        _, w = self.wire_with("stage=NOOP drop", "stage=RSET extra", 'stage=VRFY extra="599 one\\ntwo"',
                              'stage=DATA early="250 2.0.0 already"')
        self.hello(w)
        w.send("NOOP\r\n")
        time.sleep(0.05)
        w.send("RSET\r\n")
        self.assertEqual(w.codes(2), ["250", "250"])
        w.send("VRFY x\r\n")
        self.assertEqual(w.reply()[:3], "252")
        self.assertEqual(w.reply(), "599-one\n599 two")
        w.send(envelope() + "DATA\r\n")
        self.assertEqual(w.codes(4), ["250", "250", "354", "250"])
        w.send(MESSAGE + b".\r\n")
        self.assertEqual(w.say("QUIT")[:3], "221")  # the dot's own reply was swallowed

    def test_garbage_nul_long_lines_raw(self):
        _, w = self.wire_with(r'stage=NOOP nth=1 garbage="\x00hello\r\n"', "stage=NOOP nth=2 nul", "stage=NOOP nth=3 long=5000",
                              "stage=NOOP nth=4 lines=1000", r'stage=NOOP nth=5 raw="250-a\r\n450 b\r\n"', "stage=NOOP nth=6 long")
        self.hello(w)
        w.send("NOOP\r\n")
        self.assertEqual((w.line(), w.line()), (b"\0hello", b"250 2.0.0 Ok"))
        w.send("NOOP\r\n")
        self.assertEqual(w.line(), b"250 \x002.0.0 Ok")
        w.send("NOOP\r\n")
        self.assertEqual(len(w.line()), 4998)
        self.assertEqual(w.say("NOOP").count("\n"), 999)
        self.assertEqual(w.say("NOOP"), "250-a\n450 b")
        w.send("NOOP\r\n")
        self.assertEqual(len(w.line()), (1 << 20) - 2)

    def test_stall_delay_slow(self):
        _, w = self.wire_with("stage=NOOP nth=1 stall=200", "stage=NOOP nth=2 delay=200", "stage=NOOP nth=3 slow=20")
        self.hello(w)
        for least in (0.199, 0.199, 0.019 * 13):
            t = time.monotonic()
            self.assertEqual(w.say("NOOP"), "250 2.0.0 Ok")
            self.assertGreater(time.monotonic() - t, least)

    def test_stall_stops_the_rest_but_delay_does_not(self):
        r, w = self.wire_with("stage=RSET nth=1 stall=300", "stage=RSET nth=2 delay=300")
        self.hello(w)
        for kept in (0, 2):
            w.send(b"RSET\r\n" + bdat())
            time.sleep(0.12)
            self.assertEqual(len(r.record()), kept)
            self.assertEqual(w.codes(4), ["250"] * 4)
        self.assertEqual(r.violations(), [])

    def test_stall_for_ever(self):
        r, w = self.wire_with("stage=NOOP stall", "stage=RSET half=stall")
        self.hello(w)
        w.send("RSET\r\n")
        w.s.settimeout(0.2)
        self.assertEqual(w.s.recv(100), b"250 2.0")
        w.send("VRFY x\r\n")
        with self.assertRaises(TimeoutError):
            w.s.recv(100)
        other = r.wire()
        other.send("NOOP\r\n")
        other.s.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            other.s.recv(100)
        other.close()

    def test_content(self):
        body = b"Subject: x\r\n\r\n" + b"y" * 60 + b"\r\n"
        for spec in ("after=20 close=before", "after=20 rst"):
            r, w = self.wire_with("stage=CONTENT " + spec)
            self.hello(w)
            w.send(envelope() + "DATA\r\n")
            w.codes(3)
            w.send(body[:20])
            time.sleep(0.05)
            w.send(body[20:])
            self.assertIn(w.rest(), (b"", None))
            self.assertEqual(r.record(), [])
        r, w = self.wire_with('stage=CONTENT nth=2 after=30 reply="421 4.3.2 shutting down" close=after')
        self.hello(w)
        self.assertEqual(deliver(w)[-1], "250")
        w.send(bdat(body))
        self.assertEqual(w.codes(3), ["250", "250", "421"])
        self.assertEqual(w.rest(), b"")
        self.assertEqual(len(r.record()), 1)
        r, w = self.wire_with("stage=CONTENT after=10 stall=200")
        self.hello(w)
        t = time.monotonic()
        w.send(bdat(body))
        self.assertEqual(w.codes(3), ["250"] * 3)
        self.assertGreater(time.monotonic() - t, 0.199)
        self.assertEqual(r.record()[0]["size"], str(len(body)))

    def test_stages(self):
        """Each stage can be refused by itself."""
        for stage, talk in (("EHLO", ["EHLO x.example"]), ("HELO", ["HELO x.example"]), ("VRFY", ["VRFY x"]),
                            ("QUIT", ["QUIT"]), ("UNKNOWN", ["WHAT x"]), ("RSET", ["RSET"]), ("STARTTLS", ["STARTTLS"]),
                            ("DATA", ["EHLO x.example", "MAIL FROM:<a@x.example>", "RCPT TO:<b@x.example>", "DATA"]),
                            ("BDAT", ["EHLO x.example", "MAIL FROM:<a@x.example>", "RCPT TO:<b@x.example>", "BDAT 0"])):
            with self.subTest(stage):
                _, w = self.wire_with(f'stage={stage} reply="459 4.5.9 {stage}"')
                self.assertEqual(w.code(), "220")
                self.assertEqual([w.say(line) for line in talk][-1], f"459 4.5.9 {stage}")

    def test_pipelined_421_in_a_group(self):
        r, w = self.wire_with('stage=RCPT nth=2 reply="421 4.3.2 bye" close=after')
        self.hello(w)
        w.send(bdat() * 5)
        self.assertEqual(w.codes(5), ["250"] * 4 + ["421"])
        self.assertEqual(w.rest(), b"")
        self.assertEqual(len(r.record()), 1)


class Policies(Case):
    def test_refuse(self):
        r, w = self.ready_wire("--refuse", r"@bad\.example$=550 5.1.1 no such user", "--refuse", "a=b@=452 4.2.2 full")
        w.say("MAIL FROM:<a@x.example>")
        self.assertEqual(w.say("RCPT TO:<b@bad.example>"), "550 5.1.1 no such user")
        self.assertEqual(w.say("RCPT TO:<a=b@y.example>"), "452 4.2.2 full")
        self.assertEqual(w.say("RCPT TO:<b@y.example>")[:3], "250")
        self.assertEqual(r.violations(), [])

    def test_greylist(self):
        _, w = self.ready_wire("--greylist-ms", "150")
        w.say("MAIL FROM:<a@x.example>")
        for name in "bcd":
            self.assertEqual(w.say(f"RCPT TO:<{name}@y.example>")[:9], "451 4.7.1")
        self.assertEqual(w.say("RCPT TO:<b@y.example>")[:3], "451")
        time.sleep(0.16)
        for name in "bcd":
            self.assertEqual(w.say(f"RCPT TO:<{name}@y.example>")[:3], "250")

    def test_exim_mixes_envelopes(self):
        args = ("--quirk", "exim", "--refuse", "^no@=550 5.1.1 no")
        r, w = self.ready_wire(*args)
        w.send(bdat(rcpt="no@y.example", sender="one@x.example") + bdat(rcpt="b@y.example", sender="two@x.example"))
        self.assertEqual(w.codes(6), ["250", "550", "554", "503", "250", "250"])
        self.assertEqual([(x["mail"], x["rcpt"]) for x in r.record()], [("<one@x.example>", "b@y.example")])
        self.assertEqual(r.violations(), ["MAIL inside a transaction"])
        r, w = self.ready_wire(*args)
        w.send(bdat(rcpt="no@y.example", sender="one@x.example", rset=True) +
               bdat(rcpt="b@y.example", sender="two@x.example", rset=True))
        self.assertEqual(w.codes(8), ["250", "250", "550", "554", "250", "250", "250", "250"])
        self.assertEqual([(x["mail"], x["rcpt"]) for x in r.record()], [("<two@x.example>", "b@y.example")])
        self.assertEqual(r.violations(), [])

    def test_default_recovers_as_postfix_does(self):
        r, w = self.ready_wire("--refuse", "^no@=550 5.1.1 no")
        w.send(bdat(rcpt="no@y.example", sender="one@x.example") + bdat(rcpt="b@y.example", sender="two@x.example"))
        self.assertEqual(w.codes(6), ["250", "550", "554", "250", "250", "250"])
        self.assertEqual([x["mail"] for x in r.record()], ["<two@x.example>"])
        self.assertEqual(r.violations(), [])

    def test_dovecot_wants_rset(self):
        r, w = self.ready_wire("--quirk", "dovecot", "--refuse", "^no@=550 5.1.1 no")
        w.send(bdat(rcpt="no@y.example") + bdat() + bdat())
        self.assertEqual(w.codes(9), ["250", "550", "554", "250", "250", "503", "250", "250", "503"])
        w.send(bdat(rset=True))
        self.assertEqual(w.codes(4), ["250"] * 4)
        self.assertEqual(len(r.record()), 1)

    def test_opensmtpd_has_no_pipelining(self):
        r = self.relay("--quirk", "opensmtpd")
        w = r.wire(hello=None)
        self.assertNotIn("PIPELINING", w.say("EHLO x.example"))
        w.send(envelope())
        self.assertEqual(w.codes(2), ["250", "500"])
        self.assertEqual(w.rest(), b"")
        w.close()
        w = r.wire()
        codes = [deliver(w)[-1] for _ in range(100)]
        self.assertEqual(codes, ["250"] * 100)
        self.assertEqual(w.say("MAIL FROM:<a@x.example>")[:3], "452")
        w.close()

    def test_postfix_text_before_354(self):
        _, w = self.ready_wire("--quirk", "postfix")
        w.send((envelope() + "DATA\r\n").encode() + MESSAGE + b".\r\n")
        self.assertEqual(w.codes(4), ["250", "250", "354", "554"])
        self.assertEqual(w.rest(), b"")

    def test_postfix_loses_patience(self):
        _, w = self.ready_wire("--quirk", "postfix", "--refuse", "^no@=550 5.1.1 no")
        for _ in range(2):
            w.say("MAIL FROM:<a@x.example>")
            t = time.monotonic()
            for _ in range(10):
                w.say("RCPT TO:<no@y.example>")
            self.assertLess(time.monotonic() - t, 0.9)
            w.say("RCPT TO:<b@y.example>")
            w.send(b"BDAT 2 LAST\r\n\r\n")
            self.assertEqual(w.code(), "250")  # and the errors are forgotten
        w.say("MAIL FROM:<a@x.example>")
        for _ in range(10):
            w.say("RCPT TO:<no@y.example>")
        t = time.monotonic()
        w.say("RCPT TO:<no@y.example>")
        self.assertGreater(time.monotonic() - t, 0.99)

    def test_postfix_closes(self):
        _, w = self.ready_wire("--quirk", "postfix", "--refuse", "^no@=550 5.1.1 no")
        w.s.settimeout(20)
        w.send("MAIL FROM:<a@x.example>\r\n" + "RCPT TO:<no@y.example>\r\n" * 21)
        self.assertEqual(w.codes(22), ["250"] + ["550"] * 20 + ["421"])
        self.assertEqual(w.rest(), b"")

    def test_small_receive_buffer(self):
        r, w = self.ready_wire("--rcvbuf", "2048")
        w.send(bdat(MESSAGE + b"z" * 900 + b"\r\n") * 200)
        self.assertEqual(w.codes(600), ["250"] * 600)
        self.assertEqual(r.violations(), [])


class Certs(unittest.TestCase):
    def test_files(self):
        names = {"ca", "good", "expired", "not-yet", "wrong-name", "self-signed", "client"}
        self.assertEqual(set(os.listdir(CERTS)), {n + e for n in names for e in (".pem", ".key")})

    def test_shellcheck(self):
        if shutil.which("shellcheck"):
            subprocess.run(["shellcheck", os.path.join(HERE, "make-certs")], check=True)


class Result(unittest.TextTestResult):
    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        Result.passed += 1


def main():
    global RELAY, CERTS
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    RELAY = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="fake-certs-") as certs:
        CERTS = certs
        subprocess.run([os.path.join(HERE, "make-certs"), certs], check=True)
        loader = unittest.defaultTestLoader
        module = sys.modules["__main__"]
        suite = loader.loadTestsFromNames(sys.argv[2:], module) if sys.argv[2:] else loader.loadTestsFromModule(module)
        result = unittest.TextTestRunner(resultclass=Result).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{Result.passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

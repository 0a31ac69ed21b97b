"""What was accepted is in the record, and kept."""
import hashlib
import mailbox
import os
import shutil
import subprocess
import threading
import unittest

from practice import Case, Relay, bdat, certs, deliver


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


class Certs(unittest.TestCase):
    def test_files(self):
        names = {"ca", "good", "expired", "not-yet", "wrong-name", "self-signed", "client"}
        self.assertEqual(set(os.listdir(certs(""))), {n + e for n in names for e in (".pem", ".key")})

    def test_shellcheck(self):
        if shutil.which("shellcheck"):
            subprocess.run(["shellcheck", os.path.join(os.path.dirname(os.path.abspath(__file__)), "make-certs")], check=True)

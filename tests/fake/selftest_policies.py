"""Refusals, greylisting, and the quirks of real servers."""
import time

from practice import MESSAGE, Case, bdat, deliver, envelope


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

"""The relay notices every mistake of a client, and takes nothing for one that is none."""
import time

from practice import MESSAGE, Case, Wire, bdat, envelope


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
        even = (b"x" * 14 + b"\r\n") * 4000  # each CR in the same lane of a vector
        for verb in ("DATA", "BDAT"):
            self.assertEqual(self.content(even, verb), [])
            self.assertEqual(self.content(even + b"\r" + even, verb), ["bare CR in content"])
            self.assertEqual(self.content(b"\r\n" * 30000, verb), [])
        self.assertEqual(self.content(b".a\r\n"), ["line begins with one dot: not stuffed"])
        self.assertEqual(self.content(b".a\r\n", "BDAT"), [])
        self.assertEqual(self.content(b"a\n.\r\nb\r\n"), ["bare LF in content", "line begins with one dot: not stuffed"])  # and not the end
        self.assertEqual(self.content(b"abc\r", "BDAT"), ["bare CR in content"])

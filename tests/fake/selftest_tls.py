"""TLS, and certificates good and bad."""
import smtplib
import ssl
import time

from practice import MESSAGE, Case, bdat, certs, deliver


class Tls(Case):
    def setUp(self):
        self.context = ssl.create_default_context(cafile=certs("ca.pem"))

    def tls(self, *args, cert="good", **kw):
        return self.relay("--tls-cert", certs(cert + ".pem"), "--tls-key",
                          certs(cert + ".key"), *args, **kw)

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
        r = self.tls("--implicit-tls", "--tls-client-ca", certs("ca.pem"), "--user", "client", "--auth",
                     "EXTERNAL")
        w = r.wire(tls=self.context)
        self.assertEqual(w.say("AUTH EXTERNAL =")[:3], "535")
        w.close()
        self.context.load_cert_chain(certs("client.pem"), certs("client.key"))
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
            context = ssl.create_default_context(cafile=certs("ca.pem"))
            context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 1 << 7)  # some Pythons set it
            w = r.wire(tls=context)
            self.assertEqual(w.say("NOOP")[:3], "250")
            if clean:
                self.assertEqual(w.rest(), b"")
            else:
                with self.assertRaises(ssl.SSLError):
                    w.rest()
            w.close()

"""Each mechanism, against a client written from its RFC."""
import base64
import hashlib
import hmac
import smtplib
import ssl

from practice import MESSAGE, SECRET, Case, certs, deliver


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
        r = self.auth("--implicit-tls", "--tls-cert", certs("good.pem"), "--tls-key",
                      certs("good.key"), mechanisms="SCRAM-SHA-256-PLUS SCRAM-SHA-256")
        context = ssl.create_default_context(cafile=certs("ca.pem"))
        with open(certs("good.pem"), encoding="ascii") as f:
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
        r = self.auth("--starttls", "--require-tls", "--tls-cert", certs("good.pem"), "--tls-key",
                      certs("good.key"))
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

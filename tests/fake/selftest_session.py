"""Options, extensions, pipelining, chunking, LMTP: the relay behaves."""
import hashlib
import signal
import smtplib
import socket
import subprocess
import threading
import time

from practice import MESSAGE, Case, Relay, Wire, bdat, deliver, envelope, relay_program


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

    def test_max_connections(self):
        r = self.relay("--max-connections", "2", "--threads", "2")
        first, second = r.wire(), r.wire()
        third = r.wire(greet=False)
        self.assertEqual(third.reply()[:9], "421 4.7.0")
        self.assertEqual(third.rest(), b"")
        third.close()
        first.say("QUIT")
        first.rest()
        first.close()
        end = time.time() + 5
        while time.time() < end:
            w = r.wire(greet=False)
            code = w.code()
            w.close()
            if code == "220":
                break
            time.sleep(0.01)
        self.assertEqual(code, "220")
        second.close()

    def test_idle_timeout(self):
        r, w = self.ready_wire("--idle-timeout", "200")
        for _ in range(3):
            time.sleep(0.12)
            self.assertEqual(w.say("NOOP")[:3], "250")
        t = time.monotonic()
        self.assertEqual(w.reply()[:9], "421 4.4.2")
        self.assertGreater(time.monotonic() - t, 0.18)
        self.assertEqual(w.rest(), b"")
        self.assertEqual(r.violations(), [])

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
            p = subprocess.run([relay_program(), *args], capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual(p.returncode, 2, args)
            self.assertTrue(p.stderr.startswith(("fake-relay: ", relay_program())), p.stderr)
        p = subprocess.run([relay_program(), "--help"], capture_output=True, text=True, timeout=20, check=True)
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

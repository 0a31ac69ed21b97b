"""Delays, and every fault that the relay can be asked for."""
import tempfile
import threading
import time

from practice import MESSAGE, Case, bdat, deliver, envelope


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

    def test_many_timers(self):
        waits = [(i * 37) % 60 * 15 for i in range(60)]
        r = self.relay(*[x for i, ms in enumerate(waits) for x in ("--fault", f"stage=RSET conn={i + 1} delay={ms}")])
        late = []

        def run(w, ms):
            t = time.monotonic()
            w.say("RSET")
            late.append(time.monotonic() - t - ms / 1000)
            w.close()

        threads = [threading.Thread(target=run, args=(r.wire(), ms)) for ms in waits]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertGreaterEqual(min(late), -0.001)
        self.assertLess(max(late), 0.25)

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
        t = time.monotonic()
        r, w = self.end("close=after")
        self.assertRegex(w.rest(), rb"^250 2\.0\.0 Ok: queued as 1-1\r\n$")
        self.assertLess(time.monotonic() - t, 1)
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

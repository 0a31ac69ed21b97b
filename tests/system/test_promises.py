"""What would break a promise: each case was found by somebody who tried to."""
import collections
import time

import journal
from relay import Relay, begin, lettershop, results, write_letter, write_list
from terminal import Terminal


def everyone(n):
    return {f"user{i}@list.example" for i in range(1, n + 1)}


def test_a_resume_that_waited_at_its_question_looks_again(shop):
    """Another process finishes the campaign meanwhile: nobody gets a second copy."""
    write_list(shop / "list.csv", 300)
    with Relay(shop / "relay") as r:
        base = ["send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none"]
        first = begin(*base, "--yes", "--rate", "300/s", cwd=shop)
        while len(r.accepted()) < 100:
            assert first.poll() is None
        first.kill()
        first.communicate()
        waiting = Terminal(*base, "--resume", cwd=shop)
        waiting.expect("?")
        lettershop(*base, "--resume", "--yes", cwd=shop)
        waiting.type("y\n")
        waiting.end()
    assert set(r.recipients().values()) == {1}
    assert everyone(300) - set(r.recipients()) <= {
        x["recipient"] for x in results(shop / "results.csv") if x["status"] == "in_doubt"}


def test_a_list_that_is_written_into_stops_the_run(shop):
    """Rows would be others than those that were checked: the run stops, and sends no more of them."""
    rows = [f"user{i:05d}@list.example,Name {i:05d},pro\n" for i in range(20000)]
    (shop / "list.csv").write_text("email,name,plan\n" + "".join(rows))
    with Relay(shop / "relay") as r:
        run = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                    "--rate", "2000/s", cwd=shop)
        while len(r.accepted()) < 500:
            assert run.poll() is None
        time.sleep(0.02)
        with open(shop / "list.csv", "r+") as f:
            f.write("email,name,plan\n" + "".join(reversed(rows)))
        said = run.communicate(timeout=60)[0].decode()
    assert run.returncode == 3, said
    assert "list.csv" in said and "--resume" in said
    got = r.recipients()
    assert set(got.values()) == {1} and len(got) < 12000
    assert not (shop / "results.failed.csv").exists()


def test_interrupt_while_the_relay_is_away_is_prompt(shop):
    write_list(shop / "list.csv", 2000)
    r = Relay(shop / "relay").start()
    run = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                "--rate", "500/s", cwd=shop)
    while len(r.accepted()) < 200:
        assert run.poll() is None
    r.stop()
    time.sleep(0.5)
    begun = time.monotonic()
    run.send_signal(2)
    run.communicate(timeout=40)
    assert run.returncode == 3
    assert time.monotonic() - begun < 15


def test_stalled_sessions_do_not_starve_the_others(shop):
    """20 of 64 sessions get no answer for a long time, each with a row of another block: the rest go on with
    everyone else. (A worker that may have only so many unfinished blocks would stand still.)"""
    stalled, apart, n = 20, 601, 13000
    write_list(shop / "list.csv", n)
    with Relay(shop / "relay", "--delay", 5, "--fault", f"stage=END every={apart} to={apart * stalled} stall=600000") as r:
        run = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                    "--connections", "64", "--threads", "1", "--no-preflight", cwd=shop)
        got, still = 0, time.monotonic()
        while time.monotonic() < still + 10:  # as long as it goes on
            assert run.poll() is None
            time.sleep(0.1)
            now = len(r.accepted())
            if now >= n - stalled:
                break
            if now > got:
                got, still = now, time.monotonic()
        got = r.recipients()
        run.kill()
        run.communicate()
    assert len(got) >= n - stalled and set(got.values()) == {1}


def test_a_held_row_with_others_to_send_is_checked_and_asked_about(shop):
    """One recipient in doubt, another deferred: a resume does not send to the second unasked."""
    write_letter(shop / "letter.eml", "From: p@sender.example\nTo: {{ a }}, {{ b }}\nSubject: x\n\nHello\n")
    (shop / "list.csv").write_text("a,b\nann@list.example,busy@list.example\nbob@list.example,bea@list.example\n")
    with Relay(shop / "relay", "--refuse", "^busy@=450 4.2.0 busy",
               "--fault", "stage=END nth=1 close=accepted", "--extensions=-CHUNKING") as r:
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                   "--retry-for", "0s", "--connections", "1", cwd=shop)
    status = {x["recipient"]: x["status"] for x in results(shop / "results.csv")}
    assert status["ann@list.example"] == "in_doubt" and status["busy@list.example"] == "deferred", status
    with Relay(shop / "relay2") as r2:
        t = Terminal("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r2.port}?tls=none", "--resume",
                     cwd=shop)
        t.expect("?")
        assert r2.accepted() == []
        t.type("y\n")
        t.end()
    assert set(r2.recipients()) == {"busy@list.example"}
    status = collections.Counter(x["status"] for x in results(shop / "results.csv"))
    assert status == {"sent": 3, "in_doubt": 1}


def test_more_recipients_than_a_transaction_takes(shop):
    """The rest goes at once in the next transaction: it is no failure and waits for nothing."""
    people = ", ".join(f"user{i}@list.example" for i in range(40))
    write_letter(shop / "letter.eml", f"From: p@sender.example\nTo: {people}\nSubject: x\n\nHello {{{{ name }}}}\n")
    (shop / "list.csv").write_text("name\nAnn\n")
    with Relay(shop / "relay", "--extensions", "+LIMITS=MAILMAX=1000,RCPTMAX=3") as r:
        begun = time.monotonic()
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                   cwd=shop, check=0)
    assert set(r.recipients().values()) == {1} and len(r.recipients()) == 40
    assert time.monotonic() - begun < 5
    rows = results(shop / "results.csv")
    assert len(rows) == 40 and {x["status"] for x in rows} == {"sent"}


def test_a_second_interrupt_leaves_no_false_doubt(shop):
    """Content that was not out whole cannot have been taken: such mails are to do, not in doubt."""
    write_letter(shop / "letter.eml", "From: p@sender.example\nTo: {{ email }}\nSubject: x\n"
                 "Attachment: big.bin\n\nHello {{ name }}\n")
    (shop / "big.bin").write_bytes(bytes(range(256)) * 64000)
    write_list(shop / "list.csv", 20)
    with Relay(shop / "relay", "--fault", "stage=CONTENT after=200000 stall=600000") as r:
        run = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                    cwd=shop)
        time.sleep(1.5)
        run.send_signal(2)
        time.sleep(0.5)
        run.send_signal(2)
        said = run.communicate(timeout=20)[0].decode()
        assert run.returncode == 3, said
        assert r.accepted() == []
    rows = results(shop / "results.csv")
    assert not [x for x in rows if x["status"] == "in_doubt"], said
    with Relay(shop / "relay2") as r2:
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r2.port}?tls=none", "--yes",
                   "--resume", cwd=shop, check=0)
    assert r2.recipients() == {f"user{i}@list.example": 1 for i in range(1, 21)}


def test_the_file_of_failed_rows_mails_nobody_twice(shop):
    """A row of which some recipients were sent is not in it: sent again, they would get a second copy."""
    write_letter(shop / "letter.eml", "From: p@sender.example\nTo: {{ a }}, {{ b }}\nSubject: x\n\nHello\n")
    (shop / "list.csv").write_text("a,b\nann@list.example,bad1@list.example\nbad2@list.example,bad3@list.example\n"
                                   "bob@list.example,bea@list.example\n")
    with Relay(shop / "relay", "--refuse", "^bad=550 5.1.1 nobody") as r:
        done = lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                          cwd=shop, check=1)
    assert [x["a"] for x in results(shop / "results.failed.csv")] == ["bad2@list.example"]
    assert "1 row with several recipients" in done.stderr
    assert len(results(shop / "results.csv")) == 6


def test_a_throttled_relay_is_left_alone(shop):
    """After 454 at MAIL a handful of commands follows, not thousands; the rows wait or stay to do."""
    write_list(shop / "list.csv", 3000)
    with Relay(shop / "relay", "--fault", "stage=MAIL from=100 reply=\"454 4.7.0 Throttling failure: rate exceeded\"",
               "--log-protocol", shop / "protocol") as r:
        run = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                    cwd=shop)
        time.sleep(4)
        run.send_signal(2)
        said = run.communicate(timeout=30)[0].decode()
    assert run.returncode == 3, said
    assert (shop / "protocol").read_text().count("C: MAIL") < 200
    assert 90 <= len(r.recipients()) <= 100 and set(r.recipients().values()) == {1}


def test_a_quota_that_is_used_up_is_waited_for(shop):
    """It says so, asks once an hour, and ^C stops as ever: what is left goes on elsewhere."""
    write_list(shop / "list.csv", 3000)
    with Relay(shop / "relay", "--fault", "stage=MAIL from=100 reply=\"550 5.4.5 Daily user sending limit exceeded\"",
               "--log-protocol", shop / "protocol") as r:
        run = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                    "--retry-for", "300ms", cwd=shop)
        time.sleep(3)
        assert run.poll() is None
        run.send_signal(2)
        said = run.communicate(timeout=30)[0].decode()
    assert run.returncode == 3, said
    assert said.count("WARNING") <= 1 and "Daily user sending limit exceeded; it is asked again in 60 min" in said
    assert (shop / "protocol").read_text().count("C: MAIL") < 120
    rows = results(shop / "results.csv")
    sent = [x["recipient"] for x in rows if x["status"] == "sent"]
    assert sorted(sent) == sorted(r.recipients()) and len(sent) <= 100
    with Relay(shop / "relay2") as r2:
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r2.port}?tls=none", "--yes",
                   "--resume", cwd=shop, check=0)
    assert set(r2.recipients()) == everyone(3000) - set(sent)


def test_a_quota_takes_no_rows_patience(shop):
    """The clock of --retry-for does not run while the account is out: there is time for another refusal."""
    write_list(shop / "list.csv", 10)
    with Relay(shop / "one", "--fault", "stage=MAIL reply=\"550 5.4.5 Daily user sending limit exceeded\"") as r, \
            Relay(shop / "two", "--greeting-delay", "5000", "--greylist") as other:
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--relay",
                   f"smtp://localhost:{other.port}?tls=none", "--yes", "--connections", "2", "--retry-for", "4s", "--rate", "1000/s",
                   cwd=shop, check=0)
    assert r.accepted() == [] and set(other.recipients()) == everyone(10) and set(other.recipients().values()) == {1}


def test_a_rate_place_is_taken_only_for_an_open_session(shop):
    """While there is no session, no place is taken for a mail that cannot leave: what the journal says was begun
    is what was begun, and after the wait the whole rate is there."""
    write_list(shop / "list.csv", 40)
    with Relay(shop / "relay", "--greeting-delay", "700") as r:
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                   "--rate", "20/3s", "--connections", "4", cwd=shop, check=0)
    begun = sorted(a.mono_ns for a in r.accepted())
    assert len(begun) == 40
    # The first twenty leave together as soon as sessions are open, and 3 s later the others: a place that
    # had been taken while they opened would free one of the others 700 ms too early.
    assert begun[19] - begun[0] < 10**9
    assert min(later - first for first, later in zip(begun, begun[20:])) > 2.9 * 10**9
    places = [t for t in journal.begins(shop / "results.csv")]
    assert len(places) == 40
    first_mail = min(a.wall_ns for a in r.accepted()) // 10**6
    assert min(places) >= first_mail - 200, "a place was taken before there was a session"

"""Several relays: each with its own rate, connections and share, and what one cannot take goes to the other."""
import contextlib
import time

from relay import Relay, lettershop, results, write_list
from test_rate import most_in_window

SECOND = 95 * 10**7  # seen by the relay: on a busy machine what left a little earlier arrives with what left later


@contextlib.contextmanager
def two(shop, first=(), second=()):
    with Relay(shop / "one", *first) as a, Relay(shop / "two", *second) as b:
        yield a, b


def send(shop, *arguments, check=0):
    return lettershop("send", "letter.eml", "list.csv", "--yes", *arguments, cwd=shop, check=check, timeout=90)


def relay_of(r, more=""):
    return "--relay", f"smtp://127.0.0.1:{r.port}?tls=none{more}"


def everyone_once(shop, n, *relays):
    got = relays[0].recipients()
    for r in relays[1:]:
        got += r.recipients()
    assert len(got) == n and set(got.values()) == {1}


def test_each_relay_keeps_its_own_rate(shop):
    write_list(shop / "list.csv", 240)
    with two(shop) as (a, b):
        send(shop, *relay_of(a, "&rate=20/s"), *relay_of(b, "&rate=60/s"), "--connections", 6)
    everyone_once(shop, 240, a, b)
    times = [[x.mono_ns for x in r.accepted()] for r in (a, b)]
    assert most_in_window(times[0], SECOND) <= 20 and most_in_window(times[1], SECOND) <= 60
    assert 30 <= len(times[0]) <= 90  # about a quarter: neither waits for the other


def test_each_connection_keeps_its_own_rate(shop):
    write_list(shop / "list.csv", 60)
    with Relay(shop / "one") as r:
        send(shop, *relay_of(r, "&connection-rate=10/s"), "--connections", 3)
    everyone_once(shop, 60, r)
    by = {}
    for x in r.accepted():
        by.setdefault(x.conn, []).append(x.mono_ns)
    assert len(by) == 3
    for times in by.values():
        assert most_in_window(times, SECOND) <= 10


def open_at_once(protocol):
    now = most = 0
    for line in protocol.read_text().splitlines():
        if " S: 220" in line:
            now += 1
        elif " S: 221" in line:
            now -= 1
        most = max(most, now)
    return most


def test_connections_and_weights(shop):
    write_list(shop / "list.csv", 3000)
    slow = ["--delay", 5]
    with two(shop, [*slow, "--log-protocol", shop / "p1"], [*slow, "--log-protocol", shop / "p2"]) as (a, b):
        send(shop, *relay_of(a, "&weight=3"), *relay_of(b), "--connections", 8)
    everyone_once(shop, 3000, a, b)
    assert open_at_once(shop / "p1") == 6 and open_at_once(shop / "p2") == 2
    assert 1.8 < len(a.accepted()) / len(b.accepted()) < 4.5

    write_list(shop / "list.csv", 600)
    with two(shop / "capped", [*slow, "--log-protocol", shop / "p3"], slow) as (a, b):
        send(shop, *relay_of(a, "&connections=1&messages=50"), *relay_of(b), "--connections", 8, "--results", "c.csv")
    everyone_once(shop, 600, a, b)
    assert open_at_once(shop / "p3") == 1
    per = {}
    for x in a.accepted():
        per[x.conn] = per.get(x.conn, 0) + 1
    assert max(per.values()) <= 50


def test_more_threads_than_connections(shop):
    """No thread holds rows for a connection that others have: idle ones would be given up after 8 s only."""
    write_list(shop / "list.csv", 400)
    with two(shop) as (a, b):
        begun = time.monotonic()
        send(shop, *relay_of(a, "&connections=1"), "--connections", 8, "--threads", 8)
        send(shop, *relay_of(a, "&connections=1"), *relay_of(b), "--connections", 8, "--threads", 8, "--results", "b.csv")
        assert time.monotonic() - begun < 6
    got = a.recipients() + b.recipients()
    assert len(got) == 400 and set(got.values()) == {2}
    assert len({x.conn for x in a.accepted()}) == 2 and len({x.conn for x in b.accepted()}) >= 1


def test_what_one_relay_cannot_carry_goes_to_the_other(shop):
    """Addresses beyond ASCII, large messages: refused only when no relay takes them."""
    with open(shop / "list.csv", "w", encoding="utf-8") as f:
        f.write("email,name,plan\n" + "".join(f"{'ü' if i % 2 else 'u'}{i}@list.example,{'N' * (3000 * (i % 3))},\n" for i in range(120)))
    with two(shop, ["--extensions", "PIPELINING 8BITMIME SIZE=2000"], ["--extensions", "PIPELINING 8BITMIME SMTPUTF8"]) as (a, b):
        send(shop, *relay_of(a), *relay_of(b), "--connections", 4)
        assert len(a.accepted()) + len(b.accepted()) == 120 and a.violations() + b.violations() == ""
        assert all(x.size <= 2000 and "SMTPUTF8" not in x.sender for x in a.accepted())
        assert sum("SMTPUTF8" in x.sender for x in b.accepted()) == 60
        send(shop, *relay_of(a), "--results", "alone.csv", check=1)
    assert sum(x["status"] == "refused" for x in results(shop / "alone.csv")) == 100


def test_what_only_a_slow_relay_carries_waits_for_it(shop):
    """And costs no try: the other relay, which refuses it by its size, is always the one that has room."""
    with open(shop / "list.csv", "w") as f:
        f.write("email,name,plan\n" + "".join(f"u{i}@list.example,{'N' * (6000 * (i % 4 == 0))},\n" for i in range(120)))
    with two(shop, ["--extensions", "PIPELINING SIZE=2000"], ["--delay", 20]) as (a, b):
        send(shop, *relay_of(a), *relay_of(b), "--connections", 2, "--retry-for", "60s")
    everyone_once(shop, 120, a, b)
    assert all(x.size <= 2000 for x in a.accepted()) and len(b.accepted()) >= 30
    assert {(x["status"], x["attempts"]) for x in results(shop / "results.csv")} == {("sent", "1")}


def test_what_was_not_sent_moves_to_the_other_relay(shop):
    """The first relay's quota is used up after a hundred: nobody is lost, nobody gets two."""
    write_list(shop / "list.csv", 1000)
    fault = ["--fault", 'stage=MAIL from=101 reply="550 5.4.5 daily quota exceeded"']
    with two(shop, fault) as (a, b):
        done = send(shop, *relay_of(a), *relay_of(b), "--connections", 4, "--retry-for", "30s")
    everyone_once(shop, 1000, a, b)
    assert len(a.accepted()) <= 100 and len(b.accepted()) >= 900
    rows = results(shop / "results.csv")
    assert {x["status"] for x in rows} == {"sent"} and len(rows) == 1000
    assert done.stderr.count("takes no more mail from this account: 550 5.4.5") == 1 and "again in 60 min" in done.stderr


def test_wrong_limits_are_said_at_once(shop):
    write_list(shop / "list.csv", 1)
    for wrong in ("weight=0", "rate=", "rate=5", "connections=x", "window=257", "connection-rate=5/fortnight"):
        done = send(shop, "--relay", f"smtp://127.0.0.1:9?tls=none&{wrong}", check=2)
        assert "lettershop: " in done.stderr


def test_a_provider_is_a_relay_with_its_limits(shop):
    write_list(shop / "list.csv", 1)
    for arguments, word in ((["--provider", "gmial", "--user", "a@b.example"], "did you mean gmail?"),
                            (["--provider", "gmail"], "--user"),
                            (["--user", "a@b.example", "--relay", "null:"], "--provider"),
                            (["--provider", "gmail", "--user", "a@b.example", "--relay", "null:"], "--relay")):
        done = send(shop, *arguments, check=2)
        assert word in done.stderr, done.stderr
    # It gets as far as the password, which there is nobody to ask for.
    done = send(shop, "--provider", "microsoft365", "--user", "ann@x.example", check=2)
    assert "password" in done.stderr


def test_fewer_connections_when_the_relay_says_too_much(shop):
    """Half of them leave, and come back one by one while mails are taken."""
    write_list(shop / "list.csv", 2000)
    with Relay(shop / "one", "--delay", 4, "--log-protocol", shop / "protocol",
               "--fault", 'stage=MAIL nth=600 reply="450 4.2.1 peak limit exceeded"') as r:
        send(shop, *relay_of(r), "--connections", 8, "--threads", 1, "--retry-for", "30s")
    everyone_once(shop, 2000, r)
    now, said, before, after = 0, False, 0, []
    for line in (shop / "protocol").read_text().splitlines():
        now += (" S: 220" in line) - (" S: 221" in line)
        if " S: 450 4.2.1 peak" in line:
            said, before = True, now
        if said:
            after.append(now)
    assert before == 8
    assert min(after[:800]) == 4
    assert max(after[after.index(4):]) >= 6


def test_gmails_ten_minutes_are_kept(shop):
    """421 4.7.28: nothing more goes to this relay for now; what was not sent goes through the other one."""
    write_list(shop / "list.csv", 300)
    fault = ["--fault", 'stage=MAIL from=51 reply="421 4.7.28 unusual rate of mail" close=after']
    with two(shop, fault) as (a, b):
        send(shop, *relay_of(a), *relay_of(b), "--connections", 4, "--threads", 1)
    everyone_once(shop, 300, a, b)
    assert len(a.accepted()) <= 50
    assert len({x.conn for x in a.accepted()}) <= 3


def test_one_mail_of_many_recipients_is_one_word_of_the_relay(shop):
    """A dozen verdicts of one mail are not a dozen mails that were not taken: the others go on at once."""
    write_list(shop / "list.csv", 40)
    cc = ", ".join(f"copy{i}@example.com" for i in range(12))
    (shop / "letter.eml").write_text(f"From: a@sender.example\nTo: {{{{ email }}}}\nCc: {cc}\nSubject: x\n\nx\n")
    with Relay(shop / "relay", "--fault", 'stage=END to=1 reply="451 4.3.0 not this one now"') as r:
        begun = time.monotonic()
        done = lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                          "--retry-for", "0s", "--connections", "1", cwd=shop, check=1)
    assert time.monotonic() - begun < 3.5, "the relay was left alone"
    assert "takes no mail now" not in done.stderr and len(r.accepted()) == 39, done.stderr

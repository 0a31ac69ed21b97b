"""Wall clocks that change while a campaign runs. Waiting, rates and retries go by the monotonic clock; the wall
clock is only written down."""
import datetime
import email.utils
import signal
import time

import pytest

import preload
from relay import LONG, Relay, begin, lettershop, results, write_list

UTC = datetime.timezone.utc
HOUR_MS = 3600000


def at_ms(text):
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def times(shop):
    """Of the results, by recipient."""
    return {x["recipient"]: datetime.datetime.fromisoformat(x["time"].replace("Z", "+00:00"))
            for x in results(shop / "results.csv")}


def most_in(mails, window_ns):
    """The most messages that began within a window, by the relay's monotonic clock."""
    begun = sorted(a.mono_ns for a in mails)
    most = first = 0
    for i, t in enumerate(begun):
        while t - begun[first] >= window_ns:
            first += 1
        most = max(most, i - first + 1)
    return most


# The hour that comes twice, and the one that is left out.
CHANGES = [("2026-10-25T00:59:59.300", [120, 60]), ("2026-03-29T00:59:59.300", [60, 120])]


@pytest.mark.parametrize("start,offsets", CHANGES if LONG else CHANGES[:1])
def test_summer_time_begins_and_ends_during_a_campaign(shop, start, offsets):
    write_list(shop / "list.csv", 80)
    env = preload.environment(clock=f"start={at_ms(start)}")
    env["TZ"] = "Europe/Berlin"
    with Relay(shop / "relay", "--record-header", "Date") as r:
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                   "--rate", "50/s", "--connections", "1", cwd=shop, env=env, check=0)
    dates = [email.utils.parsedate_to_datetime(a.header) for a in r.accepted()]
    zones = [int(d.utcoffset().total_seconds() // 60) for d in dates]
    assert sorted(set(zones), key=zones.index) == offsets, zones
    assert dates == sorted(dates), "the instants go on, whatever the clock on the wall says"
    assert (dates[-1] - dates[0]).total_seconds() < 30
    written = times(shop)
    assert len(written) == 80
    for a, date in zip(r.accepted(), dates):
        assert abs((written[a.recipients[0]] - date).total_seconds()) < 30
    assert most_in(r.accepted(), 10**9) <= 50


@pytest.mark.parametrize("jump_ms", [-HOUR_MS, HOUR_MS, -365 * 24 * HOUR_MS] if LONG else [-HOUR_MS])
def test_a_clock_that_jumps_changes_no_decision(shop, jump_ms):
    """Neither the rate nor the waits of those who were deferred."""
    write_list(shop / "list.csv", 150)
    env = preload.environment(clock=f"after=500 wall={jump_ms}")
    with Relay(shop / "relay", "--fault", 'stage=RCPT rcpt~"^user1?[05]@" to=4 reply="450 4.2.0 busy"') as r:
        run = lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                         "--rate", "100/s", "--retry-for", "12s", cwd=shop, env=env, check=0, timeout=60)
    assert r.recipients() == {f"user{i}@list.example": 1 for i in range(1, 151)}, run.stdout
    assert most_in(r.accepted(), 10**9) <= 100
    begun = [a.mono_ns for a in r.accepted()]
    assert (max(begun) - min(begun)) / 1e9 < 15, "nobody waits for the wall clock"
    written = times(shop).values()
    span = (max(written) - min(written)).total_seconds()
    assert abs(span * 1000 - abs(jump_ms)) < 30000, "the wall clock is written down as it was"


@pytest.mark.parametrize("shift_ms", [-HOUR_MS, HOUR_MS])
def test_a_resume_after_the_clock_was_set(shop, shift_ms):
    """Begin times of the journal that lie in the future count as now: the rate holds, and nobody waits an hour.
    A clock that was set forward makes them old: there the journal cannot know better."""
    write_list(shop / "list.csv", 30)
    with Relay(shop / "relay") as r:
        base = ["send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                "--rate", "20/2s", "--connections", "1"]
        run = begin(*base, cwd=shop, env=preload.environment("call=sendmsg path=socket nth=15 do=before"))
        run.communicate()
        assert run.returncode == -9 and 5 <= len(r.accepted()) < 20
        now = int(time.time() * 1000)
        lettershop(*base, "--resume", "--in-doubt", "resend", cwd=shop, timeout=60, check=0,
                   env=preload.environment(clock=f"start={now + shift_ms}"))
    assert len(r.recipients()) == 30
    begun = sorted(a.mono_ns for a in r.accepted())
    assert (begun[-1] - begun[0]) / 1e9 < 20
    if shift_ms < 0:
        assert most_in(r.accepted(), 2 * 10**9) <= 20


def test_a_machine_that_sleeps_for_an_hour(shop):
    """Asleep: the process stands, the wall clock goes on, the relay gives the sessions up."""
    write_list(shop / "list.csv", 400)
    with Relay(shop / "relay", "--idle-timeout", "300") as r:
        run = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                    "--rate", "200/s", cwd=shop, env=preload.environment(clock=f"after=700 wall={HOUR_MS}"))
        while len(r.accepted()) < 40:
            assert run.poll() is None
            time.sleep(0.002)
        run.send_signal(signal.SIGSTOP)
        time.sleep(1.2)
        before = len(r.accepted())
        run.send_signal(signal.SIGCONT)
        said = run.communicate(timeout=60)[0].decode()
    rows = results(shop / "results.csv")
    doubt = [x for x in rows if x["status"] == "in_doubt"]
    assert run.returncode == (1 if doubt else 0), said
    assert before < 400 and len(rows) == 400 and {x["status"] for x in rows} <= {"sent", "in_doubt"}
    assert len(doubt) <= 4 and set(r.recipients().values()) == {1} and len(r.recipients()) >= 400 - len(doubt)
    assert most_in(r.accepted(), 10**9) <= 200

"""A relay gone wrong stops the run before it costs everybody their mail; the first few go ahead."""
import json
import signal
import time

import pytest

from relay import Relay, begin, lettershop, results, write_list


def send(shop, relay, *options, check=None, **more):
    return lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{relay.port}?tls=none", "--yes", *options,
                      cwd=shop, check=check, **more)


def statuses(shop):
    out = {}
    for line in results(shop / "results.csv"):
        out[line["status"]] = out.get(line["status"], 0) + 1
    return out


def test_a_relay_gone_wrong_costs_nobody_their_mail(shop):
    write_list(shop / "list.csv", 2000)
    # After 300 the relay takes us for spammers.
    with Relay(shop / "relay", "--fault", 'stage=RCPT from=301 reply="554 5.7.1 blocked, see http://x"') as r:
        done = send(shop, r, "--stats", "s.json", check=3)
    sent = len(r.accepted())
    assert 250 <= sent <= 320
    assert json.loads((shop / "s.json").read_text())["end"] == "refused"
    assert "Stopped, too many were refused" in done.stdout and "--resume" in done.stdout
    assert "100 of the last 200 recipients were refused alike" in done.stderr and "5.7.1" in done.stderr
    assert "blocked" in done.stderr
    got = statuses(shop)
    assert got.keys() == {"sent", "deferred"} and got["sent"] == sent and 100 <= got["deferred"] <= 150
    assert {line["code"] for line in results(shop / "results.csv") if line["status"] == "deferred"} == {"554"}
    with Relay(shop / "again") as r2:
        send(shop, r2, "--resume", check=0)
    everyone = r.recipients() + r2.recipients()
    assert len(everyone) == 2000 and set(everyone.values()) == {1}
    assert statuses(shop) == {"sent": 2000}


def test_an_old_list_does_not_trip_it(shop):
    """Two of five addresses dead, of one class: that is the list's, not the relay's."""
    write_list(shop / "list.csv", 1000)
    with Relay(shop / "relay", "--refuse", "^user[0-9]*[0123]@=550 5.1.1 no such user") as r:
        send(shop, r, check=1)
    assert statuses(shop) == {"sent": 600, "refused": 400} and len(r.accepted()) == 600


def test_the_share_is_chosen_and_can_be_off(shop):
    write_list(shop / "list.csv", 1000)
    with Relay(shop / "relay", "--refuse", "^user[0-9]*[0123]@=550 5.1.1 no such user") as r:
        done = send(shop, r, "--stop-after", "20%/50", check=3)
        assert "10 of the last 50" in done.stderr
        assert "refused" not in statuses(shop)
        send(shop, r, "--resume", "--stop-after", "off", check=1)
    assert statuses(shop) == {"sent": 600, "refused": 400}
    assert set(r.recipients().values()) == {1}
    assert "no share of refusals" in send(shop, r, "--resume", "--stop-after", "20", check=2).stderr


@pytest.mark.parametrize("klass", ["5.7.1", "5.7", "554", "all"])
def test_retry_refused(shop, klass):
    write_list(shop / "list.csv", 60)
    with Relay(shop / "relay", "--refuse", "^user1.@=554 5.7.1 blocked", "--refuse", "^user2.@=550 5.1.1 unknown") as r:
        send(shop, r, check=1)
    assert statuses(shop) == {"sent": 40, "refused": 20}
    with Relay(shop / "again") as r2:
        send(shop, r2, "--resume", check=1)
        assert not r2.accepted()
        send(shop, r2, "--resume", "--retry-refused", klass, check=0 if klass == "all" else 1)
    again = 20 if klass == "all" else 10
    assert len(r2.accepted()) == again and set((r.recipients() + r2.recipients()).values()) == {1}
    assert statuses(shop) == ({"sent": 60} if klass == "all" else {"sent": 50, "refused": 10})


def test_retry_refused_wants_a_campaign_and_a_class(shop):
    write_list(shop / "list.csv", 3)
    with Relay(shop / "relay") as r:
        assert "begun" in send(shop, r, "--retry-refused", "5.7.1", check=2).stderr
        send(shop, r, check=0)
        assert "no class of refusals" in send(shop, r, "--resume", "--retry-refused", "450", check=2).stderr
        assert len(r.accepted()) == 3


def test_killed_before_the_pardon_is_seen_in_the_results(shop):
    """The pardon is one record, on disk before the run drains: a kill leaves all of it or nothing."""
    write_list(shop / "list.csv", 400)
    with Relay(shop / "relay", "--fault", 'stage=RCPT reply="554 5.7.1 blocked"') as r:
        send(shop, r, check=3)
    (shop / "results.csv").unlink()
    told = json.loads(lettershop("status", "results.csv", "--json", cwd=shop, check=0).stdout)
    assert told["refused"] == 0 and told["deferred"] >= 100
    with Relay(shop / "again") as r2:
        send(shop, r2, "--resume", check=0)
        assert len(r2.recipients()) == 400


def test_a_small_list_refused_as_a_whole_has_a_way_back(shop):
    """Too few for the breaker: the summary names the option, and it works."""
    write_list(shop / "list.csv", 30)
    with Relay(shop / "relay", "--fault", 'stage=RCPT from=1 reply="554 5.7.1 blocked"') as r:
        done = send(shop, r, check=1)
        assert "--resume --retry-refused CLASS" in done.stdout and not r.accepted()
    assert "5.7.1" in lettershop("status", "results.csv", cwd=shop, check=0).stdout
    with Relay(shop / "relay2") as r:
        send(shop, r, "--resume", "--retry-refused", "5.7.1", check=0)
        assert set(r.recipients().values()) == {1} and len(r.recipients()) == 30


def test_canary_accepted(shop):
    write_list(shop / "list.csv", 100)
    with Relay(shop / "relay") as r:
        p = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{r.port}?tls=none", "--yes", "--canary", 7,
                  "--canary-wait", "1500ms", "--progress", "plain", cwd=shop)
        p.communicate(timeout=60)
        assert p.returncode == 0
        times = sorted(a.accepted_ns for a in r.accepted())
    assert len(times) == 100
    assert times[7] - times[6] > 1.4e9 and times[6] - times[0] < 1e9
    assert {a for a in list(r.recipients())} == {f"user{i}@list.example" for i in range(1, 101)}


def test_canary_waits_again_when_it_was_stopped_meanwhile(shop):
    """That is when people look at what came: a resume does not take the first few for a sign to go on."""
    write_list(shop / "list.csv", 60)
    with Relay(shop / "relay") as r:
        options = ("--relay", f"smtp://127.0.0.1:{r.port}?tls=none", "--yes", "--canary", 7, "--canary-wait", "3s")
        p = begin("send", "letter.eml", "list.csv", *options, cwd=shop)
        until = time.monotonic() + 20
        while len(r.accepted()) < 7 and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=20)
        assert p.returncode == 3 and len(r.accepted()) == 7
        begun = time.time_ns()
        lettershop("send", "letter.eml", "list.csv", *options, "--resume", cwd=shop, check=0)
        later = [a.wall_ns for a in r.accepted()[7:]]
    assert min(later) - begun > 2.9e9 and len(later) == 53 and set(r.recipients().values()) == {1}


def test_canary_refused_and_the_way_on(shop):
    write_list(shop / "list.csv", 100)
    with Relay(shop / "relay", "--refuse", "^user3@=550 5.1.1 unknown") as r:
        done = send(shop, r, "--canary", 5, "--canary-wait", "10min", check=3)
        assert len(r.accepted()) == 4 and set(r.recipients()) == {f"user{i}@list.example" for i in (1, 2, 4, 5)}
        assert "1 of the first 5 were not accepted" in done.stderr and "Stopped after the first few" in done.stdout
        send(shop, r, "--resume", check=1)
    assert set(r.recipients().values()) == {1} and len(r.recipients()) == 99


def test_canary_of_the_whole_list_does_not_wait(shop):
    write_list(shop / "list.csv", 5)
    with Relay(shop / "relay") as r:
        begun = time.monotonic()
        send(shop, r, "--canary", 5, "--canary-wait", "1h", check=0, timeout=20)
        assert time.monotonic() - begun < 15 and len(r.accepted()) == 5

"""Killed and resumed to the end: nobody lost, nobody twice.

The practice relay writes down what it accepted before it says so: it is the judge. The first test is the
short form of `make torture`; the others kill large campaigns many times, at random moments."""
import random
import time

import pytest

import torture
from relay import LONG, Relay, begin, lettershop, results, write_list

ROWS = 100000 if LONG else 5000
KILLS = 20 if LONG else 8


def run_with_kills(shop, r, url, connections, rng, mode, options=()):
    """Kills KILLS runs, then lets one finish. Returns (kills that hit a running process, in doubt)."""
    command = ["send", "letter.eml", "list.csv", "--relay", url, "--yes", "--connections", str(connections),
               "--no-preflight", "--retry-for", "60s", *options]
    hit = 0
    for i in range(KILLS):
        run = begin(*command, *(["--resume"] if i else []), cwd=shop)
        before = len(r.accepted())
        # Let it get on its way, then choose a moment.
        until = time.monotonic() + 5
        while len(r.accepted()) == before and run.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(rng.random() * 0.15)
        if run.poll() is None:
            run.kill()
            hit += 1
        said = run.communicate()[0].decode()
        assert run.returncode in (-9, 0, 1), said
        if run.returncode != -9:
            break
    done = lettershop(*command, "--resume", "--in-doubt", mode, cwd=shop, timeout=600)
    assert done.returncode in (0, 1), done.stderr
    return hit


def test_kills_at_chosen_points(tmp_path, certs):
    """Each cell draws from all writes, syncs, names and socket calls of its campaign."""
    every = [c for c in torture.cells() if LONG or not c.every]
    chosen = every if LONG else [c for i, c in enumerate(every) if i % 4 == 1 or (c.grouped and c.grey)]
    benches = torture.torture(tmp_path, certs, 500 if LONG else 3 * len(chosen), 4, "7", chosen)
    print(torture.table(benches))
    assert sum(sum(b.kills.values()) for b in benches) >= 3 * len(chosen)


@pytest.mark.parametrize("connections,tls", [(1, False), (4, False), (4, True), (16, False)] if LONG else [(4, True)])
def test_kill_and_resume_with_hold(shop, certs, connections, tls):
    rng = random.Random(connections * 2 + tls)
    write_list(shop / "list.csv", ROWS)
    options = ["--starttls", "--tls-cert", certs / "good.pem", "--tls-key", certs / "good.key"] if tls else []
    with Relay(shop / "relay", "--delay", 1, "--refuse", "^user1@=550 5.1.1 nobody", *options) as r:
        url = f"smtp://localhost:{r.port}?ca={certs}/ca.pem" if tls else f"smtp://localhost:{r.port}?tls=none"
        hit = run_with_kills(shop, r, url, connections, rng, "hold")
    everyone = {f"user{i}@list.example" for i in range(1, ROWS + 1)}
    rows = results(shop / "results.csv")
    status = {}
    for row in rows:
        assert row["recipient"] not in status, "two lines for " + row["recipient"]
        status[row["recipient"]] = row["status"]
    assert status.keys() == everyone
    got = r.recipients()
    doubt = {a for a, s in status.items() if s == "in_doubt"}
    assert set(got.values()) == {1}, "someone was mailed twice"
    assert everyone - set(got) <= doubt | {"user1@list.example"}, "someone is missing and not listed"
    assert len(doubt) <= connections * hit
    assert {a for a, s in status.items() if s == "sent"} <= set(got)
    assert status["user1@list.example"] == "refused"
    assert r.violations() == ""
    print(f"connections {connections} tls {tls}: {hit} kills, {len(doubt)} in doubt, 0 missing, 0 twice")


def test_kill_and_resume_with_resend(shop):
    rng = random.Random(99)
    connections = 4
    write_list(shop / "list.csv", ROWS)
    with Relay(shop / "relay", "--delay", 1) as r:
        url = f"smtp://localhost:{r.port}?tls=none"
        hit = run_with_kills(shop, r, url, connections, rng, "resend")
    everyone = {f"user{i}@list.example" for i in range(1, ROWS + 1)}
    rows = results(shop / "results.csv")
    assert {x["recipient"] for x in rows} == everyone and len(rows) == ROWS
    assert {x["status"] for x in rows} == {"sent"}
    got = r.recipients()
    assert set(got) == everyone, "someone is missing"
    twice = {a: n for a, n in got.items() if n > 1}
    assert len(twice) <= connections * hit and set(twice.values()) <= {2}
    # A second copy has the Message-ID of the first.
    ids = {}
    for a in r.accepted():
        ids.setdefault(a.recipients[0], set()).add(a.message_id)
    assert all(len(s) == 1 for s in ids.values())
    print(f"resend: {hit} kills, {len(twice)} twice, 0 missing")

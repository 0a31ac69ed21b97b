"""A worker's journal that is gone, or shorter than it was: no command guesses what was in it, nobody is mailed again,
and with the file brought back from a copy the campaign goes on."""
import os
import signal
import time

import pytest

import preload
from relay import Relay, begin, lettershop, results, write_list

N = 400


def arguments(r, *options):
    return ["send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes", "--connections", 2, *options]


def stopped(shop, r, how):
    """A campaign that was stopped by that signal when a part of it was sent."""
    write_list(shop / "list.csv", N)
    process = begin(*arguments(r, "--rate", "400/s"), cwd=shop)
    while len(r.accepted()) < 100:
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.005)
    process.send_signal(how)
    process.communicate(timeout=30)
    assert process.returncode == (3 if how == signal.SIGINT else -how)


def segment(shop, run, worker=0):
    return shop / "results.csv.journal" / f"run-{run:04}-worker-{worker:03}"


def nothing_goes_on(shop, r, path, *words):
    held = len(r.accepted())
    for command in (arguments(r, "--resume"), arguments(r, "--resume", "--in-doubt", "resend"), ["status", "results.csv"],
                    ["results", "results.csv"], ["show", "results.csv", "--row", 1, "letter.eml", "list.csv"]):
        done = lettershop(*command, cwd=shop)
        assert done.returncode == 2, (command, done.stdout, done.stderr)
        for word in (path.name, "bring it back from a copy", *words):
            assert word in done.stderr, (command, word, done.stderr)
    assert len(r.accepted()) == held


def it_goes_on(shop, r, doubt=0):
    lettershop(*arguments(r, "--resume"), cwd=shop, check=1 if doubt else 0)
    assert set(r.recipients().values()) == {1} and len(results(shop / "results.csv")) == N
    assert N - doubt <= len(r.recipients()) <= N


@pytest.mark.parametrize("kept", [None, 0, 0.5, 0.999])
@pytest.mark.parametrize("done", [False, True])
def test_after_an_orderly_end(shop, kept, done):
    """done: a second run has sent the rest, and nothing was left to do."""
    with Relay(shop / "relay") as r:
        stopped(shop, r, signal.SIGINT)
        if done:
            it_goes_on(shop, r)
        path = segment(shop, 1)
        whole = path.read_bytes()
        if kept is None:
            path.unlink()
            nothing_goes_on(shop, r, path, "is lost", f"{len(whole)} bytes")
        else:
            size = int(kept * len(whole))
            os.truncate(path, size)
            nothing_goes_on(shop, r, path, f"is damaged at byte {size}", f"{len(whole)} bytes")
        path.write_bytes(whole)
        it_goes_on(shop, r)


def test_of_a_killed_run(shop):
    """Each segment was named when it was made; how long they were, the next run says."""
    with Relay(shop / "relay", "--delay", 2) as r:
        stopped(shop, r, signal.SIGKILL)
        for path in (shop / "results.csv.journal").glob("run-0001-*"):
            whole = path.read_bytes()
            path.unlink()
            nothing_goes_on(shop, r, path, "is lost")
            path.write_bytes(whole)
        it_goes_on(shop, r, doubt=2)
        path = segment(shop, 1)
        whole = path.read_bytes()
        os.truncate(path, len(whole) // 2)
        nothing_goes_on(shop, r, path, "is damaged at byte", f"{len(whole)} bytes")


@pytest.mark.parametrize("calls,do", [("open", "before"), ("open", "after"), ("pwrite", "before"), ("pwrite", "after"),
                                      ("fdatasync", "before"), ("fdatasync", "after")])
@pytest.mark.parametrize("nth", [1, 2])
def test_killed_while_segments_are_made(shop, calls, do, nth):
    """What was not made, or not named so far, is not missed."""
    write_list(shop / "list.csv", 20)
    with Relay(shop / "relay") as r:
        env = preload.environment(f"call={calls} path=.journal/run nth={nth} do={do}")
        lettershop(*arguments(r), cwd=shop, env=env)
        lettershop("status", "results.csv", cwd=shop, check=0)
        lettershop(*arguments(r, "--resume"), cwd=shop)
        assert set(r.recipients().values()) == {1} and len(results(shop / "results.csv")) == 20

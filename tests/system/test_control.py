"""A word with a campaign that runs: pause, continue, rate; signals; a bounded stop; a disk that fills."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

from relay import Relay, begin, lettershop, results, write_list


@pytest.fixture
def big(shop):
    write_list(shop / "list.csv", 5000)
    return shop


def start(shop, relay, *options):
    return begin("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{relay.port}?tls=none", "--yes", "--progress", "plain",
                 *options, cwd=shop)


def wait_for(what, seconds=30):
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)


def command(shop, *words, check=0):
    return lettershop(words[0], "results.csv", *words[1:], cwd=shop, check=check)


def processor_s(p):
    fields = pathlib.Path(f"/proc/{p.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_pause_and_continue(big):
    with Relay(big / "relay") as r:
        p = start(big, r, "--rate", "400/s")
        wait_for(lambda: len(r.accepted()) > 50)
        assert "paused" in command(big, "pause").stdout
        time.sleep(0.5)
        n, busy = len(r.accepted()), processor_s(p)
        time.sleep(1.2)
        assert len(r.accepted()) == n and p.poll() is None
        assert processor_s(p) - busy < 0.5  # it waits, and does not ask again and again
        assert "It says: paused" in command(big, "status").stdout
        assert "going on" in command(big, "continue").stdout
        wait_for(lambda: len(r.accepted()) > n + 50)
        assert "It says" not in command(big, "status").stdout
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=60)
        assert p.returncode == 3 and not (big / "results.csv.journal" / "control").exists()


@pytest.mark.parametrize("first", [["--rate", "20/s"], []])
def test_rate(big, first):
    """From now on no second holds more than the new limit; what was begun before counts."""
    with Relay(big / "relay", "--delay", 20) as r:
        p = start(big, r, *first)
        wait_for(lambda: len(r.accepted()) > 10)
        assert command(big, "rate", "100/s").stdout == "rate 100/s\n"
        changed = time.time_ns()
        time.sleep(2.5)
        wrong = command(big, "rate", "fast", check=2)
        assert "rate 'fast' is not understood" in wrong.stderr
        p.send_signal(signal.SIGTERM)
        assert b"rate is 100/s now" in p.communicate(timeout=60)[0]
        at = sorted(a.wall_ns for a in r.accepted() if a.wall_ns > changed + 0.3e9)
    assert 100 < len(at) < 300
    assert all(at[i + 101] - at[i] >= 1e9 for i in range(len(at) - 101))


def test_rate_off(big):
    with Relay(big / "relay") as r:
        p = start(big, r, "--rate", "10/s")
        wait_for(lambda: len(r.accepted()) > 3)
        command(big, "rate", "off")
        p.communicate(timeout=60)
        assert p.returncode == 0 and len(r.accepted()) == 5000


def test_nobody_listens(big):
    assert "there is no campaign" in command(big, "pause", check=2).stderr
    with Relay(big / "relay") as r:
        p = start(big, r)
        p.communicate(timeout=60)
    for words in (["pause"], ["continue"], ["rate", "1/s"]):
        assert "no run of the campaign of 'results.csv' listens" in command(big, *words, check=2).stderr


def test_a_long_path_and_a_socket_left_behind(big):
    deep = big / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    shutil.copy(big / "letter.eml", deep)
    shutil.copy(big / "list.csv", deep)
    with Relay(big / "relay") as r:
        p = start(deep, r, "--rate", "300/s")
        wait_for(lambda: len(r.accepted()) > 10)
        p.kill()
        p.communicate()
        assert "no run of the campaign" in lettershop("pause", deep / "results.csv", check=2).stderr
        p = start(deep, r, "--rate", "300/s", "--resume")
        n = len(r.accepted())
        wait_for(lambda: len(r.accepted()) > n + 10)
        assert lettershop("pause", deep / "results.csv", check=0).stdout.startswith("paused")
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=60)


def test_signals_tell_and_read_again(big):
    (big / "settings.ini").write_text("rate = 50/s\n")
    (big / "no.txt").write_text("nobody@list.example\n")
    write_list(big / "list.csv", 1200)
    with Relay(big / "relay") as r:
        p = start(big, r, "--settings", "settings.ini", "--suppress", "no.txt", "--no-preflight")
        wait_for(lambda: len(r.accepted()) > 20)
        p.send_signal(signal.SIGUSR1)
        time.sleep(0.5)
        (big / "settings.ini").write_text("rate = 400/s\n")
        (big / "no.txt").write_text("".join(f"user{i}@list.example\n" for i in range(1000, 1201)))
        p.send_signal(signal.SIGHUP)
        begun = time.monotonic()
        out = p.communicate(timeout=60)[0].decode()
    assert time.monotonic() - begun < 12
    assert p.returncode == 1, out
    assert re.search(r"lettershop: \d+ recipients, [\d.]+/s", out) and "rate is 400/s now" in out and "read again" in out
    assert len(r.accepted()) == 999 and not any(f"user{i}@list.example" in r.recipients() for i in range(1000, 1201))


def test_a_wrong_reload_changes_nothing(big):
    (big / "settings.ini").write_text("rate = 100/s\n")
    with Relay(big / "relay") as r:
        p = start(big, r, "--settings", "settings.ini")
        wait_for(lambda: len(r.accepted()) > 20)
        (big / "settings.ini").write_text("rate = quick\n")
        p.send_signal(signal.SIGHUP)
        time.sleep(1)
        n = len(r.accepted())
        time.sleep(1)
        assert 50 < len(r.accepted()) - n < 150
        p.send_signal(signal.SIGINT)
        out = p.communicate(timeout=60)[0].decode()
    assert "the rate stays as it was" in out and p.returncode == 3


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_the_drain_is_bounded(big, which):
    """The relay stalls: after --drain the rest is given up, in doubt only what was out whole."""
    with Relay(big / "relay", "--fault", "stage=END from=30 stall=60000") as r:
        p = start(big, r, "--drain", "1s")
        wait_for(lambda: len(r.accepted()) >= 29)
        time.sleep(0.3)
        begun = time.monotonic()
        p.send_signal(which)
        p.communicate(timeout=30)
        took = time.monotonic() - begun
    assert p.returncode == 3 and 0.8 < took < 6
    lines = results(big / "results.csv")
    assert sum(1 for line in lines if line["status"] == "sent") == 29
    assert sum(1 for line in lines if line["status"] == "in_doubt") <= 4


FULL = """
mount -t tmpfs -o size=160k tmpfs disk || exit 77
exec "$@"
"""


@pytest.fixture
def small_disk(big):
    (big / "disk").mkdir()
    probe = subprocess.run(["unshare", "-m", "sh", "-c", FULL, "sh", "true"], cwd=big, capture_output=True)
    if probe.returncode != 0:
        pytest.skip("no file system of our own can be mounted here")
    return big


@pytest.mark.parametrize("word", ["wait", "stop"])
def test_a_full_disk(small_disk, word):
    """Nothing is sent that cannot be recorded; with wait the run goes on once there is room."""
    shop = small_disk
    with Relay(shop / "relay") as r:
        with open(shop / "out.txt", "wb") as out:
            p = subprocess.Popen(["unshare", "-m", "sh", "-c", FULL, "sh", lettershop_path(), "send", "letter.eml", "list.csv", "--relay",
                                  f"smtp://127.0.0.1:{r.port}?tls=none", "--yes", "--results", "disk/r.csv", "--on-log-error", word,
                                  "--progress", "plain", "--drain", "2s"], cwd=shop, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            disk = pathlib.Path(f"/proc/{p.pid}/cwd/disk")
            if word == "stop":
                assert p.wait(timeout=60) == 3
                assert "No space left" in (shop / "out.txt").read_text()
                assert 50 < len(r.accepted()) < 5000 and set(r.recipients().values()) == {1}
                return
            wait_for(lambda: "nothing is begun until" in (shop / "out.txt").read_text() or
                     "nothing more is begun until" in (shop / "out.txt").read_text())
            time.sleep(1)
            n = len(r.accepted())
            time.sleep(1)
            assert len(r.accepted()) == n and 50 < n < 5000 and p.poll() is None
            told = json.loads(lettershop("status", disk / "r.csv", "--json", check=0).stdout)
            assert told["running"] and told["sent"] + told["under_way"] >= n - 8
            subprocess.run(["nsenter", "-t", str(p.pid), "-m", "mount", "-o", "remount,size=64m", str(shop / "disk")], check=True)
            wait_for(lambda: len(r.accepted()) == 5000)
            assert p.wait(timeout=60) == 0, (shop / "out.txt").read_text()
    assert set(r.recipients().values()) == {1} and len(r.recipients()) == 5000


def lettershop_path():
    from relay import LETTERSHOP
    return os.path.abspath(LETTERSHOP)

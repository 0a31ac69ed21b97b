"""Rates in plain words are exact: at the relay's clock, and over a resume."""
import os
import pathlib
import time

import pytest

import preload
from relay import LONG, Relay, begin, lettershop, results, write_list

pytestmark = pytest.mark.alone


def most_in_window(times_ns, window_ns):
    times = sorted(times_ns)
    most = first = 0
    for last, t in enumerate(times):
        while t - times[first] >= window_ns:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_200_a_second_over_8_connections(shop):
    n = 2000 if LONG else 1000
    write_list(shop / "list.csv", n)
    with Relay(shop / "relay") as r:
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                   "--connections", "8", "--rate", "200/s", cwd=shop, check=0)
    times = [a.mono_ns for a in r.accepted()]
    assert len(times) == n
    assert most_in_window(times, 10**9) <= 200
    took = (max(times) - min(times)) / 1e9
    assert n / 200 * 0.95 <= took <= n / 200 * 1.05


@pytest.mark.parametrize("url, options, n, window_s", [
    ("", ["--connections", "4", "--threads", "2", "--rate", "20/3s"], 20, 3),
    ("", ["--connections", "4", "--threads", "2", "--domain-rate", "*=20/3s"], 20, 3),
    ("&rate=20/3s", ["--connections", "4", "--threads", "2"], 20, 3),
    ("&connection-rate=10/2s", ["--connections", "1"], 10, 2),
], ids=["run", "domain", "relay", "connection"])
def test_a_worker_that_loses_the_processor_shortens_no_window(shop, url, options, n, window_s):
    """A MAIL that is written 400 ms after its place was taken counts from then on: on a busy machine, too, no window at
    the socket is overfull."""
    write_list(shop / "list.csv", 3 * n)
    for nth in range(4, 12):  # which of the first calls is a MAIL depends on how sessions open
        with Relay(shop / f"relay{nth}") as r:
            lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none{url}", "--yes", *options,
                       "--no-preflight", "--results", f"results{nth}.csv", cwd=shop, check=0,
                       env=preload.environment(f"call=send,sendmsg path=socket nth={nth} do=late"))
        times = sorted(a.mono_ns for a in r.accepted())
        assert len(times) == 3 * n
        assert most_in_window(times, window_s * 10**9 - 25 * 10**6) <= n  # what may be lost on the way to the relay's clock
        if times[n - 1] - times[0] > 350 * 10**6:
            return
    raise AssertionError("the delay was never where it was meant to be")


def test_30_a_minute_also_over_a_resume(shop):
    write_list(shop / "list.csv", 40)
    with Relay(shop / "relay") as r:
        url = f"smtp://localhost:{r.port}?tls=none"
        command = ["send", "letter.eml", "list.csv", "--relay", url, "--yes", "--rate", "30/min"]
        first = begin(*command, cwd=shop)
        while len(r.accepted()) < 12:
            assert first.poll() is None
        first.kill()
        first.wait()
        second = begin(*command, "--resume", cwd=shop)
        while len(r.accepted()) < 29:
            assert second.poll() is None
        begun = min(a.mono_ns for a in r.accepted())
        if LONG:
            assert second.wait(timeout=120) in (0, 1)
        else:
            second.terminate()
            second.wait(timeout=40)
        times = [a.mono_ns for a in r.accepted()]
        # All of the minute's thirty at once (those cut off by the kill count too), then none.
        assert 29 - 4 <= sum(t < begun + 59 * 10**9 for t in times) <= 30
        assert most_in_window(times, 60 * 10**9) <= 30


def write_domains(path, rows):
    with open(path, "w") as f:
        f.write("email,name\n")
        for i, domain in enumerate(rows):
            f.write(f"user{i}@{domain},Name {i}\n")


def domain_times(r):
    out = {}
    for a in r.accepted():
        out.setdefault(a.recipients[0].split("@")[1], []).append(a.mono_ns)
    return out


TO_A_COLUMN = "From: a@sender.example\nTo: {{ email }}\nSubject: Hello\n\nDear {{ name }}\n"
TO_BY_ITSELF = "From: a@sender.example\nTo: {{ email | downcase }}\nSubject: Hello\n\nDear {{ name }}\n"


def test_no_connection_stands_idle_for_a_place(shop):
    """Of 2 a 20 s the third comes after two idle closes: nobody connects for nothing, and logs in, every 8 s."""
    write_list(shop / "list.csv", 3)
    with Relay(shop / "relay", "--log-protocol", shop / "protocol") as r:
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                   "--connections", "1", "--rate", "2/20s", cwd=shop, check=0)
    assert len(r.accepted()) == 3 and (shop / "protocol").read_text().count("S: 220") == 2


def test_a_domain_that_waits_holds_up_nobody(shop):
    """The slow ones stand first in the list; the letter that makes its To by itself goes another way inside."""
    for letter, text in (("column", TO_A_COLUMN), ("own", TO_BY_ITSELF)):
        (shop / "letter.eml").write_text(text)
        write_domains(shop / "list.csv", ["slow.example"] * 30 + ["a.example", "b.example", "c.example"] * 200)
        with Relay(shop / f"relay-{letter}") as r:
            lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                       "--domain-rate", "slow.example=10/s", "--domain-rate", "*=400/s", "--results",
                       f"{letter}.csv", cwd=shop, check=0, timeout=60)
        times = domain_times(r)
        assert {d: len(t) for d, t in times.items()} == {"slow.example": 30, "a.example": 200, "b.example": 200,
                                                         "c.example": 200}
        assert most_in_window(times["slow.example"], 10**9) <= 10
        slow = max(times["slow.example"]) - min(times["slow.example"])
        assert slow >= 1.9e9
        for d in "abc":
            t = times[d + ".example"]
            assert most_in_window(t, 10**9) <= 400
            assert max(t) - min(times["slow.example"]) < slow * 0.8, "held up"


@pytest.mark.parametrize("letter", ["column", "own"])
def test_a_domain_that_waits_for_days_holds_up_nobody(shop, letter):
    """More rows of it than memory is given to: they wait in a temporary file, in front of all others in the list."""
    slow = 10 ** 6 if LONG else 150000
    (shop / "letter.eml").write_text(TO_A_COLUMN if letter == "column" else TO_BY_ITSELF)
    write_domains(shop / "list.csv", ["slow.example"] * slow + ["a.example"] * 300)
    (shop / "tmp").mkdir()
    with Relay(shop / "relay") as r:
        command = ["send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                   "--domain-rate", "slow.example=1/min", "--no-preflight", "--duplicates", "send"]
        run = begin(*command, cwd=shop, env={**os.environ, "TMPDIR": str(shop / "tmp")})
        until = time.monotonic() + 60
        while len(domain_times(r).get("a.example", [])) < 300:
            assert run.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        spilled = [os.stat(f"/proc/{run.pid}/fd/{fd}").st_size for fd in os.listdir(f"/proc/{run.pid}/fd")
                   if str(shop / "tmp") in os.readlink(f"/proc/{run.pid}/fd/{fd}")]
        status = dict(line.split(":\t") for line in pathlib.Path(f"/proc/{run.pid}/status").read_text().splitlines())
        run.terminate()
        assert run.wait(timeout=40) == 3
    print(f"{slow} rows wait, {sum(spilled) >> 20} MiB of file, memory at most {status['VmHWM'].split()[0]} KiB")
    assert sum(spilled) > (slow - 70000) * 50
    assert int(status["VmHWM"].split()[0]) < 40 << 10
    assert 1 <= len(domain_times(r)["slow.example"]) <= 2
    assert len(results(shop / "results.csv")) == len(r.accepted())


def test_a_domains_window_does_not_end_with_the_process(shop):
    (shop / "letter.eml").write_text(TO_A_COLUMN)
    write_domains(shop / "list.csv", ["slow.example", "a.example"] * 20)
    with Relay(shop / "relay") as r:
        command = ["send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                   "--domain-rate", "slow.example=12/min"]
        first = begin(*command, cwd=shop)
        while len(domain_times(r).get("slow.example", [])) < 8 or len(r.accepted()) < 20:
            assert first.poll() is None
        first.kill()
        first.wait()
        before = len(domain_times(r)["slow.example"])
        second = begin(*command, "--resume", cwd=shop)
        while len(domain_times(r)["a.example"]) < 19:  # the one more may be in doubt
            assert second.poll() is None
        second.terminate()
        second.wait(timeout=40)
        slow = domain_times(r)["slow.example"]
        assert len(slow) <= 12 and most_in_window(slow, 60 * 10**9) <= 12
        assert before <= 12


def test_domains_and_the_run_together(shop):
    (shop / "letter.eml").write_text(TO_A_COLUMN)
    write_domains(shop / "list.csv", [f"d{i % 4}.example" for i in range(160)])
    with Relay(shop / "relay") as r:
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                   "--rate", "80/s", "--domain-rate", "d0.example=15/s", cwd=shop, check=0, timeout=60)
    times = domain_times(r)
    assert sum(map(len, times.values())) == 160
    assert most_in_window(times["d0.example"], 10**9) <= 15
    assert most_in_window([t for d in times.values() for t in d], 10**9) <= 80


def test_a_wrong_domain_rate_is_said_at_once(shop):
    (shop / "letter.eml").write_text(TO_A_COLUMN)
    write_domains(shop / "list.csv", ["a.example"])
    for wrong in ("gmail.com", "a@b=5/s", "x=5", "a..b=5/s", "<x>=5/s"):
        done = lettershop("send", "letter.eml", "list.csv", "--relay", "null:", "--yes", "--domain-rate", wrong, cwd=shop)
        assert done.returncode == 2 and "rate" in done.stderr

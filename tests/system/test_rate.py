"""Rates in plain words are exact: at the relay's clock, and over a resume."""
import pytest

from relay import LONG, Relay, begin, lettershop, write_list

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

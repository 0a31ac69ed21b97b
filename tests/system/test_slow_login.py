"""A server may ask for a million rounds of SCRAM: sessions that are logged in go on meanwhile, and the work is done once."""
import pytest

from relay import Relay, lettershop, results, write_list

ROUNDS = 1000000  # the most that are worked out at all


def answer_times(protocol):
    """When the server gave its salt, and when it had the answer: for each connection, in the order of the answers."""
    begun, both = {}, []
    for line in protocol.read_text().splitlines():
        time_ns, conn, who, said = (line + "  ").split(" ", 3)
        if who == "S:" and said.startswith("334") and conn not in begun:
            begun[conn] = int(time_ns)
        elif who == "C:" and conn in begun and conn not in {c for c, *_ in both}:
            both.append((conn, begun[conn], int(time_ns)))
    return [b for _, b, _ in both], [e for *_, e in both]


@pytest.mark.alone
def test_a_login_that_takes_long_holds_up_nobody(shop):
    rows = 4000  # the quick one alone would need 7 s
    write_list(shop / "list.csv", rows)
    (shop / "password").write_text("tomsk-42\n")
    (shop / "password").chmod(0o600)
    with Relay(shop / "quick", "--delay", 4) as quick, \
         Relay(shop / "slow", "--user", "ann", "--password-file", shop / "password", "--auth", "SCRAM-SHA-256", "--require-auth",
               "--scram-iterations", ROUNDS, "--log-protocol", shop / "protocol") as slow:
        (shop / "lettershop.conf").write_text(
            f"[relay quick]\nurl = smtp://localhost:{quick.port}?tls=none\n"
            f"[relay slow]\nurl = smtp://ann@localhost:{slow.port}?tls=none\npassword-file = {shop}/password\n")
        lettershop("send", "letter.eml", "list.csv", "--settings", "lettershop.conf", "--yes", "--connections", 4, "--threads", 1,
                   cwd=shop, check=0)
    assert {r["status"] for r in results(shop / "results.csv")} == {"sent"}
    begun, ended = answer_times(shop / "protocol")
    took = ended[0] - begun[0]
    times = [begun[0], *sorted(a.mono_ns for a in quick.accepted() if begun[0] < a.mono_ns < ended[0]), ended[0]]
    longest = max(b - a for a, b in zip(times, times[1:]))
    print(f"{ROUNDS:,} rounds took {took / 1e6:.0f} ms; meanwhile the other relay took {len(times) - 2} mails, the longest it "
          f"waited for one was {longest / 1e6:.0f} ms; the next login took {(ended[1] - begun[1]) / 1e6:.0f} ms")
    assert longest < took / 2
    assert len(slow.accepted()) > 0 and ended[1] - begun[1] < took / 4

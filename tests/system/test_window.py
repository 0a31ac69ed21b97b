"""Whole transactions in flight: each message under its own sender, to its own recipient, whatever the server does."""
import collections

import pytest

from relay import LONG, Relay, lettershop, results, write_letter, write_list

ROWS = 20000 if LONG else 2000
# Every row has a sender of its own, so that a message that went under another's would be seen.
LETTER = "From: s{{ email }}\nTo: {{ email }}\nSubject: Hello {{ name }}\nX-Row: {{ email }}\n\nDear {{ name }}\n"
SOME_ARE_BAD = ["--refuse", "^user[0-9]*3@=550 5.1.1 nobody", "--refuse", "^user[0-9]*[6]7@=501 5.1.3 odd address",
                "--refuse", "^user1[0-9]@=550 5.1.1 nobody"]


def is_bad(i):
    n = str(i)
    return n.endswith("3") or n.endswith("67") or 10 <= i <= 19


@pytest.mark.parametrize("quirk", [[], ["--quirk", "exim"], ["--quirk", "dovecot"], ["--quirk", "postfix"]])
@pytest.mark.parametrize("window", [2, 16, 256])
def test_no_envelope_ever_mixes(shop, window, quirk):
    """exim keeps the MAIL of a transaction whose recipients were all refused; dovecot refuses every chunk after a
    refused one; RSET at the head of each is what cures both."""
    write_letter(shop / "letter.eml", LETTER)
    rows = ROWS // 10 if "postfix" in quirk else ROWS  # it sleeps
    write_list(shop / "list.csv", rows)
    with Relay(shop / "relay", "--record-header", "X-Row", *SOME_ARE_BAD, *quirk) as r:
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                   "--window", window, "--connections", 2, cwd=shop, check=1, timeout=120)
    accepted = r.accepted()
    for a in accepted:
        assert len(a.recipients) == 1
        assert a.sender.split()[0] == f"<s{a.recipients[0]}>", a
        assert a.header == a.recipients[0], a
        assert a.verb == "BDAT"
    got = collections.Counter(a.recipients[0] for a in accepted)
    assert set(got.values()) == {1}
    assert got.keys() == {f"user{i}@list.example" for i in range(1, rows + 1) if not is_bad(i)}
    status = {x["recipient"]: x["status"] for x in results(shop / "results.csv")}
    assert status == {f"user{i}@list.example": "refused" if is_bad(i) else "sent" for i in range(1, rows + 1)}
    assert r.violations() == ""


def test_a_list_full_of_bad_addresses_costs_no_connection(shop):
    """Postfix waits a second for each error behind the tenth and hangs up at the 21st."""
    write_list(shop / "list.csv", 300)
    with Relay(shop / "relay", "--quirk", "postfix", "--refuse", "^user[0-9]*[1-8]@=550 5.1.1 nobody",
               "--log-protocol", shop / "protocol", "--delay", 5) as r:
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                   "--window", 64, "--connections", 1, "--stop-after", "off", cwd=shop, check=1, timeout=120)
    log = (shop / "protocol").read_text()
    assert "S: 421" not in log
    count = collections.Counter(x["status"] for x in results(shop / "results.csv"))
    assert count == {"refused": 240, "sent": 60}
    assert set(r.recipients().values()) == {1}


@pytest.mark.parametrize("window", [1, 16])
def test_in_doubt_is_bounded_by_connections_and_window(shop, window):
    write_list(shop / "list.csv", 1200)
    with Relay(shop / "relay", "--delay", 3, "--fault", "stage=LAST nth=100 close=accepted",
               "--fault", "stage=MAIL nth=400 rst", "--fault", "stage=LAST nth=700 rst") as r:
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                   "--window", window, "--connections", 3, cwd=shop, check=1, timeout=120)
    rows = results(shop / "results.csv")
    status = {x["recipient"]: x["status"] for x in rows}
    got = r.recipients()
    assert len(rows) == len(status) == 1200
    assert set(got.values()) == {1}, "someone was mailed twice"
    doubt = {a for a, s in status.items() if s == "in_doubt"}
    sent = {a for a, s in status.items() if s == "sent"}
    assert sent <= got.keys() <= sent | doubt
    assert sent | doubt == status.keys()
    assert 1 <= len(doubt) <= 3 * window  # three sessions were lost


def test_window_goes_from_1_to_256(shop):
    write_list(shop / "list.csv", 1)
    for wrong in ("0", "257", "x"):
        done = lettershop("send", "letter.eml", "list.csv", "--relay", "null:", "--yes", "--window", wrong, cwd=shop)
        assert done.returncode == 2 and "--window wants a number from 1 to 256" in done.stderr

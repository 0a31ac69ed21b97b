"""A domain that says "not now" again and again is left alone for a while; nobody of it is forgotten."""
import time

import pytest

from relay import Relay, lettershop, results

COLUMN = "From: a@sender.example\nTo: {{ name }} <{{ email }}>\nSubject: Hello\n\nDear {{ name }}\n"
OWN = "From: a@sender.example\nTo: {{ email | downcase }}\nSubject: Hello\n\nDear {{ name }}\n"
ROWS = 300  # of each of the two domains, by turns


def send(shop, relay, *options, check=None):
    return lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{relay.port}?tls=none", "--yes",
                      *options, cwd=shop, check=check)


def prepare(shop, letter):
    (shop / "letter.eml").write_text(letter)
    with open(shop / "list.csv", "w") as f:
        f.write("email,name\n")
        for i in range(ROWS):
            f.write(f"user{i}@busy.example,Name {i}\nuser{i}@free.example,Name {i}\n")


def times(relay, domain):
    return sorted(a.accepted_ns for a in relay.accepted() if a.recipients[0].endswith("@" + domain))


@pytest.mark.parametrize("letter", [COLUMN, OWN], ids=["column", "own"])
def test_its_rows_wait_and_the_others_go_on(shop, letter):
    """One connection: what a second one has in flight at the last refusal is taken, and that ends the wait at once."""
    prepare(shop, letter)
    with Relay(shop / "relay", "--fault", r'stage=RCPT rcpt~@busy\.example to=6 reply="451 4.7.1 too much for us today"') as r:
        done = send(shop, r, "--retry-for", "60s", "--connections", "1", check=0)
    assert set(r.recipients().values()) == {1} and len(r.recipients()) == 2 * ROWS
    assert done.stderr.count('busy.example says "not now"') == 1
    tried_again = [line for line in results(shop / "results.csv") if line["attempts"] != "1"]
    assert 1 <= len(tried_again) <= 6 and all("busy" in line["recipient"] for line in tried_again)
    assert times(r, "free.example")[-1] < times(r, "busy.example")[ROWS // 4], "held up"


def test_retry_for_ends_it_and_a_resume_goes_on(shop):
    prepare(shop, COLUMN)
    begun = time.monotonic()
    with Relay(shop / "one", "--fault", r'stage=RCPT rcpt~@busy\.example reply="450 4.7.0 your network is too busy"') as r:
        send(shop, r, "--retry-for", "4s", check=1)
        assert time.monotonic() - begun < 20
    lines = results(shop / "results.csv")
    busy = [line for line in lines if "busy" in line["recipient"]]
    assert len(lines) == 2 * ROWS and len(busy) == ROWS and {line["status"] for line in busy} == {"deferred"}
    assert sum(int(line["attempts"] or 0) for line in busy) < 60  # it was left alone
    assert sum("not tried" in line["reply"] and "too busy" in line["reply"] for line in busy) > ROWS - 60
    assert len(r.accepted()) == ROWS
    with Relay(shop / "two") as second:
        send(shop, second, "--resume", check=0)
    assert set((r.recipients() + second.recipients()).values()) == {1} and len(second.accepted()) == ROWS
    assert {line["status"] for line in results(shop / "results.csv")} == {"sent"}


def test_rows_of_one_mail_are_given_up_together(shop):
    (shop / "letter.eml").write_text("From: a@sender.example\nTo: {{ email }}\nSubject: Hello\n\n"
                                     "{% for row in rows %}{{ row.name }}\n{% endfor %}")
    with open(shop / "list.csv", "w") as f:
        f.write("email,name\n")
        for i in range(ROWS):
            f.write(f"user{i}@busy.example,First {i}\nuser{i}@busy.example,Second {i}\n")
    by = ("--group-by", "email")
    with Relay(shop / "one", "--fault", r'stage=RCPT rcpt~@busy\.example reply="450 4.7.0 your network is too busy"') as r:
        send(shop, r, "--retry-for", "4s", *by, check=1)
    lines = results(shop / "results.csv")
    assert len(lines) == 2 * ROWS and {line["status"] for line in lines} == {"deferred"}
    with Relay(shop / "two") as second:
        send(shop, second, "--resume", *by, check=0)
    assert len(second.accepted()) == ROWS and {line["status"] for line in results(shop / "results.csv")} == {"sent"}

"""Words of a server, names of recipients and rows that mean harm: nothing of it reaches a terminal or a spreadsheet
as more than text, and nothing of it stops the others."""
import collections
import json
import re

import pytest

import hostile
from relay import LONG, Relay, lettershop, results, write_list

FORMULA = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u2028\u2029]")


def send(shop, r, *options, **more):
    return lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                      *options, cwd=shop, **more)


def test_no_cell_of_the_results_is_a_formula(shop):
    people = ["=1+1@list.example", "+a@list.example", "-b@list.example", "'\"@evil\"@list.example'"[1:-1], "ok@list.example"]
    with open(shop / "list.csv", "w", encoding="utf-8") as f:
        f.write("email,name,plan\n" + "".join('"' + p.replace('"', '""') + '",=HYPERLINK(1),\n' for p in people))
    with Relay(shop / "relay", "--refuse", "^=1=550 =cmd|'/C calc'!A0", "--refuse", "^[+]a=550 @SUM(1+1)",
               "--fault", 'stage=END nth=1 reply="250 2.0.0 Ok: queued as =1+2" accept') as r:
        done = send(shop, r, check=1)
        jsonl = send(shop, r, "--results", "other.jsonl", "--log-format", "jsonl", check=1)
    rows = results(shop / "results.csv")
    assert len(rows) == 5 and {x["status"] for x in rows} == {"sent", "refused"}
    assert not [cell for x in rows for cell in x.values() if cell and cell[0] in FORMULA], rows
    replies = [x["reply"] for x in rows if x["status"] == "refused"]
    assert any("cmd" in x for x in replies) and any("SUM" in x for x in replies)
    # JSON lines are not for spreadsheets: exactly what was said.
    lines = [json.loads(line) for line in (shop / "other.jsonl").read_text().splitlines()]
    assert {x["recipient"] for x in lines} >= {"=1+1@list.example", "+a@list.example"}
    assert not CONTROL.search(done.stdout + done.stderr + jsonl.stdout + jsonl.stderr)
    # The rows that failed are the user's own: as they were, but for the reason.
    failed = results(shop / "results.failed.csv")
    assert [x["email"] for x in failed] == people[:2] and not [x for x in failed if x["mail_reason"][0] in FORMULA]


# What a server may say at a stage, and whether the others get their mail all the same.
SAYS = {
    "controls": r'reply="550 5.1.1 \x1b[2J\x1b]0;owned\x07 \x7f\x9b31m"',
    "a NUL": 'nul', "a line of 1 MB": "long=1048576", "300,000 lines": "lines=300000",
    "garbage": r'garbage="\xff\xfe\x00\x01garbage\r\n"', "one reply more": 'extra="250 2.0.0 \x1b[1mmore"',
    "no code": r'raw="hello\r\n"', "half a code": r'raw="25\r\n"', "another code on the way": r'raw="250-a\r\n550 b\r\n"',
}


@pytest.mark.parametrize("stage", ["GREETING", "EHLO", "MAIL", "RCPT", "END"] if LONG else ["EHLO", "END"])
def test_what_a_server_says_is_only_text(shop, stage):
    """One conversation in each run is spoiled; the rest goes on and all adds up."""
    everyone = {f"user{i}@list.example" for i in range(1, 21)}
    write_list(shop / "list.csv", 20)
    for number, (name, says) in enumerate(SAYS.items()):
        out = shop / f"r{number}.csv"
        nth = "nth=2" if stage in ("GREETING", "EHLO") else "nth=7"
        with Relay(shop / f"relay{number}", "--fault", f"stage={stage} {nth} {says}") as r:
            done = send(shop, r, "--results", out, "--connections", "2", "--retry-for", "12s", timeout=60)
            said = done.stdout + done.stderr
            if done.returncode == 3 and stage in ("GREETING", "EHLO"):  # what does not speak SMTP is no relay
                assert "--resume" in said, (name, said)
                done = send(shop, r, "--results", out, "--resume", timeout=60)
                said += done.stdout + done.stderr
        assert done.returncode in (0, 1), (name, said)
        assert not CONTROL.search(said), (name, said)
        text = out.read_text(encoding="utf-8")
        assert not CONTROL.search(text), (name, text)
        rows = results(out)
        status = {x["recipient"]: x["status"] for x in rows}
        got = r.recipients()
        assert len(rows) == 20 and status.keys() == everyone, (name, said)
        assert set(got.values()) == {1}, (name, got)
        count = collections.Counter(status.values())
        assert count["sent"] >= 17 and count.keys() <= {"sent", "refused", "in_doubt"}, (name, count, said)
        assert {a for a, s in status.items() if s == "sent"} <= got.keys(), name
        assert all(len(x["reply"]) <= 1000 for x in rows), name


@pytest.mark.parametrize("where", ["name", "email", "end"])
def test_a_nul_in_the_list_is_named_with_its_place(shop, where):
    rows = {"name": b"email,name\nann@list.example,A\0n\n", "email": b"email,name\nan\0n@list.example,Ann\n",
            "end": b"email,name\nann@list.example,Ann\n\0\0\0\0"}
    (shop / "list.csv").write_bytes(rows[where])
    (shop / "letter.eml").write_text("From: a@sender.example\nTo: {{ email }}\nSubject: x\n\nHello\n")
    with Relay(shop / "relay") as r:
        done = send(shop, r, check=2)
    line = 3 if where == "end" else 2
    assert r.accepted() == [] and re.search(rf"list\.csv:{line}\b", done.stderr), done.stderr
    assert ("NUL" in done.stderr or where == "end") and "\0" not in done.stderr


@pytest.mark.parametrize("end", ["", "\n", "\n\n", " \n\nHello\n"])
def test_an_empty_content_type_is_text(shop, end):
    write_list(shop / "list.csv", 2)
    (shop / "letter.eml").write_text("From: a@sender.example\nTo: {{ email }}\nSubject: x\nContent-Type:" + end)
    with Relay(shop / "relay", "--store", shop / "store") as r:
        send(shop, r, check=0)
    assert len(r.accepted()) == 2
    assert all(b"text/plain" in p.read_bytes() for p in (shop / "store").iterdir())


def test_letters_and_lists_of_chance():
    """The short form of `make hostile`."""
    outcomes, wrong = hostile.run_all(1000 if LONG else 40, jobs=2)
    assert not wrong, wrong[0]
    assert {0, 1, 2} <= {o.status for o in outcomes}  # else the chances are not what they should be

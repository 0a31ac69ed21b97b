"""Who gets a message: duplicates, suppression, the choice of rows; also over a stop and a resume."""
import csv

import pytest

from relay import lettershop, write_letter


def put(shop, text):
    (shop / "list.csv").write_text(text)


def send(shop, *arguments, status=0, results="dry-run.csv", to="mbox:out.mbox"):
    return lettershop("send", "letter.eml", "list.csv", "--relay", to, "--yes", *arguments, cwd=shop, check=status)


def results(shop, name="dry-run.csv"):
    with open(shop / name, newline="") as f:
        return {int(r["row"]): r for r in csv.DictReader(f)}


def fates(shop):
    """Row -> what became of it, our words for those that were skipped."""
    return {n: r["status"] if r["status"] != "skipped" else r["reply"] for n, r in results(shop).items()}


def delivered(shop):
    return sorted(line.split()[1] for line in (shop / "out.mbox").read_text().splitlines() if line.startswith("To: "))


TWICE = "email,name,plan\na@x.example,A,\nb@x.example,B,\na@x.example,A,\na@x.example,A,\n"
DIFFERENT = "email,name,plan\nann@x.example,Ann,1\nb@x.example,B,\nANN@x.example,Ann,2\n"


def bare(shop):
    write_letter(shop / "letter.eml", "From: a@b.example\nSubject: Hi {{ plan }}\n\nHi {{ name }}\n")


@pytest.mark.parametrize("preflight", [True, False])
def test_identical_rows_are_sent_once(shop, preflight):
    bare(shop)
    put(shop, TWICE)
    send(shop, *([] if preflight else ["--no-preflight"]), status=1)
    assert fates(shop) == {1: "sent", 2: "sent", 3: "duplicate of line 2", 4: "duplicate of line 2"}
    assert results(shop)[3]["recipient"] == "a@x.example"
    assert delivered(shop) == ["a@x.example", "b@x.example"]


def test_check_counts_duplicates(shop):
    bare(shop)
    put(shop, TWICE)
    out = lettershop("check", "letter.eml", "list.csv", cwd=shop, check=0).stdout
    assert "4 rows (CSV, comma, UTF-8): 2 messages, 2 duplicates left out" in out


def test_different_rows_of_one_address_want_a_word(shop):
    bare(shop)
    put(shop, DIFFERENT)
    out = lettershop("check", "letter.eml", "list.csv", cwd=shop, check=2).stdout
    assert "list.csv:2: ann@x.example has 2 different rows: lines 2, 4" in out and "--duplicates" in out
    said = send(shop, status=2).stderr
    assert "1 address stands in different rows; nothing was sent" in said
    assert not (shop / "dry-run.csv.journal").exists()
    send(shop, "--duplicates", "send")
    assert fates(shop) == {1: "sent", 2: "sent", 3: "sent"}


def test_different_rows_skipped(shop):
    bare(shop)
    put(shop, DIFFERENT)
    send(shop, "--duplicates", "skip", "--no-preflight", status=1)
    assert fates(shop) == {1: "sent", 2: "sent", 3: "duplicate of line 2"}


def test_address_made_by_the_letter(shop):
    """The address is what the letter makes of the row, not a column."""
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: {{ user }}@x.example\nCc: boss@x.example\n"
                 "Subject: Hi\n\nHi {{ name }}\n")
    put(shop, "user,name\nann,1\nbob,1\nANN,2\n")
    out = lettershop("check", "letter.eml", "list.csv", cwd=shop, check=2).stdout
    assert "1 error" in out and "has 2 different rows: lines 2, 4" in out
    send(shop, "--duplicates", "skip", status=1)
    assert {n: r["reply"] for n, r in results(shop).items() if r["status"] == "skipped"} == {3: "duplicate of line 2"}

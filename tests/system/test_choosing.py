"""Who gets a message: duplicates, suppression, the choice of rows; also over a stop and a resume."""
import csv
import random
import subprocess
import time

import pytest

from relay import LETTERSHOP, Relay, lettershop, write_letter


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


def test_without_preflight_nobody_waits_for_the_end_of_the_list(shop):
    bare(shop)
    rows = "".join(f"user{i}@x.example,{i},\n" for i in range(50000))
    put(shop, f'email,name,plan\nuser7@x.example,7,\n{rows}"never closed\n')
    assert "never closed" in send(shop, "--no-preflight", status=3, to="null:").stderr
    fate = fates(shop)
    assert fate[1] == fate[2] == "sent" and fate[9] == "duplicate of line 2"


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


# ---- suppression ----

def test_suppressed(shop):
    bare(shop)
    put(shop, "email,name,plan\na@x.example,A,\nb@x.example,B,\nC@Gone.example,C,\n")
    (shop / "stop.csv").write_text("email,reason\nB@X.example,asked us\n")
    (shop / "domains.txt").write_text("@gone.example\n")
    out = lettershop("check", "letter.eml", "list.csv", "--suppress", "stop.csv", "--suppress", "domains.txt",
                     cwd=shop, check=0).stdout
    assert "suppressed: 2 warnings" in out and "list.csv:3: b@x.example is suppressed: asked us" in out
    assert "1 message, 2 recipients suppressed" in out
    send(shop, "--suppress", "stop.csv", "--suppress", "domains.txt", status=1)
    assert fates(shop) == {1: "sent", 2: "suppressed: asked us", 3: "suppressed"}
    assert delivered(shop) == ["a@x.example"]


def test_one_of_several_recipients_is_suppressed(shop):
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: {{ email }}\nCc: {{ cc }}\nSubject: Hi\n\nHi\n")
    put(shop, "email,cc\na@x.example,b@x.example\nb@x.example,c@x.example\n")
    (shop / "stop.txt").write_text("b@x.example\n")
    send(shop, "--suppress", "stop.txt", status=1)
    with open(shop / "dry-run.csv", newline="") as f:
        got = {(r["row"], r["recipient"], r["status"]) for r in csv.DictReader(f)}
    assert got == {("1", "a@x.example", "sent"), ("1", "b@x.example", "skipped"),
                   ("2", "b@x.example", "skipped"), ("2", "c@x.example", "sent")}


def test_suppressed_in_a_rehearsal_to_oneself(shop):
    bare(shop)
    put(shop, "email,name,plan\na@x.example,A,\nb@x.example,B,\n")
    (shop / "stop.txt").write_text("b@x.example\n")
    send(shop, "--suppress", "stop.txt", "--redirect-to", "me@x.example", status=1)
    assert fates(shop) == {1: "sent", 2: "suppressed"}


def test_an_opt_out_counts_at_the_resume(shop, tmp_path):
    """The list of opt-outs is read again by a resume: whoever joined it meanwhile gets nothing."""
    bare(shop)
    put(shop, "email,name,plan\n" + "".join(f"u{i}@x.example,U,\n" for i in range(1, 7)))
    (shop / "stop.txt").write_text("")
    with Relay(tmp_path / "relay", "--refuse", "^u[56]@=451 4.2.0 later") \
            as relay:
        to = f"smtp://127.0.0.1:{relay.port}?tls=none"
        lettershop("send", "letter.eml", "list.csv", "--relay", to, "--yes", "--suppress", "stop.txt", "--retry-for", "1ms",
                   cwd=shop, check=1)
        (shop / "stop.txt").write_text("u6@x.example\n")
        lettershop("send", "letter.eml", "list.csv", "--relay", to, "--yes", "--suppress", "stop.txt", "--retry-for", "1ms",
                   "--resume", cwd=shop, check=1)
    got = {n: r["status"] for n, r in results(shop, "results.csv").items()}
    assert got == {1: "sent", 2: "sent", 3: "sent", 4: "sent", 5: "deferred", 6: "skipped"}


def test_a_line_that_is_no_address(shop):
    bare(shop)
    put(shop, "email,name,plan\na@x.example,A,\n")
    (shop / "stop.txt").write_text("a@x.example\nplease no mail to bob\n")
    said = send(shop, "--suppress", "stop.txt", status=2).stderr
    assert "stop.txt:2: 'please no mail to bob' is no address and no @domain" in said


def test_who_does_not_exist_is_added(shop, tmp_path):
    bare(shop)
    put(shop, "email,name,plan\n" + "".join(f"u{i}@x.example,U,\n" for i in range(1, 4)))
    with Relay(tmp_path / "relay", "--refuse", "^u2@=550 5.1.1 no such user",
               "--refuse", "^u3@=550 5.7.1 not from you") as relay:
        to = f"smtp://127.0.0.1:{relay.port}?tls=none"
        out = lettershop("send", "letter.eml", "list.csv", "--relay", to, "--yes", "--suppress-add", "gone.csv", cwd=shop,
                         check=1).stdout
        assert "1 address added to gone.csv" in out
        lettershop("send", "letter.eml", "list.csv", "--relay", to, "--yes", "--suppress-add", "gone.csv", "--resume",
                   cwd=shop, check=1)
        with open(shop / "gone.csv", newline="") as f:
            gone = list(csv.DictReader(f))
        assert [g["email"] for g in gone] == ["u2@x.example"] and "5.1.1" in gone[0]["reason"]
        lettershop("send", "letter.eml", "list.csv", "--relay", to, "--yes", "--suppress", "gone.csv", "--results",
                   "two.csv", cwd=shop, check=1)
    assert results(shop, "two.csv")[2]["status"] == "skipped"


def test_duplicates_over_a_resume(shop):
    """Row 3 went out first; row 1, which is the same, comes later into the choice and is left out."""
    bare(shop)
    put(shop, TWICE)
    send(shop, "--rows", "3")
    send(shop, "--resume", "--rows", "1-", status=1)
    assert fates(shop) == {1: "duplicate of line 4", 2: "sent", 3: "sent", 4: "duplicate of line 4"}
    assert delivered(shop) == ["a@x.example", "b@x.example"]


# ---- several addresses in one cell ----

SHARED = 'email,name,plan\nbob@x.example,B,\n"cat@x.example, BOB@x.example",C,\n'


def each(shop, name="dry-run.csv"):
    """(Row, recipient) -> what became of it."""
    with open(shop / name, newline="") as f:
        return {(int(r["row"]), r["recipient"]): r["status"] if r["status"] != "skipped" else r["reply"]
                for r in csv.DictReader(f)}


@pytest.mark.parametrize("to", [None, "To: {{ email }}", "To: {{ email | downcase }}", "To: x@b.example\nBcc: {{ email }}"])
@pytest.mark.parametrize("rows", [
    'bob@x.example,B,\n"cat@x.example, bob@x.example",C,\n',
    '"cat@x.example, Bob@x.example",C,\nbob@x.example,B,\n',
    'bob@x.example,B,\n"Bob <bob@x.example>, cat@x.example",C,\n',
    '"ann@x.example, bob@x.example",B,\n"cat@x.example, bob@x.example",C,\n',
])
def test_each_address_of_a_cell_wants_a_word(shop, rows, to):
    write_letter(shop / "letter.eml", f"From: a@b.example\n{to}\nSubject: Hi {{{{ plan }}}}\n\nHi {{{{ name }}}}\n") if to else bare(shop)
    put(shop, "email,name,plan\n" + rows)
    out = lettershop("check", "letter.eml", "list.csv", cwd=shop, check=2).stdout
    assert "bob@x.example has 2 different rows: lines 2, 3" in out.lower() and "later rows without it" in out
    assert "1 address stands in different rows; nothing was sent" in send(shop, status=2).stderr
    send(shop, "--duplicates", "send")
    assert len(results(shop)) == 2
    send(shop, "--duplicates", "skip", "--results", "skip.csv", status=1)
    assert sorted(a.lower() for (_, a), fate in each(shop, "skip.csv").items() if fate == "sent" and a != "x@b.example") == \
        sorted({a.strip().lower() for a in rows.replace('"', ",").replace(" ", ",").replace("<", ",").replace(">", ",").split(",") if "@" in a})


@pytest.mark.parametrize("preflight", [True, False])
def test_others_of_the_cell_get_their_message(shop, preflight):
    bare(shop)
    put(shop, SHARED)
    if preflight:
        out = lettershop("check", "letter.eml", "list.csv", "--duplicates", "skip", cwd=shop, check=0).stdout
        assert "2 messages, 1 duplicate left out" in out
    send(shop, "--duplicates", "skip", *([] if preflight else ["--no-preflight"]), status=1, to="maildir:out")
    sent = {(1, "bob@x.example"): "sent", (2, "cat@x.example"): "sent",
            (2, "BOB@x.example"): "duplicate of line 2"}
    assert each(shop) == sent
    send(shop, "--duplicates", "skip", "--resume", *([] if preflight else ["--no-preflight"]), status=1, to="maildir:out")
    assert each(shop) == sent and len(list((shop / "out" / "new").iterdir())) == 2


def test_a_row_is_left_out_when_all_its_addresses_are(shop):
    bare(shop)
    put(shop, 'email,name,plan\na@x.example,A,\nb@x.example,B,\n"b@x.example, a@x.example",C,\n"c@x.example, a@x.example",D,\n'
        '"a@x.example, c@x.example",E,\n')
    out = lettershop("check", "letter.eml", "list.csv", "--duplicates", "skip", cwd=shop, check=0).stdout
    assert "3 messages, 3 duplicates left out" in out
    send(shop, "--duplicates", "skip", status=1)
    assert each(shop) == {
        (1, "a@x.example"): "sent", (2, "b@x.example"): "sent", (3, "b@x.example, a@x.example"): "duplicate of line 3",
        (4, "c@x.example"): "sent", (4, "a@x.example"): "duplicate of line 2",
        (5, "a@x.example, c@x.example"): "duplicate of line 2"}


def test_an_address_of_the_letter_is_no_duplicate(shop):
    """Only what the row names counts: who stands in every mail is meant."""
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: {{ email }}, boss@b.example\nCc: c@b.example\nSubject: Hi\n\nHi\n")
    put(shop, "email\na@x.example\nb@x.example\n")
    lettershop("check", "letter.eml", "list.csv", cwd=shop, check=0)
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: Boss <boss@b.example>, {{ email }}\nSubject: Hi\n\nHi\n")
    lettershop("check", "letter.eml", "list.csv", cwd=shop, check=0)
    put(shop, 'email,n\na@x.example,1\n"b@x.example, a@x.example",2\n')
    out = lettershop("check", "letter.eml", "list.csv", cwd=shop, check=2).stdout
    assert "a@x.example has 2 different rows: lines 2, 3" in out
    send(shop, "--duplicates", "skip", status=1)
    assert each(shop) == {(1, "boss@b.example"): "sent", (1, "a@x.example"): "sent", (2, "boss@b.example"): "sent",
                          (2, "b@x.example"): "sent", (2, "a@x.example"): "duplicate of line 2"}
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: {{ email }}\nCc: {{ cc }}\nSubject: Hi\n\nHi\n")
    put(shop, 'email,cc\na@x.example,"a@x.example, c@b.example"\n"b@x.example, d@x.example","d@x.example, c@b.example"\n')
    lettershop("check", "letter.eml", "list.csv", cwd=shop, check=0)
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: boss@b.example\nCc: boss@b.example\nBcc: {{ email }}\n"
                 "Subject: Hi\n\nHi\n")
    put(shop, 'email\na@x.example\n"b@x.example, a@x.example"\n')
    out = lettershop("check", "letter.eml", "list.csv", cwd=shop, check=2).stdout
    assert "has 2 different rows: lines 2, 3" in out


def test_an_address_that_is_suppressed_is_no_duplicate(shop):
    bare(shop)
    put(shop, SHARED)
    (shop / "stop.txt").write_text("bob@x.example\n")
    send(shop, "--suppress", "stop.txt", status=1)
    assert each(shop) == {(1, "bob@x.example"): "suppressed", (2, "cat@x.example"): "sent",
                          (2, "BOB@x.example"): "suppressed"}


def test_a_rehearsal_to_oneself_has_each_message(shop):
    bare(shop)
    put(shop, SHARED)
    send(shop, "--duplicates", "skip", "--redirect-to", "me@x.example")
    assert fates(shop) == {1: "sent", 2: "sent"}


def test_addresses_left_out_over_a_resume(shop, tmp_path):
    """Cat is deferred and tried again; bob, who was left out of her row, has his message of an earlier row that
    comes into the choice only then, as nobody else sent to him."""
    bare(shop)
    put(shop, 'email,name,plan\n"bob@x.example, ann@x.example",1,\nbob@x.example,2,\n"cat@x.example, bob@x.example",3,\n'
        '"dan@x.example, cat@x.example",4,\n')
    with Relay(tmp_path / "relay", "--refuse", "^(cat|bob)@=451 4.2.0 later") as relay:
        to = f"smtp://127.0.0.1:{relay.port}?tls=none"
        more = ("--duplicates", "skip", "--retry-for", "1ms")
        send(shop, *more, "--rows", "2-3", status=1, to=to)
        assert each(shop, "results.csv") == {(2, "bob@x.example"): "deferred", (3, "cat@x.example"): "deferred",
                                             (3, "bob@x.example"): "duplicate of line 3"}
        send(shop, *more, "--rows", "1-", "--resume", status=1, to=to)
        assert each(shop, "results.csv") == {
            (1, "bob@x.example"): "duplicate of line 3", (1, "ann@x.example"): "sent", (2, "bob@x.example"): "deferred",
            (3, "cat@x.example"): "deferred", (3, "bob@x.example"): "duplicate of line 3",
            (4, "dan@x.example"): "sent", (4, "cat@x.example"): "duplicate of line 4"}
    with Relay(tmp_path / "relay2") as relay:
        send(shop, *more, "--resume", status=1, to=f"smtp://127.0.0.1:{relay.port}?tls=none")
        fate = each(shop, "results.csv")
    assert sorted(k for k, v in fate.items() if v == "sent") == [
        (1, "ann@x.example"), (2, "bob@x.example"), (3, "cat@x.example"), (4, "dan@x.example")]


@pytest.mark.parametrize("arguments", [("cat@x.example",), ("some.txt",), ("@CATS.example",)])
def test_only_looks_at_each_address(shop, arguments):
    bare(shop)
    put(shop, 'email,name,plan\nann@x.example,A,\n"bob@x.example, Cat <cat@x.example>, c@cats.example",C,\n')
    (shop / "some.txt").write_text("cat@x.example\n")
    send(shop, "--only", *arguments)
    assert sorted(each(shop)) == [(2, "bob@x.example"), (2, "c@cats.example"), (2, "cat@x.example")]


# ---- which rows ----

PEOPLE = "email,name,plan,age\nann@x.example,Ann,pro,41\nbob@x.example,Bob,free,50\ncy@x.example,Cy,pro,9\n" \
         "di@x.example,Di,pro,31\n"


@pytest.mark.parametrize("arguments, rows", [
    (["--where", 'plan == "pro" and age > 30'], [1, 4]),
    (["--where", "name contains 'n'", "--skip", "0"], None),
    (["--where", 'plan == "pro"', "--skip", "1", "--limit", "1"], [3]),
    (["--only", "BOB@x.example"], [2]),
    (["--only", "some.txt"], [1, 3]),
    (["--where", "age > limit", "--var", "limit=40"], [1, 2]),
    (["--sample", "4"], [1, 2, 3, 4]),
])
def test_choice(shop, arguments, rows):
    bare(shop)
    put(shop, PEOPLE)
    (shop / "some.txt").write_text("ann@x.example\ncy@x.example\n")
    if rows is None:
        send(shop, *arguments, status=2)
        return
    send(shop, *arguments)
    assert sorted(results(shop)) == rows


def test_conditions_that_are_wrong(shop):
    bare(shop)
    put(shop, PEOPLE)
    said = send(shop, "--where", "plam == 1", status=2).stderr
    assert "--where:1:1: " in said and "plam" in said and "plan" in said
    assert "--where:1:" in send(shop, "--where", "plan ==", status=2).stderr
    assert "--where:1:13" in send(shop, "--where", 'plan == "a" nope', status=2).stderr


def test_a_resume_goes_on_with_the_same_choice(shop):
    """What is not said again is remembered; --limit counts over the runs; more is more."""
    bare(shop)
    put(shop, PEOPLE)
    send(shop, "--where", 'plan == "pro"', "--limit", "1")
    assert sorted(results(shop)) == [1]
    send(shop, "--resume")
    assert sorted(results(shop)) == [1]
    send(shop, "--resume", "--limit", "2")
    assert sorted(results(shop)) == [1, 3]
    send(shop, "--resume")
    assert sorted(results(shop)) == [1, 3]
    send(shop, "--resume", "--limit", "all")
    assert sorted(results(shop)) == [1, 3, 4]
    said = send(shop, "--resume", "--where", "age > 0", status=2).stderr
    assert "a resume may choose more rows, not others" in said
    said = send(shop, "--resume", "--limit", "1", status=2).stderr
    assert "--limit" in said and "may choose more rows" in said


def test_a_list_of_addresses_in_a_cell_over_a_resume(shop):
    """What was sent is known again, also where a cell holds more than one address."""
    bare(shop)
    put(shop, 'email,name,plan\n"a@x.example, b@x.example",A,\nc@x.example,C,\n"a@x.example, b@x.example",A,\n')
    send(shop, "--rows", "3")
    send(shop, "--resume", "--rows", "1-", status=1)
    assert fates(shop)[1] == "duplicate of line 4"
    assert (shop / "out.mbox").read_text().count("\nTo: a@x.example") == 1


# ---- rows of which the condition cannot be told ----

UNTOLD = "email,name,plan,age\nann@x.example,Ann,pro,41\nbob@x.example,Bob,free,n/a\ncy@x.example,Cy,pro,9\n" \
         "di@x.example,Di,pro,\nno address,Ed,pro,60\nfay@x.example,Fay,pro,?\ngus@x.example,Gus,pro,35\n" \
         "hal@x.example,Hal,pro,71,more\n"
OLDER = ["--where", "age > 30"]
BOB = "--where cannot be told: cannot compare the text 'n/a' with the number '30'"


def test_a_cell_that_is_no_number_is_a_finding_of_its_row(shop):
    bare(shop)
    put(shop, UNTOLD)
    for command in (["check"], ["preview", "--out", "pages"]):
        done = lettershop(command[0], "letter.eml", "list.csv", *command[1:], *OLDER, cwd=shop, check=2)
        out = done.stdout + done.stderr
        assert f"list.csv:3: {BOB}\n" in out and "list.csv:7: --where cannot be told: " in out
        assert "list.csv:6: " in out and "list.csv:9: 5 cells" in out
        assert "list.csv:5" not in out  # an empty cell is less than no number and not more: it is told
    out = lettershop("check", "letter.eml", "list.csv", *OLDER, cwd=shop, check=2).stdout
    assert "condition that cannot be told: 2 errors\n" in out and "--bad-rows skip" in out
    assert "6 rows chosen" in out and "2 messages, 4 rows that cannot be sent" in out
    done = send(shop, *OLDER, status=2)
    assert BOB in done.stdout + done.stderr and not (shop / "dry-run.csv.journal").exists()


@pytest.mark.parametrize("ways", [[], ["--no-preflight"], ["--domain-rate", "*=1/s", "--no-preflight"]])
def test_rows_that_cannot_be_told_are_skipped_like_other_bad_ones(shop, ways):
    bare(shop)
    put(shop, UNTOLD)
    send(shop, *OLDER, *ways, "--bad-rows", "skip", status=1)
    fate = fates(shop)
    assert sorted(fate) == [1, 2, 5, 6, 7, 8] and fate[1] == fate[7] == "sent"
    assert fate[2] == "cannot be rendered: " + BOB
    assert results(shop)[2]["recipient"] == "bob@x.example"
    assert delivered(shop) == ["ann@x.example", "gus@x.example"]
    with open(shop / "dry-run.failed.csv", newline="") as f:
        assert [r["name"] for r in csv.DictReader(f)][:3] == ["Bob", "Ed", "Fay"]
    send(shop, "--resume", *ways, status=1)
    assert fates(shop) == fate and len(delivered(shop)) == 2


def test_a_run_without_preflight_stops_at_a_row_that_cannot_be_told(shop):
    bare(shop)
    put(shop, "".join(UNTOLD.splitlines(keepends=True)[:3]))
    said = send(shop, *OLDER, "--no-preflight", status=3).stderr
    assert f"list.csv:3: {BOB}\n" in said and "--bad-rows skip" in said


@pytest.mark.parametrize("choice, first, then", [
    (["--limit", "2"], [1, 2], [1, 2, 5, 6, 7, 8]),
    (["--skip", "1", "--limit", "1"], [2], [2, 5, 6, 7, 8]),
    (["--sample", "6", "--limit", "2"], [1, 2], [1, 2, 5, 6, 7, 8]),
])
def test_a_resume_chooses_the_same_of_them(shop, choice, first, then):
    bare(shop)
    put(shop, UNTOLD)
    send(shop, *OLDER, *choice, "--bad-rows", "skip", status=1)
    assert sorted(fates(shop)) == first and fates(shop)[2] == "cannot be rendered: " + BOB
    send(shop, "--resume", "--bad-rows", "skip", status=1)
    assert sorted(fates(shop)) == first
    send(shop, "--resume", "--limit", "all", "--bad-rows", "skip", status=1)
    assert sorted(fates(shop)) == then
    assert len(delivered(shop)) == len(set(delivered(shop))) == sum(f == "sent" for f in fates(shop).values())


def test_who_was_deferred_and_cannot_be_told_any_more(shop, tmp_path):
    """The list was edited: nobody is sent to who may not be meant."""
    bare(shop)
    people = "email,name,plan,age\nann@x.example,Ann,pro,41\nbob@x.example,Bob,free,50\ncy@x.example,Cy,pro,60\n"
    put(shop, people)
    ways = [*OLDER, "--retry-for", "1ms", "--bad-rows", "skip"]
    with Relay(tmp_path / "relay", "--refuse", "^(ann|bob|cy)@=451 4.2.0 later") as relay:
        send(shop, *ways, to=f"smtp://127.0.0.1:{relay.port}?tls=none", status=1)
    assert [r["status"] for r in results(shop, "results.csv").values()] == ["deferred"] * 3
    put(shop, people.replace("50", "n/a"))
    with Relay(tmp_path / "later") as relay:
        send(shop, "--resume", "--key", "email", *ways, to=f"smtp://127.0.0.1:{relay.port}?tls=none", status=1)
    assert [n for n, r in sorted(results(shop, "results.csv").items()) if r["status"] == "sent"] == [1, 3]


@pytest.mark.parametrize("preflight", [True, False])
def test_nobody_twice_and_nobody_forgotten_whatever_stops_the_run(shop, tmp_path, preflight):
    """Cells with several addresses, many of them again and again; some are deferred, then the run is killed."""
    chance = random.Random(7)
    people = [f"u{i}@x.example" for i in range(300)]
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: {{ email }}\nSubject: Hi {{ n }}\n\nHi\n")
    rows = [[chance.choice(people) for _ in range(chance.choice([1, 1, 2, 3, 5]))] for _ in range(400)]
    put(shop, "email,n\n" + "".join(f'"{", ".join(r)}",{i}\n' for i, r in enumerate(rows)))
    more = ["--duplicates", "skip", "--connections", "4", "--retry-for", "1ms", *([] if preflight else ["--no-preflight"])]
    with Relay(tmp_path / "first", "--refuse", "^u[0-9]*3@=451 4.2.0 later", "--delay", "2") as first, \
            Relay(tmp_path / "second") as second:
        run = subprocess.Popen([LETTERSHOP, "send", "letter.eml", "list.csv", "--yes", "--rows", "100-300", *more, "--relay",
                                f"smtp://127.0.0.1:{first.port}?tls=none"],
                               cwd=shop, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while len(first.accepted()) < 40 and time.monotonic() < until:
            time.sleep(0.005)
        run.kill()
        run.wait()
        send(shop, "--resume", "--rows", "1-", *more, to=f"smtp://127.0.0.1:{second.port}?tls=none", status=1)
        counts = first.recipients() + second.recipients()
    fate = each(shop, "results.csv")
    doubted = {a for (_, a), status in fate.items() if status == "in_doubt"}
    assert {a for a, n in counts.items() if n > 1} == set()
    assert set(counts) | doubted == {a for r in rows for a in r}
    assert {n for n, _ in fate} == set(range(1, 401))
    assert sum(status in ("sent", "in_doubt") for status in fate.values()) == len(set(counts) | doubted)

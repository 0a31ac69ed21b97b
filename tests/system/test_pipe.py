"""pipe:COMMAND: a program as the relay. Its arguments, its input, what its end says of the mail."""
import csv
import signal
import time

import pytest

from relay import LONG, begin, lettershop, results, write_letter, write_list

PROGRAM = """#!/bin/sh
# keeps its arguments and its input, then does what the recipient's name says
for last; do :; done
out=$(mktemp -d "$OUT/XXXXXX")
for a; do printf '%s\\n' "$a"; done >"$out/arguments"
case $last in
deaf*) exec 0<&-; exit 0 ;;
stuck*) sleep 600 ;;
esac
cat >"$out/content"
case $last in
status*) n=${last#status}; echo "because of $n"; exit "${n%%@*}" ;;
killed*) kill -9 $$ ;;
late*) sleep 600 ;;
loud*) head -c 3000000 /dev/zero ;;
esac
echo "250 queued as ABC123"
"""


@pytest.fixture
def program(shop, monkeypatch):
    (shop / "bin").mkdir()
    (shop / "out").mkdir()
    path = shop / "bin/my sendmail"
    path.write_text(PROGRAM)
    path.chmod(0o755)
    monkeypatch.setenv("OUT", str(shop / "out"))
    return path


def to(shop, *addresses):
    with open(shop / "list.csv", "w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([["email", "name", "plan"], *[[a, "N", ""] for a in addresses]])


def send(shop, program, *options, check=0):
    return lettershop("send", "letter.eml", "list.csv", "--relay", f"pipe:'{program}' -i", "--yes", *options, cwd=shop,
                      check=check)


def runs(shop):
    return [(p / "arguments").read_text().splitlines() for p in sorted((shop / "out").iterdir())]


def test_arguments_and_input(shop, program):
    to(shop, "ann@list.example", "-oQ/tmp@list.example", '"a b; touch x"@list.example')
    send(shop, program)
    got = {tuple(a) for a in runs(shop)}
    assert got == {("-i", "-f", "post@sender.example", "--", r)
                   for r in ["ann@list.example", "-oQ/tmp@list.example", '"a b; touch x"@list.example']}
    text = next((shop / "out").glob("*/content")).read_bytes()
    assert text.startswith(b"From: Post Office <post@sender.example>\n") and b"\r" not in text
    assert text.endswith(b"\n") and b"\nReturn-Path:" not in text and b"Dear N,\n" in text
    rows = results(shop / "results.csv")
    assert [r["status"] for r in rows] == ["sent"] * 3 and rows[0]["queue_id"] == "ABC123"


def test_where_the_sender_stands(shop, program):
    to(shop, "ann@list.example")
    lettershop("send", "letter.eml", "list.csv", "--relay", f"pipe:'{program}' --from {{sender}} -t", "--yes", cwd=shop, check=0)
    assert runs(shop) == [["--from", "post@sender.example", "-t", "--", "ann@list.example"]]


def test_several_recipients_of_a_mail(shop, program):
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: {{ email }}, two@list.example\nBcc: three@list.example\n"
                                      "Subject: x\n\nhello\n")
    to(shop, "one@list.example")
    send(shop, program)
    assert runs(shop) == [["-i", "-f", "a@b.example", "--", "one@list.example", "two@list.example", "three@list.example"]]
    assert len(results(shop / "results.csv")) == 3


@pytest.mark.parametrize("status, kind, enhanced", [
    (64, "refused", "5.3.5"), (65, "refused", "5.6.0"), (67, "refused", "5.1.1"), (68, "refused", "5.1.2"),
    (69, "refused", "5.3.0"), (71, "deferred", "4.3.0"), (74, "deferred", "4.3.0"), (75, "deferred", "4.3.0"),
    (77, "refused", "5.7.0"), (1, "refused", "5.3.0"), (255, "refused", "5.3.0"),
][::1 if LONG else 3])
def test_sysexits(shop, program, status, kind, enhanced):
    to(shop, f"status{status}@list.example", "ann@list.example")
    send(shop, program, "--retry-for", "1ms", check=1)
    bad, good = sorted(results(shop / "results.csv"), key=lambda r: r["row"])
    assert (bad["status"], bad["enhanced"], good["status"]) == (kind, enhanced, "sent")
    assert f"exit status {status}" in bad["reply"] and f"because of {status}@list.example" in bad["reply"]


def test_what_nobody_can_know(shop, program):
    to(shop, "killed@list.example", "late@list.example", "ann@list.example")
    begun = time.monotonic()
    send(shop, program, "--timeout", "1s", check=1)
    assert time.monotonic() - begun < 60
    rows = {r["recipient"].split("@")[0]: r for r in results(shop / "results.csv")}
    assert {k: r["status"] for k, r in rows.items()} == {"killed": "in_doubt", "late": "in_doubt", "ann": "sent"}
    assert "signal 9" in rows["killed"]["reply"] and "not end in time" in rows["late"]["reply"]


def test_a_large_mail(shop, program):
    (shop / "big").write_bytes(b"x" * 3_000_000)
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: {{ email }}\nSubject: x\nAttachment: big\n\nhello\n")
    to(shop, "ann@list.example", "stuck@list.example", "deaf@list.example", "loud@list.example")
    send(shop, program, "--timeout", "3s", "--retry-for", "1ms", check=1)
    rows = {r["recipient"].split("@")[0]: r["status"] for r in results(shop / "results.csv")}
    # stuck was killed before it had all of it: it has sent nothing. deaf said yes and had not read it.
    assert rows == {"ann": "sent", "loud": "sent", "stuck": "deferred", "deaf": "in_doubt"}
    assert max(p.stat().st_size for p in (shop / "out").glob("*/content")) > 4_000_000


def test_as_many_at_once_as_connections(shop, program):
    to(shop, *[f"late{i}@list.example" for i in range(6)])
    p = begin("send", "letter.eml", "list.csv", "--relay", f"pipe:'{program}' -i", "--yes", "--connections", "3", "--threads",
              "2", cwd=shop)
    until = time.monotonic() + 20
    while len(list((shop / "out").glob("*/content"))) < 3 and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)
    assert len(list((shop / "out").glob("*/content"))) == 3
    p.send_signal(signal.SIGINT)
    time.sleep(0.5)
    p.send_signal(signal.SIGINT)  # the second one does not wait
    assert p.wait(timeout=20) == 3
    lettershop("send", "letter.eml", "list.csv", "--relay", "null:", "--yes", "--resume", cwd=shop)
    rows = results(shop / "results.csv")
    assert sum(r["status"] == "in_doubt" for r in rows) == 3


def test_a_hundred(shop, program):
    (shop / "bin/fast").write_text("#!/bin/sh\ncat >/dev/null\n")
    (shop / "bin/fast").chmod(0o755)
    write_list(shop / "list.csv", 100)
    send(shop, shop / "bin/fast", "--connections", "8")
    assert {r["status"] for r in results(shop / "results.csv")} == {"sent"}


@pytest.mark.parametrize("url, words", [
    ("pipe:", "command is empty"), ("pipe:'x", "not closed"), ("pipe:no-such-program -i", "no program 'no-such-program'"),
    ("pipe:/etc/passwd", "cannot be run"), ("pipe:/tmp -i", "cannot be run"),
])
def test_wrong(shop, url, words):
    write_list(shop / "list.csv", 1)
    done = lettershop("send", "letter.eml", "list.csv", "--relay", url, "--yes", cwd=shop, check=2)
    assert words in done.stderr and not (shop / "results.csv.journal").exists()

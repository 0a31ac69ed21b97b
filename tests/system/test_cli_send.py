"""send: questions, results by name, what is never written over, the summary and its commands."""
import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import termios
import time

import pytest

from relay import LETTER, LETTERSHOP, Relay, lettershop, results, write_letter, write_list
from terminal import Terminal

ACCEPT_ALL = "null:"


@pytest.fixture
def folder(shop):
    write_list(shop / "list.csv", 6)
    return shop


def send(folder, *arguments, status=0, recipients="list.csv"):
    return lettershop("send", "letter.eml", recipients, *arguments, cwd=folder, check=status)


def names(folder):
    return {p.name for p in folder.iterdir()}


# ---- the question

def test_without_a_terminal_it_wants_yes(folder):
    before = names(folder)
    done = send(folder, "--relay", "maildir:out", status=2)
    assert "there is no terminal to ask" in done.stderr and "--yes" in done.stderr
    assert names(folder) <= before | {"out"} and not list(folder.glob("out/new/*"))


def test_question_and_yes(folder):
    t = Terminal("send", "letter.eml", "list.csv", "--relay", "maildir:out", "--rate", "1000/s", cwd=folder)
    shown = t.expect("Write 6 messages? [y/N] ")
    for words in ("From:      Post Office <post@sender.example>", "maildir", "list.csv (CSV", "Messages:  6",
                  "First to:  Name 1 <user1@list.example>", "Subject:   Hello Name 1", "Rate:      1000/s, about",
                  "dry-run.csv", "rehearsal"):
        assert words in shown, words
    t.type("y\n")
    assert t.end() == 0
    assert "Done: sent to 6 recipients" in t.text
    assert len(results(folder / "dry-run.csv")) == 6


@pytest.mark.parametrize("answer", ["n\n", "\n", "maybe\n", "\x04"])
def test_anything_else_is_no(folder, answer):
    before = names(folder)
    t = Terminal("send", "letter.eml", "list.csv", "--relay", "null:", cwd=folder)
    t.expect("[y/N] ")
    t.type(answer)
    assert t.end() == 2 and "nothing was sent" in t.text
    assert names(folder) == before


@pytest.mark.parametrize("way", ["^C", signal.SIGTERM])
def test_an_interrupt_at_the_question(folder, way):
    before = names(folder)
    t = Terminal("send", "letter.eml", "list.csv", "--relay", "null:", cwd=folder)
    t.expect("[y/N] ")
    if way == "^C":
        t.type("\x03")
    else:
        os.kill(t.pid, way)
    assert t.end() == 2 and "\nlettershop: stopped; nothing was sent" in t.text
    assert names(folder) == before


def test_an_interrupt_while_rows_are_checked(folder):
    write_list(folder / "list.csv", 3)
    os.mkfifo(folder / "slow.csv")
    p = subprocess.Popen([LETTERSHOP, "send", "letter.eml", "slow.csv", "--relay", "null:", "--yes"], cwd=folder,
                         stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    with open(folder / "slow.csv", "w") as pipe:
        pipe.write((folder / "list.csv").read_text())
        pipe.flush()
        time.sleep(0.3)
        p.send_signal(signal.SIGINT)
        assert p.wait(20) == 2
    assert p.stderr.read() == "lettershop: stopped; nothing was sent\n"


def test_bad_rows_are_offered_to_be_skipped(folder):
    (folder / "list.csv").write_text("email,name,plan\na@b.example,A,\nno address,B,\nc@b.example,C,\n")
    t = Terminal("send", "letter.eml", "list.csv", "--relay", "null:", cwd=folder)
    assert "list.csv:3:" in t.expect("1 row cannot be sent. Skip it and go on with 2 messages? [y/N] ")
    t.type("y\n")
    assert "Messages:  2; 1 row skipped" in t.expect("Write 2 messages? [y/N] ")
    t.type("y\n")
    assert t.end() == 1
    assert sorted(r["status"] for r in results(folder / "dry-run.csv")) == ["sent", "sent", "skipped"]


def test_bad_rows_stop(folder):
    (folder / "list.csv").write_text("email,name,plan\na@b.example,A,\nno address,B,\nc@b.example,C,\n")
    before = names(folder)
    done = send(folder, "--relay", "null:", "--yes", status=2)
    assert "list.csv:3:" in done.stderr and "--bad-rows skip" in done.stderr and "1 of 3 rows" in done.stderr
    assert names(folder) == before
    send(folder, "--relay", "null:", "--yes", "--bad-rows", "skip", status=1)
    assert "nothing was sent" not in send(folder, "--relay", "null:", "--yes", "--bad-rows", "skip", "--resume",
                                          status=1).stderr


# ---- names of the results

@pytest.mark.parametrize("relay", ["maildir:out", "mbox:out.mbox", "eml:out", "null:"])
def test_rehearsals_have_their_own_results(folder, relay):
    send(folder, "--relay", relay, "--yes")
    assert len(results(folder / "dry-run.csv")) == 6 and not (folder / "results.csv").exists()


def test_redirected_runs_have_their_own_results(folder):
    with Relay(folder / "relay") as r:
        send(folder, "--relay", f"smtp://localhost:{r.port}?tls=none", "--redirect-to", "me@list.example", "--yes")
    assert set(r.recipients().items()) == {("me@list.example", 6)}
    assert len(results(folder / "redirected.csv")) == 6 and not (folder / "results.csv").exists()


@pytest.mark.parametrize("arguments, name", [
    (["--relay", "null:"], "dry-run.jsonl"),
    (["--relay", "RELAY"], "results.jsonl"),
    (["--relay", "RELAY", "--redirect-to", "me@list.example"], "redirected.jsonl"),
])
def test_json_lines_are_named_so(folder, arguments, name):
    with Relay(folder / "relay") as r:
        send(folder, *[a.replace("RELAY", f"smtp://localhost:{r.port}?tls=none") for a in arguments], "--yes",
             "--log-format", "jsonl")
    lines = (folder / name).read_text().splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["sent"] * 6
    assert not list(folder.glob("*s.csv")) and not (folder / "dry-run.csv").exists()


def test_side_files_are_csv_beside_json_lines(folder):
    with Relay(folder / "relay", "--refuse", "^user2@=550 5.1.1 no such user") as r:
        done = send(folder, "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes", "--log-format", "jsonl", status=1)
    assert "results.failed.csv" in done.stdout
    assert [row["email"] for row in results(folder / "results.failed.csv")] == ["user2@list.example"]
    assert not list(folder.glob("*.failed.jsonl"))


@pytest.mark.parametrize("option", ["--results", "--stats", "--transcript"])
def test_standard_output_is_no_file(folder, option):
    before = names(folder)
    done = send(folder, "--relay", "null:", "--yes", option, "-", status=2)
    assert f"{option} wants a file" in done.stderr and "./-" in done.stderr
    assert names(folder) == before


def test_an_existing_campaign_says_both_ways_on(folder):
    send(folder, "--relay", "null:", "--yes")
    done = send(folder, "--relay", "null:", "--yes", status=2)
    assert "--resume" in done.stderr and "--results" in done.stderr
    done = send(folder, "--relay", "null:", "--yes", "--resume")
    assert "Done: nothing was left to send" in done.stdout
    assert len(results(folder / "dry-run.csv")) == 6


def test_no_place_for_results(folder):
    done = send(folder, "--relay", "null:", "--yes", "--results", "none/x.csv", status=2)
    assert "none/x.csv" in done.stderr and done.stdout == ""


def test_resume_without_a_campaign_starts_none(folder):
    done = send(folder, "--relay", "null:", "--yes", "--resume", status=2)
    assert "no campaign of 'dry-run.csv'" in done.stderr and not (folder / "dry-run.csv").exists()


# ---- no output is an input

@pytest.mark.parametrize("arguments, what", [
    (["--results", "list.csv"], "the list of recipients"),
    (["--results", "./list.csv"], "the list of recipients"),
    (["--results", "link.csv"], "the list of recipients"),
    (["--results", "letter.eml"], "the letter"),
    (["--results", "my.conf", "--settings", "my.conf"], "the settings file"),
    (["--results", "body.txt", "--var", "body=@body.txt"], "a file of --var"),
    (["--transcript", "list.csv"], "the list of recipients"),
    (["--transcript", "dry-run.csv"], "the results file"),
])
def test_no_output_is_an_input(folder, arguments, what):
    (folder / "my.conf").write_text("# nothing\n")
    (folder / "body.txt").write_text("body\n")
    (folder / "link.csv").symlink_to("list.csv")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    done = send(folder, "--relay", "null:", "--yes", *arguments, status=2)
    assert "would be written over" in done.stderr and what in done.stderr
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_mbox_is_no_input(folder):
    assert "the letter" in send(folder, "--relay", "mbox:letter.eml", "--yes", status=2).stderr


def test_side_files_are_no_input(folder):
    (folder / "list.csv").rename(folder / "results.failed.csv")
    done = send(folder, "--relay", "smtp://localhost:9?tls=none", "--yes", status=2, recipients="results.failed.csv")
    assert "'results.failed.csv' would be written over" in done.stderr and "--results" in done.stderr


# ---- summary

def test_summary(folder):
    with Relay(folder / "relay", "--refuse", "^user2@=550 5.1.1 no such user") as r:
        done = send(folder, "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes", status=1)
    out = done.stdout
    assert "Done: sent to 5 recipients" in out
    assert "results.csv" in out and "results.failed.csv" in out
    assert any(line.split()[:2] == ["refused", "1"] for line in out.splitlines())
    assert "To go on" not in out


COPIES = "Cc: copy.{{ email }}\nBcc: hidden.{{ email }}\n" + LETTER


def test_recipients_are_not_messages(folder):
    write_list(folder / "list.csv", 3)
    write_letter(folder / "letter.eml", COPIES)
    t = Terminal("send", "letter.eml", "list.csv", "--relay", "null:", cwd=folder)
    t.expect("Write 3 messages? [y/N] ")
    t.type("y\n")
    assert t.end() == 0
    assert "Done: sent to 9 recipients" in t.text and "100% 9 of 9, " in t.text and " of 3" not in t.text


def test_a_summary_that_nobody_can_read(folder):
    for more in [], ["--resume"]:
        done = subprocess.run(["sh", "-c", '"$0" send letter.eml list.csv --relay null: --yes "$@" >/dev/full '
                               "2>/dev/full", LETTERSHOP, *more], cwd=folder)
        assert done.returncode == 0
    assert [r["status"] for r in results(folder / "dry-run.csv")] == ["sent"] * 6
    with open("/dev/full", "w") as full:
        done = subprocess.run([LETTERSHOP, "send", "letter.eml", "list.csv", "--relay", "null:", "--yes", "--resume"],
                              cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0 and "cannot write to standard output" in done.stderr
        assert subprocess.run([LETTERSHOP, "--help"], stdout=full, stderr=subprocess.DEVNULL).returncode == 2


def test_a_piped_list_is_piped_again(folder):
    with Relay(folder / "relay", "--refuse", "^user3@=450 4.2.0 later") as r:
        first = subprocess.run([LETTERSHOP, "send", "letter.eml", "-", "--relay",
                                f"smtp://localhost:{r.port}?tls=none", "--yes", "--retry-for", "1s"], cwd=folder,
                               input=(folder / "list.csv").read_text(), capture_output=True, text=True)
    assert first.returncode == 1
    assert "To go on, with the same list piped in again:\n  " in first.stdout


def run_proposed(folder, out):
    """The command below 'To go on:', by a shell."""
    lines = out.splitlines()
    command = lines[lines.index("To go on:") + 1].strip()
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL)


def test_the_proposed_command_runs(folder):
    (folder / "list.csv").rename(folder / "it's a list $HOME.csv")
    with Relay(folder / "relay", "--refuse", "^user3@=450 4.2.0 later") as r:
        port = r.port
        done = send(folder, "--relay", f"smtp://localhost:{port}?tls=none", "--yes", "--retry-for", "1s",
                    "--var", "x=a 'b' \"c\" $d", "--", status=1, recipients="it's a list $HOME.csv")
    with Relay(folder / "relay2", port=port) as again:
        second = run_proposed(folder, done.stdout)
    assert second.returncode == 0, second.stdout + second.stderr
    assert dict(again.recipients()) == {"user3@list.example": 1}
    assert [r["status"] for r in results(folder / "results.csv")] == ["sent"] * 6


def test_one_interrupt_drains_and_proposes_resume(folder):
    write_list(folder / "list.csv", 400)
    with Relay(folder / "relay") as r:
        t = Terminal("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--rate",
                     "50/s", cwd=folder)
        t.expect("Send 400 messages? [y/N] ")
        t.type("y\n")
        t.expect("of 400")
        time.sleep(0.7)
        t.type("\x03")
        t.expect("stopping: what is under way is finished first")
        assert t.end() == 3
        assert "Stopped: " in t.text and "--resume" in t.text
        sent = len(r.accepted())
        assert 0 < sent < 400
        rows = results(folder / "results.csv")
        assert len(rows) == sent and {x["status"] for x in rows} == {"sent"}
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                   "--resume", cwd=folder, check=0)
    assert set(r.recipients().values()) == {1} and len(r.recipients()) == 400


# ---- progress

def test_progress_goes_to_standard_error(folder):
    done = send(folder, "--relay", "null:", "--yes", "--progress", "none")
    assert done.stderr == "" and "\033" not in done.stdout


def test_plain_lines(folder):
    write_list(folder / "list.csv", 70)
    done = send(folder, "--relay", "null:", "--yes", "--rate", "10/s")
    lines = [line for line in done.stderr.splitlines() if " of 70" in line]
    assert lines and "/s" in lines[0] and "\033" not in done.stderr and "\r" not in done.stderr


def test_bar_on_a_terminal(folder):
    write_list(folder / "list.csv", 30)
    t = Terminal("send", "letter.eml", "list.csv", "--relay", "null:", "--yes", "--rate", "20/s", cwd=folder)
    t.expect("] ")
    assert t.end() == 0
    assert t.text.rsplit("\033[K", 1)[1].startswith("Done: ")  # the bar was taken away


def bar_at(folder, columns):
    """What the status line showed, drawn for a terminal of that width."""
    write_list(folder / "list.csv", 30)
    t = Terminal("send", "letter.eml", "list.csv", "--relay", "null:", "--rate", "20/s", cwd=folder)
    t.expect("[y/N] ")
    fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    t.type("y\n")
    assert t.end() == 0
    return [s for s in t.text.split("\r\033[K") if " of 30" in s]


@pytest.mark.parametrize("columns, cells", [(120, {20}), (44, {*range(5, 21)}), (30, {0, 5, 6, 7})])
def test_the_bar_gives_way_to_the_numbers(folder, columns, cells):
    lines = bar_at(folder, columns)
    assert lines
    for line in lines:
        assert re.fullmatch(r"(\[[#.]+\] +\d+% )?\d+ of 30, [0-9.]+/s(, .* m?s left)?", line) and len(line) < columns
        assert (line.index("]") - 1 if "]" in line else 0) in cells
    assert " 0.0/s" not in lines[-1]


# ---- the rest

def test_transcript(folder):
    with Relay(folder / "relay") as r:
        send(folder, "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes", "--limit", 1, "--transcript", "t.txt")
    text = (folder / "t.txt").read_text()
    assert "EHLO" in text and "RCPT TO:<user1@list.example>" in text
    assert (folder / "t.txt").stat().st_mode & 0o777 == 0o600


def test_list_from_standard_input(folder):
    done = subprocess.run([LETTERSHOP, "send", "letter.eml", "-", "--relay", "maildir:out", "--yes"], cwd=folder,
                          input=(folder / "list.csv").read_bytes(), capture_output=True)
    assert done.returncode == 0 and len(list((folder / "out/new").iterdir())) == 6


def test_no_preflight(folder):
    send(folder, "--relay", "maildir:out", "--yes", "--no-preflight")
    assert len(list((folder / "out/new").iterdir())) == 6


def test_closed_standard_streams(folder):
    done = subprocess.run(["sh", "-c", '"$0" send letter.eml list.csv --relay maildir:out --yes <&- >&- 2>&-',
                           LETTERSHOP], cwd=folder)
    assert done.returncode in (0, 2)
    for path in (folder / "out/new").iterdir():
        assert path.read_text().startswith(("Return-Path", "Date", "From", "Message-ID", "MIME-Version"))

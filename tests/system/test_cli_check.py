"""check: every finding with its place, grouped, with counts and totals."""
import os
import signal
import subprocess
import time

import pytest

from relay import LETTERSHOP, lettershop, write_letter, write_list


def check(folder, *arguments, status=0):
    return lettershop("check", "letter.eml", "list.csv", *arguments, cwd=folder, check=status)


def test_all_is_well(shop):
    write_list(shop / "list.csv", 12)
    out = check(shop).stdout
    assert "12 rows (CSV" in out and "12 messages" in out and "the largest" in out
    assert out.rstrip().endswith("nothing is wrong")
    assert sorted(p.name for p in shop.iterdir()) == ["letter.eml", "list.csv"]


def test_bad_addresses_are_grouped(shop):
    rows = ["email,name,plan"]
    for i in range(2, 42):
        rows.append(f"no address {i},N{i}," if i % 4 == 0 else f"u{i}@list.example,N{i},\"two\nlines {i}\"")
    (shop / "list.csv").write_text("\n".join(rows) + "\n")
    out = check(shop, status=2).stdout
    lines = [line for line in out.splitlines() if "list.csv:" in line]
    assert len(lines) == 5 and "and 5 more" in out
    assert "30 messages, 10 rows that cannot be sent" in out and "10 errors" in out
    # The file's lines, not the rows: a cell above has a line break.
    text = (shop / "list.csv").read_text().split("\n")
    for line in lines:
        number = int(line.split(":")[1])
        assert text[number - 1].startswith("no address"), line


def test_mistakes_of_the_letter_come_all_at_once(shop):
    write_list(shop / "list.csv", 3)
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: {{ emial }}\nSubject: {{ nmae }}\n\n{{ name | upcse }}\n")
    out = check(shop, status=2).stdout
    assert "letter.eml:2:" in out and "letter.eml:3:" in out and "letter.eml:5:" in out
    assert "email" in out and "name" in out and "upcase" in out


@pytest.mark.parametrize("arguments, words", [
    (["--rows", "2-3"], "2 rows chosen (CSV, comma, UTF-8): 2 messages"),
    (["--limit", "4"], "4 messages"),
    (["--rows", "3-", "--limit", "2"], "2 messages"),
])
def test_selection(shop, arguments, words):
    write_list(shop / "list.csv", 12)
    assert words in check(shop, *arguments).stdout


def test_nobody(shop):
    (shop / "list.csv").write_text("email,name,plan\n")
    assert "the list has no recipients" in check(shop, status=2).stdout
    write_list(shop / "list.csv", 2)
    assert "choose none" in check(shop, "--rows", "7-", status=2).stdout


def test_address_column(shop):
    (shop / "list.csv").write_text("Mail,name,plan\nann@list.example,Ann,\n")
    write_letter(shop / "letter.eml", "From: a@b.example\nSubject: Hi\n\nHi {{ name }}\n")
    assert "1 message" in check(shop, "--address-column", "Mail").stdout
    said = lettershop("check", "letter.eml", "list.csv", "--address-column", "Mall", cwd=shop, check=2)
    assert "no column 'Mall'" in said.stdout + said.stderr and "Mail" in said.stdout + said.stderr


def test_standard_input(shop):
    import subprocess
    from relay import LETTERSHOP
    done = subprocess.run([LETTERSHOP, "check", "letter.eml", "-"], cwd=shop, capture_output=True, text=True,
                          input="email,name,plan\na@b.example,Ann,\n")
    assert done.returncode == 0 and "1 message" in done.stdout


@pytest.mark.parametrize("command, words", [
    (["check"], "stopped before every row was checked"),
    (["preview", "--out", "p"], "stopped before the preview was complete"),
])
def test_an_interrupt_has_a_sentence(shop, command, words):
    os.mkfifo(shop / "slow.csv")
    p = subprocess.Popen([LETTERSHOP, *command, "letter.eml", "slow.csv"], cwd=shop, stdin=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, text=True)
    with open(shop / "slow.csv", "w") as pipe:
        pipe.write("email,name,plan\n")
        pipe.flush()
        time.sleep(0.3)
        p.send_signal(signal.SIGINT)
        assert p.wait(20) == -signal.SIGINT  # a shell says 130
    assert p.stderr.read() == f"lettershop: {words}\n"

"""check: every finding with its place, grouped, with counts and totals."""
import json
import os
import signal
import subprocess
import time

import pytest

from relay import LETTERSHOP, Relay, lettershop, write_letter, write_list


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


def test_columns_that_are_not_there_name_those_that_are(shop):
    (shop / "list.csv").write_text("Customer;E-Mail;City\n1;ann@list.example;Rome\n")
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: {{ recipient_of_it }}\nSubject: Hi\n\nHi\n")
    assert "the list (CSV, semicolon, UTF-8) has 'Customer', 'E-Mail', 'City'" in check(shop, status=2).stdout
    write_letter(shop / "letter.eml", "From: a@b.example\nSubject: Hi\n\nHi\n")
    assert "--address-column 'E-Mail'" in check(shop, status=2).stdout
    (shop / "list.csv").write_text("ann@list.example;Ann\nbob@list.example;Bob\n")
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: {{ email }}\nSubject: Hi\n\nHi\n")
    assert "--no-header --columns" in check(shop, status=2).stdout


def test_rows_that_were_emptied(shop):
    """Office programs save them; they are told from a recipient whose address is missing."""
    (shop / "list.csv").write_text("email;name;plan;;\nann@list.example;Ann;;;\n;;;;\n;Bob;;;\n; ;;;\n")
    done = json.loads(check(shop, "--json", status=2).stdout)
    found = {g["kind"]: [p["line"] for p in g["places"]] for g in done["findings"] if g["level"] == "error"}
    assert found == {"empty row": [3, 5], "no address": [4]}


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


# ---- mistakes of twenty-five kinds at once ----

PLANTED_LETTER = """From: Office <office@shop.example>
To: {{ name }} <{{ email }}>
Subject: {{ topic }}
Charset: ISO-8859-1
Attachment: {{ file }}
Attachmnt: terms.pdf
List-Id: Shop <news.shop.example>
List-Unsubscribe: <https://shop.example/leave>

Dear {{ name }},
{{ note | default: "(no note)" }}
Your [name] is {{ plan }}.
"""


def plant(shop):
    """A list with one mistake of each kind: returns {(kind, line)} as it must be reported. Cells with line
    breaks stand between them."""
    (shop / "a.txt").write_text("a\n")
    (shop / "large.bin").write_bytes(bytes(40000))
    (shop / "folder").mkdir()
    (shop.parent / "outside.txt").write_text("x\n")
    (shop / "stop.csv").write_text("email,reason\nsue@list.example,asked us\n@gone.example,closed\n")
    (shop / "letter.eml").write_text(PLANTED_LETTER)
    expected, lines, number = set(), [b"email,name,topic,file,plan,note\n"], 1

    def row(kind=None, email="u%d@list.example", name="U", topic="Hi", file="a.txt", plan="pro", note="", raw=None):
        nonlocal number
        number = sum(line.count(b"\n") for line in lines) + 1
        if raw is None:
            email = email % number if "%d" in email else email
            cells = ['"' + c.replace('"', '""') + '"' if any(x in c for x in ',"\n\r') else c
                     for c in (email, name, topic, file, plan, note)]
            raw = ",".join(cells).encode()
        lines.append(raw + b"\n")
        if kind:
            expected.add((kind, number))

    row()
    row("bad address", "bob at list.example")
    row("bad address", "ann@@list.example")
    row("bad address", "ann@list,com", note="a note\nof two\nlines")
    row("bad address", "ann@-x-.example..", note="\n\n")
    row("no address", "")
    row("empty row", raw=b",,,,,")
    row("doubtful address", "ann@gmial.com")
    row("doubtful address", "ann@firm.con")
    row("placeholder address", "someone@example.com")
    row("placeholder address", "test@test")
    row("role address", "info@firm.example")
    row("needs SMTPUTF8", "j\u00f6rg@list.example")
    row("same address in different rows", "twin@list.example", topic="invoice 1")
    row(None, "TWIN@list.example", topic="invoice 2")
    row(None, "same@list.example", name="S")
    row(None, "same@list.example", name="S")  # left out, and counted
    row("suppressed", "Sue@list.example")
    row("suppressed", "any@gone.example")
    row("row that cannot be read", raw=b"few@list.example,F")
    row("row that cannot be read", raw=b"many@list.example,F,Hi,a.txt,pro,,x")
    row("row that cannot be read", raw=b'quote@list.example,F "x",Hi,a.txt,pro,')
    row("row that cannot be read", raw=b"nul@list.example,F\0,Hi,a.txt,pro,")
    row("missing file", file="none.pdf")
    row("file outside the folder", file="../outside.txt")
    row("file too large", file="large.bin")
    row("message too large", note="x" * 32000)
    row("empty value", plan="")
    row("leftover braces", plan="{{ plan }}")
    row("bad header value", topic="Hi\nBcc: all@list.example")
    row("folded line", topic="a very long subject " * 6)
    row("folded line", topic="\u00e9" * 300)
    row(topic="\u00e9" * 70)  # folded only because it is encoded
    row("charset", name="\u5f20\u4e09")
    row()
    (shop / "list.csv").write_bytes(b"".join(lines))
    return expected | {("unknown header", 6), ("leftover placeholder", 12), ("hidden variable", 0), ("bulk mail", 8),
                       ("bulk mail", 10), ("DKIM", 0), ("relay", 0)}


def test_every_mistake_in_one_run(shop):
    expected = plant(shop)
    key = subprocess.run([LETTERSHOP, "dkim-key", "s1", "other.example"], cwd=shop, capture_output=True, text=True, check=True)
    assert "other.example" in key.stdout
    [key] = shop.glob("*.pem")
    done = check(shop, "--json", "--suppress", "stop.csv", "--max-message-size", "30000", "--var", "plan=x",
                 "--rate", "10/s", "--bulk", "--dkim-key", key, "--dkim-selector", "s1", "--dkim-domain", "other.example",
                 "--relay", "smtp://127.0.0.1:1?tls=none", status=2)
    report = json.loads(done.stdout)
    found = {(g["kind"], p.get("line", 0)) for g in report["findings"] for p in g["places"]}
    assert found == expected, (found - expected, expected - found)
    assert len({kind for kind, _ in expected}) >= 25
    assert all(g["count"] == len(g["places"]) for g in report["findings"])
    hints = {p["line"]: p.get("hint", "") for g in report["findings"] for p in g["places"] if "line" in p}
    by_kind = sorted((k, n) for k, n in expected if k == "doubtful address")
    assert "ann@gmail.com" in hints[by_kind[0][1]] and "ann@firm.com" in hints[by_kind[1][1]]
    assert report["duplicates"] == 1 and report["suppressed"] == 2 and report["bad_rows"] == 15
    assert report["rows"] == 35 and report["messages"] == 35 - 15 - 1 - 2
    assert report["expected_ms"] == report["messages"] * 100


def test_asks_the_relay(shop, certs):
    write_list(shop / "list.csv", 3)
    (shop / "password").write_text("secret\n")
    (shop / "password").chmod(0o600)
    options = ["--starttls", "--tls-cert", certs / "good.pem", "--tls-key", certs / "good.key", "--require-tls",
               "--user", "ann", "--password-file", shop / "password", "--require-auth"]
    with Relay(shop / "relay", *options) as r:
        url = f"smtp://ann@localhost:{r.port}?ca={certs}/ca.pem"
        out = check(shop, "--relay", url, "--password-file", "password").stdout
        assert "TLSv1.3" in out and "logged in by SCRAM-SHA-256" in out and "nothing is wrong" in out
        (shop / "password").write_text("false\n")
        assert "relay: 1 error" in check(shop, "--relay", url, "--password-file", "password", status=2).stdout
        assert r.accepted() == []


# ---- a row with several mistakes ----

MANY = """email,cc,name,age,file
ann@gmial.com,d@list.example,Ann,,a.txt
b@@list.example,c@list.example,"Bob
Lee",,none.txt
carl@gmial.com,d@list.example,Cid,{{ x }},../a.txt
,,Dan,,a.txt
,,"Eve
Fox",3,a.txt
"""


def kinds(said):
    """Kind -> lines of the list, one for each time."""
    return {(g["kind"], g["level"]): [p["line"] for p in g["places"]] for g in json.loads(said)["findings"]}


def test_all_mistakes_of_a_row_are_told_and_its_warnings(shop):
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: {{ email }}\nCc: {{ cc }}\nSubject: Hi {{ name }}\n"
                 "X-Name: {{ name | upcase }}\nAttachment: {{ file }}\n\nHi, {{ age }}{% if age > 3 %}!{% endif %}\n")
    (shop / "list.csv").write_text(MANY)
    (shop / "a.txt").write_text("x")
    done = check(shop, "--json", status=2).stdout
    assert kinds(done) == {
        ("bad address", "error"): [3],
        ("bad header value", "error"): [3, 3, 7, 7],
        ("missing file", "error"): [3],
        ("file outside the folder", "error"): [5],
        ("row that cannot be a message", "error"): [5],
        ("no address", "error"): [6, 7],
        ("doubtful address", "warning"): [2, 5],
        ("empty value", "warning"): [2, 3, 6, 6, 7],
        ("leftover braces", "warning"): [5],
    }
    assert json.loads(done)["bad_rows"] == 4
    done = lettershop("send", "letter.eml", "list.csv", "--relay", "null:", "--yes", cwd=shop, check=2)
    assert "4 of 5 rows cannot be sent" in done.stderr


def test_what_follows_from_a_mistake_is_none_of_its_own(shop):
    """A bad To is not a missing recipient too, nor a bad From a missing sender; a body made of another has one mistake."""
    write_letter(shop / "letter.eml", "From: {{ from }}\nTo: {{ to }}\nBcc: {{ email }}\nSubject: Hi\n"
                 "Content-Type: text/markdown\n\nHi {{ name | divided_by: 0 }}\n")
    (shop / "list.csv").write_text("from,to,email,name\na@@b,a@@b,a@@b,1\na@list.example,,,1\n")
    done = check(shop, "--json", "--address-column", "email", status=2).stdout
    assert kinds(done)[("bad address", "error")] == [2, 2, 2]
    assert kinds(done)[("row that cannot be a message", "error")] == [2, 3]
    assert ("no address", "error") in kinds(done) and json.loads(done)["errors"] == 6


def test_a_message_too_large_is_one_mistake(shop):
    (shop / "list.csv").write_text("email,name,plan\nann@list.example,Ann,%s\n" % ("x" * 3000))
    done = check(shop, "--max-message-size", "2000", "--json", status=2).stdout
    assert kinds(done) == {("message too large", "error"): [2]}

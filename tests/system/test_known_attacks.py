"""A test for each known way to break a mailer, through the whole program and named after it. What another test holds
already is in the table of tests/README.md."""
import email
import email.policy
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from relay import LONG, Relay, begin, lettershop, results, write_list


def send(shop, r, *options, query="?tls=none", **more):
    return lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}{query}", "--yes", *options,
                      cwd=shop, **more)


def write_rows(path, names, rows):
    """Everything quoted, whatever is in it."""
    def cell(s):
        return '"' + s.replace('"', '""') + '"'
    path.write_text("\n".join(",".join(map(cell, row)) for row in [names, *rows]) + "\n", encoding="utf-8")


def stored(folder):
    return [p.read_bytes() for p in sorted(pathlib.Path(folder).iterdir())]


INJECTIONS = ["a\r\nRCPT TO:<evil@x.example>", "a\nBcc: evil@x.example", "a\rX-Evil: 1", "a\x0bX-Evil: 1", "a\u2028X-Evil: 1",
              "a\x85X-Evil: 1", "=?UTF-8?Q?=0D=0AX-Evil:_1?=", "\u760d\u760aX-Evil: 1", "a\r\n\r\n<script>", "trailing\n",
              "a\r\n.\r\nMAIL FROM:<evil@x.example>", "\x7f\x1b[2J", "x" * 2000]
SMUGGLED = ['"a@x.example> ORCPT=rfc822;evil@y.example"@list.example', '"a@x.example>\r\nRCPT TO:<evil@y.example"@list.example',
            "ann@list.example> SIZE=1", "ann@list.example NOTIFY=NEVER", "<ann@list.example", "ann@list.example,evil@y.example",
            "ann(@y.example)@list.example", "@y.example:ann@list.example", "ann@list.example\u760a", "ann@\u760dlist.example",
            "ann\x00@list.example", "ann@list.example\n", '"evil@y.example"@list.example', "ann@[127.0.0.1]> X"]


@pytest.mark.parametrize("how", [r'inject="250-FAKE\r\n250 AUTH PLAIN\r\n"', 'inject="250 FA"', r'inject="250 FAKE\r\n" slow=5'])
def test_starttls_injection(shop, certs, how):
    """What came in clear behind the answer to STARTTLS is never taken for the relay's word."""
    write_list(shop / "list.csv", 3)
    with Relay(shop / "relay", "--starttls", "--tls-cert", certs / "good.pem", "--tls-key", certs / "good.key",
               "--fault", f"stage=STARTTLS {how}", "--log-protocol", shop / "protocol") as r:
        send(shop, r, "--transcript", "t.txt", "--retry-for", "1s", query=f"?ca={certs}/ca.pem", check=3, timeout=60)
    said = (shop / "protocol").read_text()
    assert r.accepted() == [] and not re.search(r"C: (MAIL|AUTH)", said)


@pytest.mark.parametrize("options", [[], ["--starttls", "--fault", 'stage=STARTTLS reply="454 4.7.0 not now"'],
                                     ["--starttls", "--fault", 'stage=STARTTLS reply="500 what"'],
                                     ["--starttls", "--fault", "stage=STARTTLS close=before"]])
def test_starttls_stripping(shop, certs, options):
    """No TLS, no mail, no login: not an octet of either in clear."""
    write_list(shop / "list.csv", 3)
    if options:
        options = [*options, "--tls-cert", certs / "good.pem", "--tls-key", certs / "good.key"]
    (shop / "secret").write_text("canary\n")
    (shop / "secret").chmod(0o600)
    with Relay(shop / "relay", *options, "--log-protocol", shop / "protocol") as r:
        run = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://ann@localhost:{r.port}?ca={certs}/ca.pem",
                    "--password-file", "secret", "--yes", cwd=shop)
        try:  # what may pass is tried again for minutes
            run.communicate(timeout=0.7)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGINT)
            run.communicate(timeout=40)
    assert run.returncode == 3 and r.accepted() == []
    assert "C: EHLO" in (shop / "protocol").read_text()
    assert not re.search(r"C: (MAIL|AUTH|RCPT)", (shop / "protocol").read_text())


def test_each_login_has_its_own_sessions(shop, certs):
    """Two users of one host, by turns: no message goes over the other's session."""
    write_list(shop / "list.csv", 200)
    (shop / "secret").write_text("pencil\n")
    (shop / "secret").chmod(0o600)
    tls = ["--starttls", "--tls-cert", certs / "good.pem", "--tls-key", certs / "good.key", "--password-file", shop / "secret"]
    with Relay(shop / "one", *tls, "--user", "ann", "--require-auth", "--max-per-connection", "7") as one, \
            Relay(shop / "two", *tls, "--user", "bob", "--require-auth", "--max-per-connection", "5") as two:
        (shop / "settings").write_text("".join(
            f"[relay {name}]\nurl = smtp://{user}@localhost:{r.port}?ca={certs}/ca.pem\npassword-file = secret\n"
            for name, user, r in (("first", "ann", one), ("second", "bob", two))))
        lettershop("send", "letter.eml", "list.csv", "--relay", "first", "--relay", "second", "--settings", "settings",
                   "--yes", cwd=shop, check=0)
    assert {a.user for a in one.accepted()} == {"ann"} and {a.user for a in two.accepted()} == {"bob"}
    assert one.recipients() + two.recipients() == {f"user{i}@list.example": 1 for i in range(1, 201)}


def test_command_injection_by_addresses(shop):
    """Each row is a mail to the address that the results name, or it is skipped; the relay sees no word of it."""
    write_rows(shop / "list.csv", ["email", "name", "plan"], [[a, "Ann", "pro"] for a in SMUGGLED] + [["ok@list.example", "", ""]])
    with Relay(shop / "relay", "--log-protocol", shop / "protocol") as r:
        send(shop, r, "--bad-rows", "skip", check=1)
    rows = results(shop / "results.csv")
    sent = sorted(x["recipient"].lstrip("'") for x in rows if x["status"] == "sent")
    assert "ok@list.example" in sent and r.violations() == ""
    assert sorted(r.recipients()) == sent
    commands = re.findall(r"C: (\S+) ?(\S*)", (shop / "protocol").read_text())
    assert [c[1] for c in commands if c[0] == "MAIL"] == ["FROM:<post@sender.example>"] * len(sent)
    assert sum(c[0] == "RCPT" for c in commands) == len(sent)
    assert {c[0] for c in commands} <= {"EHLO", "MAIL", "RCPT", "BDAT", "RSET", "QUIT"}
    # In the domain that the row names: list.example, or what IDNA makes of its odd neighbours.
    assert not [a for a in sent if not re.search(r"@(list\.(xn--)?example[-\w]*|xn--list-\w+\.example)$", a)], sent
    assert not [a for a in sent if a.endswith("y.example")]


def test_command_injection_by_options(shop):
    """EHLO's name and the envelope's sender are checked before anything is opened."""
    write_list(shop / "list.csv", 1)
    with Relay(shop / "relay") as r:
        for option in ("--helo", "--envelope-from"):
            for value in ("a\r\nMAIL FROM:<x@y.example>", "a b", "a> SIZE=1", "\u760d\u760a"):
                assert send(shop, r, option, value).returncode == 2, (option, value)
    assert r.accepted() == [] and r.violations() == ""


def test_header_injection_by_values(shop):
    """Whatever a cell has, the header has the letter's fields and no others."""
    (shop / "letter.eml").write_text("From: a@sender.example\nTo: {{ name }} <{{ email }}>\nSubject: {{ name }}\n"
                                     "Reply-To: {{ name }} <r@sender.example>\nX-Mine: {{ name }}\nKeywords: {{ plan }}\n\nHello {{ name }}\n")
    write_rows(shop / "list.csv", ["email", "name", "plan"],
               [[f"user{i}@list.example", text, text] for i, text in enumerate(INJECTIONS)] + [["ok@list.example", "Ann", "pro"]])
    with Relay(shop / "relay", "--store", shop / "store") as r:
        send(shop, r, "--bad-rows", "skip", check=None)
    messages = [email.message_from_bytes(m, policy=email.policy.default) for m in stored(shop / "store")]
    assert len(messages) >= 3 and len(messages) == len(r.recipients()) and r.violations() == ""
    for m in messages:
        assert sorted(k.lower() for k in m.keys()) == sorted(
            ["date", "message-id", "from", "to", "subject", "reply-to", "x-mine", "keywords", "mime-version", "content-type"] +
            [k.lower() for k in m.keys() if k.lower() == "content-transfer-encoding"]), m.keys()
        assert not m.defects and "X-Evil" not in m and not re.search(r"[\r\n]", str(m["subject"]))


def test_smuggling(shop):
    """Line ends and dots of every kind: one message each, no bare CR or LF on the wire, the text as it was."""
    ends = ["\r", "\n", "\r\n", "\n\r", "\r\r\n"]
    bodies = [f"a{x}.{y}MAIL FROM:<evil@x.example>{x}.{y}{y}" for x in ends for y in ends] + [".", "..", ".\n.", "\n.\n", "a" * 5000]
    (shop / "letter.eml").write_text("From: a@sender.example\nTo: {{ email }}\nSubject: x\n\n{{ text }}\n")
    write_rows(shop / "list.csv", ["email", "text"], [[f"user{i}@list.example", b] for i, b in enumerate(bodies)])
    for i, extensions in enumerate(("+8BITMIME", "-CHUNKING", "-CHUNKING -8BITMIME -PIPELINING")):
        folder = shop / f"relay{i}"
        with Relay(folder, f"--extensions={extensions}", "--store", folder / "store") as r:
            send(shop, r, "--results", folder / "results.csv", check=0)
        assert r.violations() == "" and len(r.accepted()) == len(bodies)
        assert r.recipients() == {f"user{i}@list.example": 1 for i in range(len(bodies))}
        for m in stored(folder / "store"):
            assert not re.search(rb"[^\r]\n|\r[^\n]|\x00", m)


def test_template_words_in_values_are_only_text(shop):
    """One pass: a value is never a template; and a template reaches neither files nor the environment."""
    words = ["{{ email }}", "{% for i in (1..1000000000) %}x{% endfor %}", "{{ env.HOME }}", "{% raw %}", "{{", "%}"]
    (shop / "letter.eml").write_text("From: a@sender.example\nTo: {{ email }}\nSubject: x\n\nHello {{ text }}.\n")
    write_rows(shop / "list.csv", ["email", "text"], [[f"user{i}@list.example", w] for i, w in enumerate(words)])
    with Relay(shop / "relay", "--store", shop / "store") as r:
        send(shop, r, check=0)
    texts = [email.message_from_bytes(m, policy=email.policy.default).get_content().strip() for m in stored(shop / "store")]
    assert sorted(texts) == sorted(f"Hello {w}." for w in words)
    (shop / "letter.eml").write_text("From: a@sender.example\nTo: {{ email }}\nSubject: x\n\n{% for i in (1..1000000000) %}{{ i }}{% endfor %}\n")
    write_list(shop / "list.csv", 1)
    begun = time.monotonic()
    done = lettershop("check", "letter.eml", "list.csv", cwd=shop, check=2, timeout=100)
    assert time.monotonic() - begun < 60 and "letter.eml:5" in done.stderr + done.stdout


def test_html_values_are_escaped(shop):
    value = '<script>alert(1)</script><img src=x onerror=alert(2)>"\'&'
    (shop / "letter.eml").write_text("From: a@sender.example\nTo: {{ email }}\nSubject: x\nContent-Type: text/html\n\n"
                                     "<p title=\"{{ text }}\">{{ text }}</p>\n")
    write_rows(shop / "list.csv", ["email", "text"], [["user@list.example", value]])
    with Relay(shop / "relay", "--store", shop / "store") as r:
        send(shop, r, check=0)
    m = email.message_from_bytes(stored(shop / "store")[0], policy=email.policy.default)
    html = m.get_body(("html",)).get_content()
    assert "<script" not in html and "<img" not in html and html.count('"') == 2 and "&lt;script&gt;" in html


def test_files_named_by_values_stay_beneath_the_folder(shop):
    (shop.parent / "secret.txt").write_text("canary-octets")
    (shop / "sub").mkdir()
    (shop / "sub" / "ok.txt").write_text("fine")
    (shop / "link.txt").symlink_to("../secret.txt")
    os.mkfifo(shop / "fifo")
    names = ["../secret.txt", str(shop.parent / "secret.txt"), "link.txt", "fifo", "/proc/self/environ", "/dev/zero", "sub",
             "sub/../../secret.txt", "https://x.example/a", "sub/ok.txt\n", "file:///etc/passwd"]
    (shop / "letter.eml").write_text("From: a@sender.example\nTo: {{ email }}\nSubject: x\nAttachment: {{ file }}\n\nHello\n")
    write_rows(shop / "list.csv", ["email", "file"],
               [[f"user{i}@list.example", n] for i, n in enumerate(names)] + [["ok@list.example", "sub/ok.txt"]])
    with Relay(shop / "relay", "--store", shop / "store") as r:
        send(shop, r, "--bad-rows", "skip", check=1, timeout=60)
    assert "ok@list.example" in r.recipients() and len(r.recipients()) <= 2
    for m in stored(shop / "store"):
        parts = [p.get_content() for p in email.message_from_bytes(m, policy=email.policy.default).iter_attachments()]
        assert parts == ["fine"]


@pytest.mark.parametrize("mail_limit", range(1, 201) if LONG else [1, 3])
@pytest.mark.parametrize("says", ["--max-per-connection", "silent"])
def test_caps_of_a_session_are_no_failures(shop, mail_limit, says):
    """A relay that closes after so many messages, with 421 or without a word: nobody fails, nobody twice."""
    write_list(shop / "list.csv", 60)
    options = [says, mail_limit] if says != "silent" else ["--fault", f"stage=MAIL each nth={mail_limit + 1} close=before"]
    with Relay(shop / "relay", *options, "--extensions=-CHUNKING") as r:
        send(shop, r, "--retry-for", "30s", check=0)
    assert r.recipients() == {f"user{i}@list.example": 1 for i in range(1, 61)}


@pytest.mark.parametrize("n", [100000 if LONG else 3000])
def test_reconnecting_leaks_nothing(shop, n):
    """A message a connection: memory, descriptors and threads as after the first third."""
    write_list(shop / "list.csv", n)
    with Relay(shop / "relay", "--max-per-connection", "1", "--fast") as r:
        run = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                    "--no-preflight", "--progress", "none", cwd=shop)
        record, seen = r.folder / "accepted.tsv", []
        while run.poll() is None:
            try:
                status = pathlib.Path(f"/proc/{run.pid}/status").read_text()
                fds = len(os.listdir(f"/proc/{run.pid}/fd"))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                break
            memory = re.search(r"VmRSS:\s+(\d+)", status)
            if memory and record.exists():
                seen.append((record.stat().st_size, int(memory[1]), fds))
            time.sleep(0.02)
        said = run.communicate()[0].decode()
        assert run.returncode == 0, said
    assert len({a.conn for a in r.accepted()}) >= n
    whole = seen[-1][0]
    early = [s for s in seen if whole / 4 <= s[0] < whole / 2]
    late = [s for s in seen if s[0] >= 3 * whole / 4]
    assert early and late
    assert max(s[1] for s in late) <= max(s[1] for s in early) * 1.05 + 512
    assert max(s[2] for s in late) <= max(s[2] for s in early) + 8  # links that open and close just now

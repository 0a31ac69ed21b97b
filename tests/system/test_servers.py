"""Real servers: everybody once, in the right envelope, to the byte; the logins they offer."""
import collections
import csv
import email
import email.policy
import random
import time

import pytest

from relay import LONG, Relay, begin, lettershop, results, write_list
from servers import PASSWORD, REFUSED, USER

pytestmark = pytest.mark.xdist_group("servers")

ROWS = 5000 if LONG else 60
SERVERS = ["postfix", "exim", "opensmtpd", "dovecot", "dovecot's socket", "aiosmtpd"]
SAME = ["--seed", "7", "--date", "2026-11-23T09:30:00Z"]  # for two commands to make the same bytes

LETTER = """\
Return-Path: {{ sender }}+{{ row }}@sender.example
From: Post Office <post@sender.example>
To: {{ name }} <{{ email }}>
Subject: {{ name }}: {{ code }}

Dear {{ name }},

.
..two
From here on your code is {{ code }}.
{{ text }}
trailing  \t
.
"""
PIECES = ["Ann", "Müller", "漢字", "Привет", "😀", ".", "\n.\n", "\n..", "\nFrom ", "a" * 990, "=", "\t ", "--", "in words "]


def write_campaign(folder, rows, refused=lambda i: i % 20 == 7, bad_sender=lambda i: False):
    """`refused`: rows whose recipient the server refuses; `bad_sender`: whose sender. Returns the rows of the list."""
    rng = random.Random(rows)
    out = []
    for i in range(1, rows + 1):
        out.append({"email": f"{REFUSED if refused(i) else 'user'}{i}@list.example", "name": f"{rng.choice(PIECES[:5])} {i}",
                    "code": f"{rng.getrandbits(64):x}", "text": "".join(rng.choices(PIECES, k=rng.choice((0, 3, 20)))) + "|",
                    "sender": REFUSED if bad_sender(i) else "bounce"})
    with open(folder / "list.csv", "w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, out[0])
        writer.writeheader()
        writer.writerows(out)
    (folder / "letter.eml").write_text(LETTER, encoding="utf-8")
    return out


def text_of(row):
    body = LETTER.split("\n\n", 1)[1]
    for name, value in row.items():
        body = body.replace("{{ %s }}" % name, value)
    return body


def previews(folder):
    """Row -> the message as `preview` shows it."""
    lettershop("preview", "letter.eml", "list.csv", "--out", "preview", "--limit", "all", *SAME, cwd=folder, check=0)
    return {int(p.name.split("-")[0]): p.read_bytes() for p in (folder / "preview/eml").iterdir()}


def check_delivered(folder, rows, server, done):
    """One line a row; each mailbox the one message that was for it, from the sender it was from, to the byte."""
    lines = results(folder / "results.csv")
    want = {i: "refused" if REFUSED in (r["email"][:len(REFUSED)], r["sender"]) else "sent" for i, r in enumerate(rows, 1)}
    assert {int(x["row"]): x["status"] for x in lines} == want, done.stdout + done.stderr
    assert len(lines) == len(rows)
    assert {x["code"] for x in lines if x["status"] == "refused"} == {"550"}
    made, seen = previews(folder), collections.Counter()
    for got in server.collect(sum(status == "sent" for status in want.values())):
        seen[got.recipient] += 1
        i = int(got.recipient.removeprefix("user").removesuffix("@list.example"))
        assert got.sender == f"bounce+{i}@sender.example"
        assert got.message == made[i]
        message = email.message_from_bytes(got.message, policy=email.policy.default)
        assert message.get_content().replace("\r\n", "\n") == text_of(rows[i - 1])
    assert seen == {r["email"]: 1 for i, r in enumerate(rows, 1) if want[i] == "sent"}


def send(folder, url, *options, check=1):
    return lettershop("send", "letter.eml", "list.csv", "--relay", url, "--yes", *SAME, *options, cwd=folder, check=check,
                      timeout=900)


@pytest.mark.parametrize("connections", [1, 8])
@pytest.mark.parametrize("name", SERVERS)
def test_everybody_once(tmp_path, request, name, connections):
    server = request.getfixturevalue(name.split("'")[0])
    rows = write_campaign(tmp_path, ROWS)
    url = f"lmtp://{server.socket}" if "socket" in name else server.url()
    done = send(tmp_path, url, "--connections", connections)
    check_delivered(tmp_path, rows, server, done)


def most_in_flight(transcript):
    """Transactions that were begun on a connection before their answers came."""
    unanswered, most = 0, 0
    for line in transcript.read_text(errors="replace").splitlines():
        way, text = line.split(" ", 3)[2:]
        unanswered += 1 if way == ">" else -1 if text[3:4] != "-" and way == "<" else 0
        most = max(most, unanswered)
    return most / 4  # RSET MAIL RCPT BDAT


@pytest.mark.parametrize("connections", [1, 8])
@pytest.mark.parametrize("name", ["postfix", "exim", "dovecot"])
def test_no_envelope_mixes(tmp_path, request, name, connections):
    """Whole transactions in flight. After a refused one Exim keeps its MAIL, and Dovecot refuses every further chunk
    until RSET; Postfix slows down and hangs up on many errors, Exim on few."""
    server, clean = request.getfixturevalue(name), ROWS // 2 if connections == 1 else 0
    rows = write_campaign(tmp_path, 2 * ROWS, lambda i: i > clean and i % 3 == 0,
                          lambda i: i > clean and i % 16 == 5 and name != "dovecot")
    done = send(tmp_path, server.url(), "--connections", connections, "--window", 16, "--transcript", "said")
    check_delivered(tmp_path, rows, server, done)
    assert connections > 1 or most_in_flight(tmp_path / "said") >= 6


def test_killed_and_resumed(tmp_path, postfix):
    """Killed five times amid a window of 16: the mailboxes say who has it, and nobody has it twice."""
    rows = write_campaign(tmp_path, 4 * ROWS)
    command = ["send", "letter.eml", "list.csv", "--relay", postfix.url(), "--yes", *SAME, "--connections", "2", "--window", "16"]
    killed = 0
    for i in range(5):
        begun = len((tmp_path / "said").read_text()) if i else 0
        run = begin(*command, "--transcript", "said", *(["--resume"] if i else []), cwd=tmp_path)
        until = time.monotonic() + 20
        while run.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
            if (tmp_path / "said").exists() and (tmp_path / "said").read_text()[begun:].count(" BDAT ") > 20:
                break
        run.kill()
        run.communicate()
        killed += run.returncode == -9
    lettershop(*command, "--resume", cwd=tmp_path, check=1, timeout=900)
    status = {x["recipient"]: x["status"] for x in results(tmp_path / "results.csv")}
    assert status.keys() == {r["email"] for r in rows}
    doubt = {a for a, s in status.items() if s == "in_doubt"}
    sent = {a for a, s in status.items() if s == "sent"}
    got = collections.Counter(x.recipient for x in postfix.collect(len(sent)))
    assert set(got.values()) == {1}
    assert sent <= got.keys() <= sent | doubt
    assert {a for a, s in status.items() if s == "refused"} | doubt | sent == status.keys()
    assert killed and len(doubt) <= killed * 2 * 16


# Logins: Dovecot decides, Postfix asks it; its log says by which mechanism who came in.

def login(folder, postfix, mechanism, password, check):
    write_campaign(folder, 4)
    (folder / "password").write_text(password + "\n")
    (folder / "password").chmod(0o600)
    url = f"smtp://{USER.replace('@', '%40')}@localhost:{postfix.auth_port}?ca={postfix.certs}/ca.pem"
    mark = len(postfix.whole_log())
    done = send(folder, url + (f"&auth={mechanism}" if mechanism else ""), "--password-file", "password", "--transcript",
                "said", "--connections", "1", check=check)
    assert password not in (folder / "said").read_text() + done.stdout + done.stderr
    return done, postfix.whole_log()[mark:]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", ""])
def test_login(tmp_path, postfix, dovecot, mechanism):
    _, log = login(tmp_path, postfix, mechanism, PASSWORD, 0)
    assert log.count(f"sasl_method={mechanism or 'SCRAM-SHA-256'}, sasl_username={USER}") == 4
    assert len(postfix.collect(4)) == 4


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", ""])
def test_login_refused(tmp_path, postfix, dovecot, mechanism):
    """Tried once, and then no more: nobody's account is locked."""
    done, log = login(tmp_path, postfix, mechanism, "wrong " + PASSWORD, 3)
    assert "535" in done.stderr and "5.7.8" in done.stderr
    assert log.count("authentication failed") == 1
    assert not postfix.arrived()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"])
@pytest.mark.parametrize("right", [True, False])
def test_login_at_the_practice_relay(shop, certs, mechanism, right):
    """Its logins are its own: no library stands on both sides. (OAuth: test_oauth; EXTERNAL: test_tls.)"""
    write_list(shop / "list.csv", 3)
    for name, password in ("theirs", PASSWORD), ("ours", PASSWORD if right else "wrong"):
        (shop / name).write_text(password + "\n")
        (shop / name).chmod(0o600)
    with Relay(shop / "relay", "--starttls", "--require-tls", "--tls-cert", certs / "good.pem", "--tls-key", certs / "good.key",
               "--user", USER, "--password-file", shop / "theirs", "--require-auth", "--auth", mechanism,
               "--log-protocol", shop / "protocol") as r:
        url = f"smtp://{USER.replace('@', '%40')}@localhost:{r.port}?ca={certs}/ca.pem&auth={mechanism}"
        lettershop("send", "letter.eml", "list.csv", "--relay", url, "--yes", "--password-file", "ours",
                   "--connections", 1, cwd=shop, check=0 if right else 3)
    assert [a.user for a in r.accepted()] == [USER] * 3 * right
    assert (shop / "protocol").read_text().count(f"C: AUTH {mechanism}") == 1
    assert r.violations() == ""

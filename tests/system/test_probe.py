"""`lettershop probe`: what it shows, what it asks and what it never asks."""
import hashlib
import json
import socket
import ssl
import subprocess
import threading

import pytest

from relay import Relay, lettershop

CAPABILITIES = "PIPELINING CHUNKING 8BITMIME SIZE=1000000 DSN LIMITS=MAILMAX=100,RCPTMAX=50"


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_text("open sesame\n")
    path.chmod(0o600)
    return path


def start(folder, certs, secret, *more):
    return Relay(folder / "relay", "--starttls", "--tls-cert", certs / "good.pem", "--tls-key", certs / "good.key",
                 "--user", "ann", "--password-file", secret, "--extensions", CAPABILITIES,
                 "--log-protocol", folder / "protocol", *more)


def said(folder):
    """The commands that the relay got."""
    lines = (folder / "protocol").read_text().splitlines()
    return [line.split(" C: ", 1)[1] for line in lines if " C: " in line]


def test_tells_everything_and_asks_for_nothing(tmp_path, certs, secret):
    with start(tmp_path, certs, secret) as r:
        out = lettershop("probe", f"smtp://ann@localhost:{r.port}?ca={certs}/ca.pem", check=0).stdout
    der = ssl.PEM_cert_to_DER_cert((certs / "good.pem").read_text().split("-----END")[0] + "-----END CERTIFICATE-----")
    for words in ["TLSv1.3", "for localhost, 127.0.0.1", "from 'Test authority'", "days left",
                  hashlib.sha256(der).hexdigest(), "PIPELINING", "one round trip a message", "SIZE 1000000",
                  "LIMITS MAILMAX=100 RCPTMAX=50", "SCRAM-SHA-256", "greeting", "EHLO", " ms"]:
        assert words in out, words
    assert "open sesame" not in out
    assert [c.split()[0] for c in said(tmp_path)] == ["EHLO", "STARTTLS", "EHLO", "QUIT"]
    assert r.violations() == ""


def test_json(tmp_path, certs, secret):
    with start(tmp_path, certs, secret) as r:
        done = lettershop("probe", f"smtp://ann@localhost:{r.port}?ca={certs}/ca.pem", "--login", "--password-file",
                          secret, "--json", "--command", "NOOP", check=0)
    x = json.loads(done.stdout)
    assert x["capabilities"]["SIZE"] == "1000000" and x["size_max"] == 1000000
    assert (x["mail_max"], x["rcpt_max"]) == (100, 50)
    assert x["certificate"]["until"] == "2044-01-01T00:00:00.000Z" and x["certificate"]["days_left"] > 3000
    assert x["login"] == "SCRAM-SHA-256" and x["tls"].startswith("TLSv1.3")
    assert [s["what"] for s in x["steps"] if s["what"] != "name"] == [
        "connect", "greeting", "EHLO", "STARTTLS", "TLS", "EHLO", "AUTH", "NOOP"]
    assert all(0 <= s["ms"] < 30000 for s in x["steps"])
    assert x["asked"][0]["code"] == 250 and x["asked"][0]["line"] == "NOOP"


def test_asks_what_it_was_told_to(tmp_path, certs, secret):
    with start(tmp_path, certs, secret) as r:
        url = f"smtp://localhost:{r.port}?tls=none"
        done = lettershop("probe", url, "--vrfy", "Bob <bob@example.org>", "--command", "NOOP one", "--size", "5000",
                          check=0)
        assert lettershop("probe", url, "--size", "2000000", check=1).stderr.count("1000000 at most") == 1
        assert "refused 'FROB'" in lettershop("probe", url, "--command", "FROB", check=1).stderr
    assert "> VRFY bob@example.org\n  < 252" in done.stdout
    assert said(tmp_path)[1:6] == ["MAIL FROM:<> SIZE=5000", "RSET", "VRFY bob@example.org", "NOOP one", "QUIT"]


def serve(lines, *replies):
    """A server of one connection: greeting, EHLO's lines, then these replies in turn; what it was asked."""
    server, asked = socket.create_server(("127.0.0.1", 0)), []

    def talk():
        c, _ = server.accept()
        with c, c.makefile("rwb", buffering=0) as f:
            f.write(b"220 odd.example\r\n")
            asked.append(f.readline())
            f.write("".join(f"250-{x}\r\n" for x in ["odd.example", *lines]).encode() + b"250 OK\r\n" if lines else b"500 what\r\n")
            for reply in replies:
                asked.append(f.readline())
                f.write(reply.encode() + b"\r\n")
            asked.append(f.readline())
            f.write(b"221 bye\r\n")
        server.close()

    threading.Thread(target=talk, daemon=True).start()
    return f"smtp://localhost:{server.getsockname()[1]}?tls=none", asked


def test_what_is_announced_twice(tmp_path):
    url, _ = serve(["AUTH PLAIN", "AUTH=LOGIN", "auth CRAM-MD5", "8BITMIME", "", "8BITMIME", "LIMITS MAILMAX=7 RCPTDOMAINMAX=2"])
    text = lettershop("probe", url, "--json", check=0).stdout
    x = json.loads(text, object_pairs_hook=lambda pairs: pairs and dict(pairs) if len(dict(pairs)) == len(pairs) else pytest.fail(text))
    assert x["capabilities"]["AUTH"] == "PLAIN CRAM-MD5" and "" not in x["capabilities"]
    assert x["mechanisms"] == ["PLAIN", "LOGIN", "CRAM-MD5"] and (x["mail_max"], x["rcpt_domain_max"]) == (7, 2)
    url, _ = serve(["AUTH PLAIN", "AUTH=LOGIN", "SIZE 1000", "LIMITS MAILMAX=7 RCPTMAX=3"])
    out = lettershop("probe", url, check=0).stdout
    assert "mechanisms   PLAIN LOGIN\n" in out
    assert "limits       1000 octets a message, 7 messages a connection, 3 recipients a message\n" in out


def test_no_ehlo(tmp_path):
    url, asked = serve([], "250 odd.example")
    out = lettershop("probe", url, check=0).stdout
    assert "TLS          none" in out and "it knows no EHLO" in out and asked[-1] == b"QUIT\r\n"


def test_the_first_reason_is_told_and_the_end_is_polite(tmp_path):
    url, asked = serve(["PIPELINING"], "252 perhaps", "502 what")
    done = lettershop("probe", url, "--size", "100", "--vrfy", "a@b.example", "--command", "FROB", check=1)
    assert "no SIZE" in done.stderr and "< 252 perhaps" in done.stdout and "< 502 what" in done.stdout
    assert asked[-1] == b"QUIT\r\n"


def test_a_port_that_waits_for_tls(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = lettershop("probe", f"smtp://localhost:{server.getsockname()[1]}", "--timeout", "300ms", check=1)
    assert "needs smtps://" in done.stderr


def test_tls_that_never_was(tmp_path, certs, secret):
    with start(tmp_path, certs, secret, "--fault", r'stage=STARTTLS inject="250 hello\r\n"') as r:
        done = lettershop("probe", f"smtp://localhost:{r.port}?ca={certs}/ca.pem", check=1)
    assert "octets in clear" in done.stderr and "TLSv" not in done.stdout


def test_an_expired_certificate(tmp_path, certs, secret):
    with Relay(tmp_path / "relay", "--starttls", "--tls-cert", certs / "expired.pem", "--tls-key", certs / "expired.key") as r:
        out = lettershop("probe", f"smtp://localhost:{r.port}?verify=no", check=0).stdout
    assert "expired on 2020-02-01, " in out and " days ago" in out and "-" not in out.split("expired on 2020-02-01, ")[1][:6]


def test_wrong_password(tmp_path, certs, secret):
    wrong = tmp_path / "wrong"
    wrong.write_text("not it at all\n")
    wrong.chmod(0o600)
    with start(tmp_path, certs, secret) as r:
        done = lettershop("probe", f"smtp://ann@localhost:{r.port}?ca={certs}/ca.pem", "--login", "--password-file",
                          wrong, "--transcript", "t.txt", cwd=tmp_path, check=1)
    assert "refused the login of 'ann'" in done.stderr and "PIPELINING" in done.stdout
    for text in [done.stdout, done.stderr, (tmp_path / "t.txt").read_text()]:
        assert "not it at all" not in text
    assert "AUTH SCRAM-SHA-256 (secret)" in (tmp_path / "t.txt").read_text()


@pytest.mark.parametrize("line", ["DATA", "quit", "AUTH PLAIN x", "NOOP\nRSET", "EHLO x", "", "N" * 1200])
def test_lines_that_are_not_sent(tmp_path, certs, secret, line):
    with start(tmp_path, certs, secret) as r:
        lettershop("probe", f"smtp://localhost:{r.port}?tls=none", "--command", line, check=2)
    assert [c for c in said(tmp_path) if not c.startswith("EHLO") and c != "QUIT"] == [] if (tmp_path / "protocol").exists() else True


@pytest.mark.parametrize("arguments, words, status", [
    (["smtp://nosuch.invalid"], "no host is called", 1),
    (["maildir:out"], "no relay that could be asked", 2),
    (["smtp://localhost:1?tls=none"], "cannot connect", 1),
    (["smtp://x:y@localhost"], "a password in the relay's URL is refused", 2),
    ([], "probe wants URL", 2),
])
def test_wrong(tmp_path, arguments, words, status):
    done = lettershop("probe", *arguments, cwd=tmp_path, check=status)
    assert words in done.stderr and done.stderr.count("lettershop:") == 1


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"+OK POP3 ready\r\n", b"\xff\xfe\x00\x01\r\n",
                                      b"* OK IMAP4rev1\r\n"])
def test_something_else_speaks_there(tmp_path, greeting):
    server = socket.create_server(("127.0.0.1", 0))

    def talk():
        while True:
            try:
                c, _ = server.accept()
            except OSError:
                return
            with c:
                c.sendall(greeting)
                c.settimeout(5)
                try:
                    c.recv(100)
                except OSError:
                    pass  # the other side did not even read

    threading.Thread(target=talk, daemon=True).start()
    url = f"smtp://localhost:{server.getsockname()[1]}?tls=none"
    done = lettershop("probe", url, check=1)
    assert "no SMTP reply" in done.stderr
    # And a run says so once, at once, and creates no work for ten minutes.
    (tmp_path / "l.eml").write_text("From: a@b.example\nTo: {{ email }}\nSubject: x\n\nhello\n")
    (tmp_path / "l.csv").write_text("email\nx@y.example\n")
    done = lettershop("send", "l.eml", "l.csv", "--relay", url, "--yes", cwd=tmp_path, check=3, timeout=20)
    assert done.stderr.count("no SMTP reply") == 1
    server.close()


@pytest.mark.parametrize("stage, waits, words", [
    ("GREETING", "greeting=300ms", "no reply to greeting within 1 s"),
    ("EHLO", "command=300ms", "no reply to EHLO within 1 s"),
])
def test_single_waits(tmp_path, stage, waits, words):
    with Relay(tmp_path / "r", "--fault", f"stage={stage} stall") as r:
        url = f"smtp://localhost:{r.port}?tls=none"
        assert words in lettershop("probe", url, "--timeouts", f"quit=1s,{waits}", "--timeout", "1min", check=1).stderr
        assert "no wait 'hello'" in lettershop("probe", url, "--timeouts", "hello=1s", check=2).stderr
        assert "'soon' is no time" in lettershop("probe", url, "--timeouts", "connect=soon", check=2).stderr


def test_the_wait_behind_the_data(tmp_path):
    (tmp_path / "l.eml").write_text("From: a@b.example\nTo: {{ email }}\nSubject: x\n\nhello\n")
    (tmp_path / "l.csv").write_text("email\nx@y.example\n")
    with Relay(tmp_path / "r", "--fault", "stage=END stall") as r:
        done = lettershop("send", "l.eml", "l.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes", "--timeouts",
                          "end-of-data=400ms", cwd=tmp_path, check=1)
    assert "in doubt" in done.stdout
    assert "no reply to end of data within 1 s" in (tmp_path / "results.csv").read_text()

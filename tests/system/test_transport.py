"""transport/ by itself: the program of its page runs, and each method of Python's smtplib has what its table says.

Both sides speak to the same practice relay, smtplib itself being the other one; what they found out is compared."""
import os
import re
import smtplib
import socketserver
import ssl
import subprocess
import threading

import pytest

from relay import ROOT, Relay, lettershop, write_letter, write_list

TALK = ROOT / "build/release/talk"
README = ROOT / "transport/README.md"
SECRET = "open sesame"
HELLO = b"From: ann@example.com\r\nTo: bob@example.org\r\nSubject: x\r\n\r\n.dots\r\n..\r\nend\r\n"


def talk(url, *words, env=None):
    done = subprocess.run([TALK, url, *map(str, words)], capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "PASS": SECRET, **(env or {})})
    return done.stdout.splitlines()


@pytest.fixture
def server(tmp_path, certs):
    (tmp_path / "secret").write_text(SECRET + "\n")
    (tmp_path / "secret").chmod(0o600)
    with Relay(tmp_path / "relay", "--starttls", "--tls-cert", certs / "good.pem", "--tls-key", certs / "good.key",
               "--user", "ann", "--password-file", tmp_path / "secret", "--auth", "PLAIN LOGIN SCRAM-SHA-256",
               "--refuse", "^nobody@=550 5.1.1 no such user", "--listen", "smtps:127.0.0.1:0", "--listen",
               "lmtp:127.0.0.1:0", "--log-protocol", tmp_path / "protocol", "--store", tmp_path / "store") as r:
        lines = (tmp_path / "relay/ready").read_text().splitlines()
        r.port, r.tls_port, r.lmtp_port = (int(line.rsplit(":", 1)[1]) for line in lines)
        (tmp_path / "store").mkdir(exist_ok=True)
        yield r
    assert [v for v in r.violations().splitlines() if "FROB" not in v and "HELP" not in v] == []


@pytest.fixture
def plain(server):
    return f"smtp://localhost:{server.port}?tls=none"


@pytest.fixture
def context(certs):
    return ssl.create_default_context(cafile=str(certs / "ca.pem"))


@pytest.fixture
def content(tmp_path):
    path = tmp_path / "content"
    path.write_bytes(HELLO)
    return path


def test_the_program_of_the_page(tmp_path, server, certs):
    source = re.search(r"```c\n(.*?)```", README.read_text(), re.S).group(1)
    assert len(source.splitlines()) <= 41
    (tmp_path / "send.c").write_text(source)
    command = re.match(r"/\* (cc .*?) \*/", source).group(1).replace("send.c", str(tmp_path / "send.c"))
    subprocess.run([*command.split(), "-D_GNU_SOURCE", "-o", tmp_path / "send"], cwd=ROOT, check=True, timeout=120)
    url = f"smtp://ann@localhost:{server.port}?ca={certs}/ca.pem"
    done = subprocess.run([tmp_path / "send", url, "PASS"], capture_output=True, text=True, check=True, timeout=60,
                          env={**os.environ, "PASS": SECRET})
    assert re.fullmatch(r"bob@example.org: sent, 250 .*\ncy@example.org: sent, 250 .*\n", done.stdout)
    (got,) = server.accepted()
    assert got.tls and got.user == "ann" and got.recipients == ["bob@example.org", "cy@example.org"]
    done = subprocess.run([tmp_path / "send", "smtp://localhost:1?tls=none"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "cannot connect" in done.stderr


def test_it_needs_nothing_of_the_rest():
    names = subprocess.run(["ar", "t", ROOT / "build/release/libtransport.a"], capture_output=True, text=True,
                           check=True).stdout
    assert "relay_talk.o" in names and not re.search(r"letter_|liquid_|rows_|campaign|journal", names)


def test_the_table_has_a_test_for_each_row():
    table = re.findall(r"^\| `(\w+)` \|", README.read_text(), re.M)
    tests = [name[5:] for name in globals() if name.startswith("test_row_")]
    assert [f"row_{name.lower()}" for name in table] == tests
    for name in table:  # they are smtplib's own names
        assert hasattr(smtplib, name) or hasattr(smtplib.SMTP, name)
    mentioned = re.findall(r"`(relay_\w+)\(", README.read_text())
    headers = "".join((ROOT / "transport/relay" / h).read_text() for h in ["relay.h", "relay_talk.h"])
    assert mentioned and all(f"{name}(" in headers for name in mentioned)


# ---- a row each, in the order of the table ----


def test_row_smtp(server, plain, tmp_path):
    with smtplib.SMTP("localhost", server.port, local_hostname="me.example", timeout=9,
                      source_address=("127.0.0.2", 0)) as s:
        theirs = s.ehlo()
    ours = talk(plain, "helo=me.example", "source=127.0.0.2", "--", "ehlo")
    assert ours[0].split("|") == theirs[1].decode().split("\n")
    done = lettershop("probe", plain, "--helo", "me.example", "--source-address", "127.0.0.2", "--timeout", "9s", check=0)
    assert all(line.split(" ")[0] in done.stdout for line in theirs[1].decode().split("\n"))
    assert (tmp_path / "protocol").read_text().lower().count("ehlo me.example") == 3
    assert "no address of this machine" in lettershop("probe", plain, "--source-address", "here", check=2).stderr


def test_source_address_is_where_it_comes_from():
    seen = []

    class Greeter(socketserver.BaseRequestHandler):
        def handle(self):
            seen.append(self.client_address[0])
            self.request.sendall(b"554 no\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Greeter) as s:
        threading.Thread(target=s.serve_forever, daemon=True).start()
        talk(f"smtp://127.0.0.1:{s.server_address[1]}?tls=none", "source=127.0.0.77", "--", "quit")
        lettershop("probe", f"smtp://127.0.0.1:{s.server_address[1]}?tls=none", "--source-address", "127.0.0.78", check=1)
        s.shutdown()
    assert seen == ["127.0.0.77", "127.0.0.78"]


def test_row_smtp_ssl(server, certs, context):
    with smtplib.SMTP_SSL("localhost", server.tls_port, context=context) as s:
        version = s.sock.version()
    url = f"smtps://localhost:{server.tls_port}?ca={certs}/ca.pem"
    assert talk(url, "--", "tls")[0].startswith(version)
    assert version in lettershop("probe", url, check=0).stdout


def test_row_lmtp(server, content):
    with smtplib.LMTP("localhost", server.lmtp_port) as s:
        theirs = s.sendmail("ann@example.com", ["bob@example.org", "nobody@example.org"], HELLO)
    url = f"lmtp://localhost:{server.lmtp_port}"
    ours = talk(url, "--", "send", "ann@example.com", "bob@example.org,nobody@example.org", content)
    assert ours == ["bob@example.org sent 250", "nobody@example.org refused 550"]
    assert {a: code for a, (code, _) in theirs.items()} == {"nobody@example.org": 550}
    assert "LMTP" in lettershop("probe", url, check=0).stdout


def test_row_set_debuglevel(server, plain, tmp_path, capfd):
    with smtplib.SMTP("localhost", server.port, local_hostname="me.example") as s:
        s.set_debuglevel(1)
        s.ehlo()
    theirs = capfd.readouterr().err
    ours = talk(plain, "helo=me.example", "trace", "--", "quit")
    assert "ehlo me.example" in theirs and "> EHLO me.example" in ours and "> QUIT" in ours
    assert sum(line.startswith("< 250") for line in ours) == theirs.count("reply: b'250")
    lettershop("probe", plain, "--helo", "me.example", "--transcript", tmp_path / "t", check=0)
    said = [line.split("#1 ")[1] for line in (tmp_path / "t").read_text().splitlines()]
    assert said == ours[:-1]


def test_row_connect(server, plain):
    s = smtplib.SMTP()
    code, text = s.connect("localhost", server.port)
    peer = "%s:%d" % s.sock.getpeername()[:2]
    s.quit()
    assert code == 220 and talk(plain, "--", "greeting", "peer") == [text.decode(), peer]
    out = lettershop("probe", plain, check=0).stdout
    assert peer in out and text.decode() in out
    with pytest.raises(OSError):
        s.connect("localhost", 1)
    assert talk("smtp://localhost:1?tls=none", "--")[0].startswith("error: cannot connect")


def test_row_docmd(server, plain):
    with smtplib.SMTP("localhost", server.port) as s:
        s.ehlo()
        theirs = [s.docmd("NOOP", "x"), s.docmd("FROB"), s.docmd("HELP")]
    ours = talk(plain, "--", "command", "NOOP x", "command", "FROB", "command", "HELP")
    assert [(int(line[:3]), line[4:]) for line in ours] == [(c, t.decode().replace("\n", "|")) for c, t in theirs]
    out = lettershop("probe", plain, "--command", "NOOP x", "--command", "FROB", check=1).stdout
    assert f"< {theirs[0][0]} {theirs[0][1].decode()}" in out and f"< {theirs[1][0]} " in out


def test_row_ehlo(server, plain):
    with smtplib.SMTP("localhost", server.port) as s:
        s.ehlo()
        theirs = s.ehlo_resp.decode().split("\n")
    assert talk(plain, "--", "ehlo")[0].split("|") == theirs
    out = lettershop("probe", plain, check=0).stdout
    assert all(line in out for line in theirs)


def test_row_helo(tmp_path):
    with Relay(tmp_path / "old", "--fault", 'stage=EHLO reply="502 5.5.1 what"', "--log-protocol", tmp_path / "p") as r:
        with smtplib.SMTP("localhost", r.port) as s:
            s.ehlo_or_helo_if_needed()
            assert s.helo_resp
        url = f"smtp://localhost:{r.port}?tls=none"
        assert talk(url, "--", "quit") == ["quit"]
        lettershop("probe", url, check=0)
    assert (tmp_path / "p").read_text().upper().count("C: HELO") == 3


def test_row_has_extn(server, plain):
    with smtplib.SMTP("localhost", server.port) as s:
        s.ehlo()
        for name in ["pipelining", "Size", "DSN", "AUTH", "TURN", "PIPE", "fake-relay.example"]:
            want = f"yes {s.esmtp_features[name.lower()]}" if s.has_extn(name) else "no "
            assert talk(plain, "--", "offers", name)[0].split() == want.split()
    out = lettershop("probe", plain, "--json", check=0).stdout
    assert '"PIPELINING": ""' in out and "TURN" not in out


def test_row_verify(server, plain):
    with smtplib.SMTP("localhost", server.port) as s:
        s.ehlo()
        code, text = s.verify("bob@example.org")
    assert talk(plain, "--", "command", "VRFY bob@example.org") == [f"{code} {text.decode()}"]
    assert f"< {code} {text.decode()}" in lettershop("probe", plain, "--vrfy", "bob@example.org", check=0).stdout


def test_row_login(server, tmp_path, certs, context):
    with smtplib.SMTP("localhost", server.port) as s:
        s.starttls(context=context)
        assert s.login("ann", SECRET)[0] == 235
    url = f"smtp://ann@localhost:{server.port}?ca={certs}/ca.pem"
    assert talk(url, "password-env=PASS", "--", "mechanism") == ["SCRAM-SHA-256"]  # the strongest one
    assert talk(url + "&auth=LOGIN", "password-env=PASS", "--", "mechanism") == ["LOGIN"]
    assert talk(url, "password-env=PASS", "--", "mechanism", env={"PASS": "wrong"})[0].startswith(
        "error: relay refused the login of 'ann'")
    out = lettershop("probe", url, "--login", "--password-file", tmp_path / "secret", check=0).stdout
    assert "login        accepted, with SCRAM-SHA-256" in out


def test_row_starttls(server, certs, context, tmp_path):
    with smtplib.SMTP("localhost", server.port) as s:
        assert s.starttls(context=context)[0] == 220
        version = s.sock.version()
    url = f"smtp://localhost:{server.port}"
    assert talk(f"{url}?ca={certs}/ca.pem", "--", "tls")[0].startswith(version)
    assert talk(url, "--", "tls")[0].startswith("error: the certificate of localhost comes from")
    assert version in lettershop("probe", f"{url}?ca={certs}/ca.pem", check=0).stdout
    with Relay(tmp_path / "without") as r:
        with smtplib.SMTP("localhost", r.port) as s, pytest.raises(smtplib.SMTPNotSupportedError):
            s.starttls()
        assert "does not offer STARTTLS" in talk(f"smtp://localhost:{r.port}", "--")[0]


def test_row_sendmail(server, plain, content, tmp_path):
    to = ["bob@example.org", "nobody@example.org", "cy@example.org"]
    with smtplib.SMTP("localhost", server.port) as s:
        theirs = s.sendmail("ann@example.com", to, HELLO, mail_options=["RET=HDRS"], rcpt_options=["NOTIFY=NEVER"])
    assert {a: c for a, (c, _) in theirs.items()} == {"nobody@example.org": 550}
    ours = talk(plain, "mail=AUTH=<>", "--", "send", "ann@example.com", ",".join(to), content, "quit")
    assert ours == ["bob@example.org sent 250", "nobody@example.org refused 550", "cy@example.org sent 250", "quit"]
    first, second = server.accepted()
    assert first.recipients == second.recipients == ["bob@example.org", "cy@example.org"]
    assert first.size == second.size == len(HELLO) and "AUTH=<>" in second.sender
    stored = sorted((tmp_path / "store").glob("*.eml"))
    assert [p.read_bytes() for p in stored] == [HELLO, HELLO]  # dots doubled, and undone by the relay
    write_letter(tmp_path / "letter.eml")
    write_list(tmp_path / "list.csv", 2)
    lettershop("send", "letter.eml", "list.csv", "--relay", plain, "--yes", "--mail-option", "AUTH=<>", "--dsn-notify",
               "never", cwd=tmp_path, check=0)
    assert ["AUTH=<>" in a.sender and "NOTIFY=NEVER" in a.params for a in server.accepted()[2:]] == [True, True]


def test_row_send_message(server, plain, tmp_path):
    import email.message
    import email.policy

    m = email.message.EmailMessage(policy=email.policy.SMTP)
    m["From"], m["To"], m["Subject"] = "Ann <ann@example.com>", "Bob <bob@example.org>", "x"
    m.set_content("hello\n")
    with smtplib.SMTP("localhost", server.port) as s:
        assert s.send_message(m) == {}
    (tmp_path / "m").write_bytes(m.as_bytes())
    assert talk(plain, "--", "send", "ann@example.com", "bob@example.org", tmp_path / "m") == ["bob@example.org sent 250"]
    (tmp_path / "l.eml").write_text("From: Ann <ann@example.com>\nTo: Bob <{{ email }}>\nSubject: x\n\nhello\n")
    (tmp_path / "l.csv").write_text("email\nbob@example.org\n")
    lettershop("send", "l.eml", "l.csv", "--relay", plain, "--yes", cwd=tmp_path, check=0)
    assert [(a.sender.split(">")[0], a.recipients) for a in server.accepted()] == \
        [("<ann@example.com", ["bob@example.org"])] * 3
    a, b, _ = (p.read_bytes() for p in sorted((tmp_path / "store").glob("*.eml")))
    assert a == b


def test_row_quit(server, plain, tmp_path):
    s = smtplib.SMTP("localhost", server.port)
    assert s.quit()[0] == 221
    assert talk(plain, "--", "quit") == ["quit"]
    lettershop("probe", plain, check=0)
    log = (tmp_path / "protocol").read_text()
    assert log.upper().count("C: QUIT") == 3


def test_what_is_lost_has_a_verdict(tmp_path, content):
    with Relay(tmp_path / "r", "--fault", "stage=END close=accepted") as r:
        out = talk(f"smtp://localhost:{r.port}?tls=none", "--", "send", "a@b.example", "c@d.example", content, "quit")
        assert out[0] == "c@d.example in_doubt 0" and out[1].startswith("error:")
    with Relay(tmp_path / "r2", "--extensions=-CHUNKING", "--fault", "stage=MAIL close=before") as r:
        out = talk(f"smtp://localhost:{r.port}?tls=none", "--", "send", "a@b.example", "c@d.example", content, "send",
                   "a@b.example", "e@f.example", content)
        assert out[:2] == ["c@d.example deferred 0", "e@f.example deferred 0"] and out[2].startswith("error:")

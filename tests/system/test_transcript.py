"""What is written down of a conversation: the transcript, the last lines when something unexpected happened, and
that no secret is in either of them, nor anywhere else."""
import base64
import hashlib
import hmac
import json
import re
import time

import pytest

from relay import LONG, Relay, begin, lettershop, results, write_list

SECRET = "canary-Zq8#vult"
TOLD = "results.trouble.txt"


def send(shop, url, *options, check=0):
    return lettershop("send", "letter.eml", "list.csv", "--relay", url, "--yes", *options, cwd=shop, check=check)


@pytest.fixture
def secret(shop):
    path = shop.parent / (shop.name + "-secret")
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    return path


def test_every_line_both_ways(shop):
    write_list(shop / "list.csv", 20)
    with Relay(shop / "relay", "--log-protocol", shop / "protocol") as r:
        send(shop, f"smtp://localhost:{r.port}?tls=none", "--transcript", "t.txt", "--connections", "2")
    lines = (shop / "t.txt").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z localhost#\d+ [<>] \S", line) for line in lines)
    of_relay = [line.split(" ", 2)[2] for line in (shop / "protocol").read_text().splitlines() if " *: " not in line]
    ours = [re.sub(r"^\S+ \S+ ([<>])", lambda m: "C:" if m[1] == ">" else "S:", line) for line in lines]
    ours = [line for line in ours if line != "C: ."]
    assert sorted(ours) == sorted(line for line in of_relay if line != "C: .")
    assert not any("Dear Name" in line for line in lines)  # contents are left out
    assert (shop / "t.txt").stat().st_mode & 0o777 == 0o600
    assert not (shop / TOLD).exists()


@pytest.mark.parametrize("fault, kind", [
    ("stage=END nth=3 close=accepted", "in_doubt"),
    ('stage=RCPT nth=3 reply="501 5.5.4 bad syntax"', "refused"),
    ('stage=MAIL nth=3 garbage="\\x01\\x02 what\\r\\n"', "in_doubt"),
])
def test_last_words(shop, fault, kind):
    write_list(shop / "list.csv", 6)
    with Relay(shop / "relay", "--fault", fault) as r:
        done = send(shop, f"smtp://localhost:{r.port}?tls=none", "--connections", "1", check=1 if kind else 0)
    text = (shop / TOLD).read_text()
    head, *lines = text.splitlines()
    assert TOLD in done.stdout
    assert re.match(r"\S+Z localhost#1: \S", head)
    assert all(re.match(r"  \S+Z [<>] \S", line) for line in lines) and 5 < len(lines) <= 32
    if kind:
        (bad,) = [x for x in results(shop / "results.csv") if x["status"] != "sent"]
        assert bad["status"] == kind and f"RCPT TO:<{bad['recipient']}>" in text
        assert bad["reply"].split(":")[0] in head or bad["code"] in text
    assert (shop / TOLD).stat().st_mode & 0o777 == 0o600


def test_expected_refusals_are_no_trouble(shop):
    write_list(shop / "list.csv", 20)
    with Relay(shop / "relay", "--refuse", "^user1.@=550 5.1.1 no such user", "--refuse", "^user2@=452 4.2.2 full") as r:
        send(shop, f"smtp://localhost:{r.port}?tls=none", "--retry-for", "1ms", check=1)
    assert not (shop / TOLD).exists()


def forms(secret):
    """The password, and what each mechanism makes of it where that would give it away."""
    yield secret.encode()
    yield base64.b64encode(secret.encode())
    yield base64.b64encode(b"\0ann\0" + secret.encode())
    yield base64.b64encode(b"ann\0ann\0" + secret.encode())
    yield hashlib.sha256(secret.encode()).hexdigest().encode()
    yield hmac.new(secret.encode(), b"", hashlib.md5).hexdigest().encode()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"])
@pytest.mark.parametrize("right", [True, False] if LONG else [True])
def test_no_secret_anywhere(shop, secret, mechanism, right):
    write_list(shop / "list.csv", 3)
    (shop.parent / f"{shop.name}-other").write_text("another one\n")
    with Relay(shop.parent / f"{shop.name}-relay", "--user", "ann", "--auth", mechanism, "--require-auth", "--password-file",
               secret if right else shop.parent / f"{shop.name}-other", "--fault", "stage=END nth=2 close=accepted") as r:
        done = send(shop, f"smtp://ann@localhost:{r.port}?tls=none&auth={mechanism}", "--password-file", secret,
                    "--transcript", "t.txt", check=1 if right else 3)
    assert f"AUTH {mechanism}" in (shop / "t.txt").read_text()
    assert (shop / TOLD).exists() == right
    texts = [p.read_bytes() for p in shop.rglob("*") if p.is_file()] + [done.stdout.encode(), done.stderr.encode()]
    assert len(texts) > 4
    for form in forms(SECRET):
        assert all(form not in text for text in texts), form


@pytest.mark.parametrize("reply", [
    '500 5.5.1 Command unrecognized: "{line}"', "535 5.7.8 wrong: {word}", "501 5.5.4 {cut}... is no login", "421 4.7.0 {line}"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2"])
def test_no_secret_in_what_a_server_repeats(shop, secret, mechanism, reply):
    write_list(shop / "list.csv", 3)
    word = SECRET.replace("#", ".")
    secret.write_text(word + "\n")
    said = {"PLAIN": base64.b64encode(b"\0ann\0" + word.encode()), "LOGIN": base64.b64encode(word.encode()),
            "XOAUTH2": base64.b64encode(b"user=ann\1auth=Bearer " + word.encode() + b"\1\1")}[mechanism].decode()
    at = "AUTHCONT each nth=2" if mechanism == "LOGIN" else "AUTH"
    fault = reply.format(line=f"AUTH {mechanism} {said}", word=word, cut=said[:len(said) * 2 // 3])
    with Relay(shop.parent / f"{shop.name}-relay", "--user", "ann", "--auth", mechanism, "--password-file", secret,
               "--fault", f"stage={at} reply={json.dumps(fault)}") as r:
        source = ["--token-command", f"cat {secret}"] if mechanism == "XOAUTH2" else ["--password-file", secret]
        url = f"smtp://ann@localhost:{r.port}?tls=none"
        done = lettershop("probe", url, "--login", *source, "--transcript", shop / "t.txt", check=1)
        if not reply.startswith("421"):
            said_too = send(shop, url, *source, "--transcript", "t.txt", check=3)
            done.stdout += said_too.stdout + said_too.stderr
    assert "****" in (shop / "t.txt").read_text()
    texts = [p.read_bytes() for p in shop.rglob("*") if p.is_file()] + [done.stdout.encode(), done.stderr.encode()]
    for form in [word, said, said[:len(said) // 2]]:
        assert all(form.encode() not in text for text in texts), form


def dumped(pid):
    """What a core dump of that process would hold."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for region in re.findall(r"(?m)^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)\n((?:[A-Z].*\n)+)",
                                 open(f"/proc/{pid}/smaps").read()):
            first, last, rights, name, facts = region
            if "w" not in rights or re.search(r"VmFlags:.*\bdd\b", facts) or name.startswith("[v"):
                continue
            memory.seek(int(first, 16))
            yield name, memory.read(int(last, 16) - int(first, 16))


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2"])
@pytest.mark.parametrize("tls", [False, True] if LONG else [True])
def test_no_secret_in_a_core(shop, certs, secret, mechanism, tls):
    """Its one login is over; another connection could be amid its own, and has the secret at that moment."""
    write_list(shop / "list.csv", 3)
    options = ["--starttls", "--tls-cert", certs / "good.pem", "--tls-key", certs / "good.key"] if tls else []
    word = SECRET.replace("#", ".")  # a token may hold no #
    secret.write_text(word + "\n")
    with Relay(shop.parent / f"{shop.name}-relay", "--user", "ann", "--auth", mechanism, "--require-auth", "--password-file",
               secret, "--fault", "stage=END stall=600000", *options) as r:
        url = f"smtp://ann@localhost:{r.port}?" + (f"ca={certs}/ca.pem" if tls else "tls=none") + f"&auth={mechanism}&connections=1"
        source = ["--token-command", f"cat {secret}"] if mechanism == "XOAUTH2" else ["--password-file", secret]
        p = begin("send", "letter.eml", "list.csv", "--relay", url, *source, "--yes", cwd=shop)
        try:
            until = time.monotonic() + 20
            while not (r.folder / "accepted.tsv").exists() or len(r.accepted()) < 1:
                assert time.monotonic() < until and p.poll() is None
                time.sleep(0.05)
            for name, region in dumped(p.pid):
                for form in forms(word):
                    assert form not in region, (name, form)
        finally:
            p.kill()
            p.wait()

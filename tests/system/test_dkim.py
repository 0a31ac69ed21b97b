"""DKIM signatures, checked by others: dkimpy and OpenDKIM, over many messages and through real servers."""
import csv
import random
import subprocess

import dkim
import pytest

from relay import LONG, lettershop
from servers.server import unpacked

ROWS = 250 if LONG else 60  # a letter
WORDS = ["Ann", "Müller", "漢字", "Привет", "😀", "a" * 90, "=", ".", "From ", "  ", "\t", "words in a row here", "é" * 40, "-- ", "<b>"]

LETTERS = {  # four forms: with 250 rows, 1,000 messages
    "plain": ("", "Hello {{ name }},\n\n  {{ text }}\n\n\n"),
    "html": ("Html-Body: body.html\nInline: blob.bin\nAttachment: blob.bin\n", "{{ text }}"),
    "list": ("List-Id: News <news.example.com>\nList-Unsubscribe: <https://example.com/u/{{ code }}>\n"
             "List-Unsubscribe-Post: List-Unsubscribe=One-Click\nReply-To: {{ name }} <r@example.com>\n"
             "Cc: {{ name }} <c@example.org>\n", "{{ text }} \n\t\n x  y\tz \n"),
    "empty": ("", ""),
}
CANON = {"plain": ("relaxed", "simple"), "html": ("simple", "relaxed"), "list": ("relaxed", "relaxed"), "empty": ("simple", "simple")}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Folder with s1.pem (RSA), e1.pem (Ed25519), and `records` as OpenDKIM reads them."""
    folder = tmp_path_factory.mktemp("keys")
    records = []
    for selector, algorithm in ("s1", "rsa"), ("e1", "ed25519"):
        done = lettershop("dkim-key", selector, "example.com", "--algorithm", algorithm, "--out", folder / f"{selector}.pem", check=0)
        name, value = done.stdout.split(". IN TXT (", 1)
        records.append(f"{name} {''.join(value.split(chr(34))[1::2])}")
    (folder / "records").write_text("\n".join(records) + "\n")
    return folder


def public(keys):
    return dict(line.split(" ", 1) for line in (keys / "records").read_text().splitlines())


def verifies(message, keys, index):
    records = public(keys)
    try:
        return dkim.DKIM(message).verify(idx=index, dnsfunc=lambda name, timeout=5: records[name.decode().rstrip(".")].encode())
    except dkim.ValidationError:
        return False


def verify(message, keys):
    assert message.count(b"\r\nDKIM-Signature: ") == 1  # and one before it
    for i in range(2):
        assert verifies(message, keys, i), message


def as_sent(stored):
    """With CRLF, and without what a delivery put before it."""
    text = stored.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return text[text.index(b"DKIM-Signature: "):]


def write_campaign(folder, keys, form, rows=ROWS):
    rng = random.Random(form)
    header, body = LETTERS[form]
    one, two = CANON[form]
    (folder / "blob.bin").write_bytes(rng.randbytes(3000))
    (folder / "body.html").write_text('<p>{{ text }}</p>  <img src="cid:blob.bin">', encoding="utf-8")
    (folder / "letter.eml").write_text(
        f"From: Bücher <shop@example.com>\nTo: {{{{ name }}}} <{{{{ email }}}}>\nSubject: {{{{ text | truncate: 60 }}}}\n{header}"
        f"DKIM: {keys}/s1.pem; selector=s1; canon=relaxed/{one}\n"
        f"DKIM: {keys}/e1.pem; selector=e1; domain=example.com; canon=relaxed/{two}\n\n{body}", encoding="utf-8")
    with open(folder / "list.csv", "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f)
        out.writerow(["email", "name", "text", "code"])
        for i in range(rows):
            out.writerow([f"user{i}@list.example", " ".join(rng.choices(WORDS[:5], k=2)),
                          "".join(rng.choices(WORDS, k=rng.randrange(0, 12))).replace("\t", " "), i])


@pytest.mark.parametrize("form", LETTERS)
def test_every_signature_verifies(form, tmp_path, keys):
    write_campaign(tmp_path, keys, form)
    lettershop("preview", "letter.eml", "list.csv", "--out", "p", "--limit", "all", cwd=tmp_path, check=0)
    messages = sorted((tmp_path / "p/eml").iterdir())
    assert len(messages) == ROWS
    for path in messages:
        verify(path.read_bytes(), keys)


def test_through_a_maildir(tmp_path, keys):
    write_campaign(tmp_path, keys, "list")
    lettershop("send", "letter.eml", "list.csv", "--relay", "maildir:box", "--yes", cwd=tmp_path, check=0)
    messages = list((tmp_path / "box/new").iterdir())
    assert len(messages) == ROWS
    for path in messages:
        verify(as_sent(path.read_bytes()), keys)


def test_changes_are_seen(tmp_path, keys):
    write_campaign(tmp_path, keys, "list", rows=1)
    lettershop("preview", "letter.eml", "list.csv", "--out", "p", cwd=tmp_path, check=0)
    [path] = (tmp_path / "p/eml").iterdir()
    whole = path.read_bytes()
    verify(whole, keys)
    head, body = whole.split(b"\r\n\r\n", 1)
    changed = [
        head + b"\r\nSubject: another\r\n\r\n" + body,
        head + b"\r\nCc: another@example.net\r\n\r\n" + body,
        head + b"\r\nList-Unsubscribe: <https://evil.example>\r\n\r\n" + body,
        head.replace(b"One-Click", b"Two-Click") + b"\r\n\r\n" + body,
        head + b"\r\n\r\nx" + body,
    ]
    for message in changed:
        assert message != whole
        for i in range(2):
            assert not verifies(message, keys, i), message


def test_options_sign_too(tmp_path, keys):
    (tmp_path / "letter.eml").write_text("From: a@example.com\nTo: {{ email }}\nSubject: x\n\nHello\n")
    (tmp_path / "list.csv").write_text("email\nann@example.org\n")
    lettershop("preview", "letter.eml", "list.csv", "--out", "p", "--dkim-key", keys / "s1.pem", "--dkim-selector", "s1",
               "--dkim-key", keys / "e1.pem", "--dkim-selector", "e1", "--dkim-canon", "relaxed/simple", "--date", "2026-03-01",
               cwd=tmp_path, check=0)
    [path] = (tmp_path / "p/eml").iterdir()
    assert path.read_bytes().count(b"t=1772323200;") == 2
    verify(path.read_bytes(), keys)


@pytest.mark.parametrize("options, says", [
    (["--dkim-key", "no.pem", "--dkim-selector", "s"], "cannot read the key 'no.pem'"),
    (["--dkim-key", "letter.eml", "--dkim-selector", "s"], "no private key"),
    (["--dkim-key", "letter.eml"], "wants a --dkim-selector"),
    (["--dkim-canon", "simple"], "want a --dkim-key"),
    (["--dkim-key", "letter.eml", "--dkim-selector", "a b"], "not a DKIM selector"),
    (["--dkim-key", "letter.eml", "--dkim-selector", "s", "--dkim-canon", "simple/simple"], "no canonical form"),
])
def test_wrong(options, says, tmp_path):
    (tmp_path / "letter.eml").write_text("From: a@example.com\nTo: {{ email }}\nSubject: x\n\nHello\n")
    (tmp_path / "list.csv").write_text("email\nann@example.org\n")
    done = lettershop("check", "letter.eml", "list.csv", *options, cwd=tmp_path, check=2)
    assert says in done.stdout + done.stderr


def test_a_domain_that_is_not_the_senders_is_told(tmp_path, keys):
    (tmp_path / "letter.eml").write_text(
        f"From: a@example.net\nTo: {{{{ email }}}}\nSubject: x\nDKIM: {keys}/s1.pem; selector=s1; domain=example.com\n\nHello\n")
    (tmp_path / "list.csv").write_text("email\nann@example.org\n")
    done = lettershop("check", "letter.eml", "list.csv", cwd=tmp_path, check=0)
    assert "example.net" in done.stdout and "example.com" in done.stdout and "1 warning" in done.stdout


def check_opendkim(folder, keys, messages):
    """All of them, two signatures each, as files in `folder`."""
    opendkim = unpacked("opendkim", "usr/sbin/opendkim")
    folder.mkdir()
    for i, message in enumerate(messages):
        (folder / f"{i}.eml").write_bytes(message)
    (folder / "opendkim.conf").write_text(f"Mode v\nTestPublicKeys {keys}/records\n")
    done = subprocess.run([opendkim / "usr/sbin/opendkim", "-x", "opendkim.conf", "-vvv", "-t", ",".join(p.name for p in folder.glob("*.eml"))],
                          cwd=folder, env={"LD_LIBRARY_PATH": f"{opendkim}/usr/lib/x86_64-linux-gnu:{opendkim}/usr/lib"},
                          capture_output=True, text=True, timeout=600)
    assert done.stdout.count("dkim=pass") == 2 * len(messages), done.stdout[-2000:] + done.stderr[-2000:]


@pytest.mark.parametrize("form", LETTERS)
def test_opendkim_agrees(form, tmp_path, keys):
    write_campaign(tmp_path, keys, form, rows=ROWS)
    lettershop("preview", "letter.eml", "list.csv", "--out", "p", "--limit", "all", cwd=tmp_path, check=0)
    messages = [p.read_bytes() for p in (tmp_path / "p/eml").iterdir()]
    assert len(messages) == ROWS
    check_opendkim(tmp_path / "opendkim", keys, messages)


@pytest.mark.xdist_group("servers")
@pytest.mark.parametrize("form", LETTERS if LONG else ["list"])
@pytest.mark.parametrize("name", ["postfix", "exim", "opensmtpd", "dovecot"])
def test_through_a_server(form, name, tmp_path, keys, request):
    server, rows = request.getfixturevalue(name), ROWS if LONG else 20
    write_campaign(tmp_path, keys, form, rows)
    lettershop("send", "letter.eml", "list.csv", "--relay", server.url(), "--yes", cwd=tmp_path, check=0, timeout=600)
    messages = [got.message for got in server.collect(rows * (2 if form == "list" else 1))]  # the Cc has a copy
    assert len({m.split(b"\r\n\r\n")[0] for m in messages}) == rows
    for message in messages:
        assert message.startswith(b"DKIM-Signature: ")
        verify(message, keys)
    check_opendkim(tmp_path / "opendkim", keys, messages)

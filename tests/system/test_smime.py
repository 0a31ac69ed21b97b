"""S/MIME signatures, checked by openssl cms; with DKIM around them by dkimpy."""
import email
import subprocess

import dkim
import pytest

from relay import LONG, lettershop


def openssl(*arguments, **options):
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=True, timeout=60, **options)


@pytest.fixture(scope="module", params=["rsa", "ec"])
def certs(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("smime")
    kind = ["-newkey", "rsa:2048"] if request.param == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    openssl("req", "-x509", *kind, "-nodes", "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "30",
            "-subj", "/CN=Shop", "-addext", "subjectAltName=email:shop@example.com", "-addext", "extendedKeyUsage=emailProtection",
            "-addext", "keyUsage=digitalSignature")
    return folder


LETTERS = {
    "text": "\n\nHello {{ name }},\n. dot\nFrom here\n  blank   \n\n",
    "html": "\nContent-Type: text/html\nAttachment: key.txt\n\n<p>Hello {{ name }}</p>",
    "utf-8": "\nCharset: iso-2022-jp\n\n日本語 {{ name }}\n",
}


MORE = 168 if LONG else 3  # rows beside the first two: 1,020 messages of three forms and two keys, or 30


def write(folder, certs, rest):
    (folder / "key.txt").write_text("some text\n")
    (folder / "letter.eml").write_text(
        f"From: Shop <shop@example.com>\nTo: {{{{ name }}}} <{{{{ email }}}}>\nSubject: x\nSMIME: {certs}/cert.pem; key={certs}/key.pem{rest}",
        encoding="utf-8")
    more = "".join(f"u{i}@post.example,{'Ann ' * (i + 1)}{chr(0x100 + i)}\n" for i in range(MORE))
    (folder / "list.csv").write_text("email,name\nann@post.example,Ann\nbo@post.example,Bö\n" + more, encoding="utf-8")


def check(path, certs, folder):
    done = openssl("cms", "-verify", "-in", path, "-CAfile", certs / "cert.pem", "-out", folder / "out", "-purpose", "smimesign")
    assert b"erification successful" in done.stderr
    message = email.message_from_bytes(path.read_bytes())
    assert message.get_content_type() == "multipart/signed"
    assert [p.get_content_type() for p in message.get_payload()][1] == "application/pkcs7-signature"
    return (folder / "out").read_bytes()


@pytest.mark.parametrize("form", LETTERS)
def test_verifies(form, tmp_path, certs):
    write(tmp_path, certs, LETTERS[form])
    assert "nothing is wrong" in lettershop("check", "letter.eml", "list.csv", cwd=tmp_path, check=0).stdout or form == "utf-8"
    lettershop("preview", "letter.eml", "list.csv", "--out", "p", "--limit", "all", cwd=tmp_path, check=0)
    paths = sorted((tmp_path / "p/eml").iterdir())
    assert len(paths) == 2 + MORE
    for path in paths:
        inner = email.message_from_bytes(check(path, certs, tmp_path))
        texts = [p.get_payload(decode=True).decode(p.get_content_charset() or "ascii") for p in inner.walk() if not p.is_multipart()]
        assert ("Bö" if "bo@" in path.name else "Ann") in texts[0]
        changed = path.read_bytes().replace(b"Hello", b"Hullo").replace(b"SGVsbG8", b"SHVsbG8")
        if changed != path.read_bytes():
            (tmp_path / "changed.eml").write_bytes(changed)
            assert subprocess.run(["openssl", "cms", "-verify", "-in", tmp_path / "changed.eml", "-CAfile", certs / "cert.pem"],
                                  capture_output=True, check=False, timeout=60).returncode != 0


def test_time_is_the_recorded_one(tmp_path, certs):
    write(tmp_path, certs, LETTERS["text"])
    options = ["--date", "2026-03-01T09:00:00Z", "--seed", "1"]
    for name in "p", "q":
        lettershop("preview", "letter.eml", "list.csv", "--out", name, *options, cwd=tmp_path, check=0)
    one, two = ((tmp_path / n / "eml/000001-ann@post.example.eml").read_bytes() for n in "pq")
    if "PRIVATE KEY" in (certs / "key.pem").read_text() and b"rsaEncryption" in openssl("x509", "-in", certs / "cert.pem", "-text", "-noout").stdout:
        assert one == two  # RSA: the same bytes again
    shown = openssl("cms", "-cmsout", "-print", "-in", tmp_path / "p/eml/000001-ann@post.example.eml").stdout
    assert b"Mar  1 09:00:00 2026" in shown


def test_options_and_findings(tmp_path, certs):
    (tmp_path / "letter.eml").write_text("From: other@example.com\nTo: {{ email }}\nSubject: x\n\nHello\n")
    (tmp_path / "list.csv").write_text("email\nann@post.example\n")
    done = lettershop("check", "letter.eml", "list.csv", "--smime-cert", certs / "cert.pem", "--smime-key", certs / "key.pem", cwd=tmp_path, check=0)
    assert "not for the address" in done.stdout
    for options, says in [(["--smime-cert", "letter.eml"], "no certificate"), (["--smime-cert", "no.pem"], "cannot read the certificate"),
                          (["--smime-key", "x"], "wants a --smime-cert"), (["--smime-cert", certs / "cert.pem"], "no private key")]:
        done = lettershop("check", "letter.eml", "list.csv", *options, cwd=tmp_path, check=2)
        assert says in done.stdout + done.stderr
    openssl("genpkey", "-algorithm", "ED25519", "-out", tmp_path / "other.pem")
    done = lettershop("check", "letter.eml", "list.csv", "--smime-cert", certs / "cert.pem", "--smime-key", "other.pem", cwd=tmp_path, check=2)
    assert "not the one of the certificate" in done.stdout


def test_dkim_around_it(tmp_path, certs):
    record = lettershop("dkim-key", "s1", "example.com", "--out", tmp_path / "s1.pem", check=0).stdout
    value = "".join(record.split('"')[1::2]).encode()
    (tmp_path / "key.txt").write_text("x")
    write(tmp_path, certs, LETTERS["html"])
    lettershop("preview", "letter.eml", "list.csv", "--out", "p", "--dkim-key", "s1.pem", "--dkim-selector", "s1", cwd=tmp_path, check=0)
    for path in (tmp_path / "p/eml").iterdir():
        assert dkim.verify(path.read_bytes(), dnsfunc=lambda name, timeout=5: value)
        check(path, certs, tmp_path)

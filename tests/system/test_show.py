"""`show`: the message of a row again, to the byte, after it was sent."""
import pytest

from relay import lettershop

LETTER = """From: Shop <shop@example.com>
To: {{ name }} <{{ email }}>
Subject: Hi {{ name }}
Return-Path: bounce+{{ token }}@example.com
Html-Body: body.html

Hello {{ name }}, {{ "now" | date: "%H:%M:%S" }} {{ token }}
"""


@pytest.fixture
def campaign(tmp_path):
    (tmp_path / "letter.eml").write_text(LETTER)
    (tmp_path / "body.html").write_text("<p>Hello {{ name }} {{ extra }}")
    (tmp_path / "list.csv").write_text("email,name\n" + "".join(f"u{i}@example.org,Name {i}\n" for i in range(1, 41)))
    lettershop("send", "letter.eml", "list.csv", "--relay", "eml:out", "--yes", "--results", "r.csv", "--var", "extra=1",
               "--connections", 3, cwd=tmp_path, check=0)
    return tmp_path


def show(campaign, row, *options, check=0):
    return lettershop("show", "r.csv", "--row", row, "letter.eml", "list.csv", *options, cwd=campaign, check=check)


def test_the_same_bytes(campaign):
    sent = {p.name: p.read_bytes() for p in (campaign / "out").rglob("*.eml")}
    assert len(sent) == 40
    for row in 1, 2, 17, 40:
        [path] = [p for p in (campaign / "out").rglob("*.eml") if f"u{row}@" in p.name]
        shown = show(campaign, row, "--var", "extra=1").stdout
        assert shown.replace("\r\n", "\n").encode() == path.read_bytes().replace(b"\r\n", b"\n")


def test_signed_ones_too(campaign):
    lettershop("dkim-key", "s1", "example.com", cwd=campaign, check=0)
    options = ["--var", "extra=2", "--dkim-key", "s1.example.com.pem", "--dkim-selector", "s1"]
    lettershop("send", "letter.eml", "list.csv", "--relay", "eml:signed", "--yes", "--results", "s.csv", *options, cwd=campaign, check=0)
    [path] = [p for p in (campaign / "signed").rglob("*.eml") if "u7@" in p.name]
    done = lettershop("show", "s.csv", "--row", 7, "letter.eml", "list.csv", *options, cwd=campaign, check=0)
    assert done.stdout.startswith("DKIM-Signature:")
    assert done.stdout.replace("\r\n", "\n").encode() == path.read_bytes().replace(b"\r\n", b"\n")


def test_what_cannot_be_shown(campaign):
    cases = [
        (show(campaign, 41, "--var", "extra=1", check=2), "no message of row 41"),
        (show(campaign, 1, "--var", "extra=2", check=2), "is not the campaign's"),
        (show(campaign, 1, check=2), "extra"),
        (show(campaign, 0, check=2), "--row"),
        (lettershop("show", "r.csv", "letter.eml", "list.csv", cwd=campaign, check=2), "wants --row"),
        (lettershop("show", "none.csv", "--row", 1, "letter.eml", "list.csv", cwd=campaign, check=2), "no campaign"),
        (lettershop("show", "r.csv", "--row", 1, "letter.eml", cwd=campaign, check=2), "show wants RESULTS LETTER RECIPIENTS"),
    ]
    for done, says in cases:
        assert says in done.stderr, done.stderr
        assert done.stdout == ""
    (campaign / "letter.eml").write_text(LETTER + "more\n")
    assert "is not the campaign's" in show(campaign, 1, "--var", "extra=1", check=2).stderr

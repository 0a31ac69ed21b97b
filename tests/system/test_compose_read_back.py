"""Composed messages, read by Python's `email`: no defect, and every text as the row has it."""
import csv
import email
import email.policy
import html
import os
import random
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest

from relay import LONG, lettershop

WORDS = ["Ann", "Müller", "漢字", "Привет", "😀", "é" * 30, "a" * 80, " ", '"', ",", "<evil@bad.example>", "(x)", "\\",
         "=?UTF-8?Q?x?=", "=?", "?=", "_", "=", "&", "'", "<", ";", ":", "@", ".", "From ", "  ", "-", "words in a row here",
         "ß", "é", "שלום", "--", "{", "}", "%", "test"]
COLUMNS = ["email", "name", "subject", "note", "body", "markup", "file"]
ROWS = 40
LETTERS = 60 if LONG else 8


def text(rng, most, breaks=False):
    out = "".join(rng.choice(WORDS) + rng.choice(["", " "]) for _ in range(rng.randint(0, most)))
    if breaks:
        out = "".join(rng.choice("\n\n \t.") if rng.random() < 0.05 else c for c in out)
    return out


def plain(rng, most, breaks=False):
    """For the letter's own text: nothing that is a template."""
    return text(rng, most, breaks).replace("{", "").replace("}", "").replace("=?", "=").replace("%", "")


def make_rows(rng):
    return [{"email": f"user{i}@list.example", "name": text(rng, 6).strip(), "subject": text(rng, 10).strip(),
             "note": text(rng, 12).strip(), "body": text(rng, 30, True), "markup": text(rng, 20, True),
             "file": "".join(c for c in text(rng, 3) if c not in '<>:"|?*\\/').strip(" .") or "file"}
            for i in range(ROWS)]


class Letter:
    """A letter of random structure, and what it must come to for a row."""

    def __init__(self, rng, folder):
        self.html, self.attached, self.inline = (rng.random() < 0.6 for _ in range(3))
        self.head = " ".join(plain(rng, 4).split())
        self.fixed = plain(rng, 20, True)
        self.blob = os.urandom(rng.randint(0, 400))
        (folder / "blob.bin").write_bytes(self.blob)
        (folder / "body.html").write_text('<p>{{ markup }}</p><img src="cid:blob.bin">', encoding="utf-8")
        lines = ["From: Bücher Shop <shop@example.com>", "To: {{ name }} <{{ email }}>",
                 'Cc: "Fixed, Name" <c@example.com>, Dr. {{ name }} <d@example.com>',
                 f"Subject: {self.head} {{{{ subject }}}}", "X-Note: {{ note }}", f"X-Fixed: {self.head}"]
        lines += ["Html-Body: body.html"] if self.html else []
        lines += ['Attachment: blob.bin; name="{{ file }}"'] if self.attached else []
        lines += ["Inline: blob.bin"] if self.inline else []
        body = f"{self.fixed}{{{{ body }}}}{self.fixed}"
        (folder / "letter.eml").write_text("\n".join(lines) + "\n\n" + body, encoding="utf-8", newline="")

    def body(self, row):
        return ended(self.fixed + row["body"] + self.fixed)


def ended(s):
    return s if not s or s.endswith("\n") else s + "\n"


def addresses(field):
    return [(str(make_header(decode_header(name))), path) for name, path in getaddresses([field])]


def check_lines(raw):
    assert max(raw) < 128
    assert raw.endswith(b"\r\n")
    for line in raw.split(b"\r\n"):
        assert b"\r" not in line and b"\n" not in line and b"\0" not in line
        assert len(line) <= 78 or b" " not in line.split(b": ", 1)[-1].strip()
        assert not line.startswith(b".") and not line.startswith(b"From ")


def check_headers(message, raw, letter, row):
    old = email.message_from_bytes(raw)  # joins encoded words of a name as RFC 2047 6.2 says
    assert [a.addr_spec for a in message["to"].addresses] == [row["email"]]
    assert addresses(old["to"]) == [(row["name"], row["email"])]
    assert addresses(old["cc"]) == [("Fixed, Name", "c@example.com"), (f"Dr. {row['name']}".strip(), "d@example.com")]
    assert (message["subject"] or "") == f"{letter.head} {row['subject']}".strip()
    assert (message["x-note"] or "") == row["note"]
    assert (message["x-fixed"] or "") == letter.head
    assert message["bcc"] is None and message["date"].datetime and message["message-id"]


def check_parts(message, letter, row):
    kinds = [p.get_content_type() for p in message.walk() if not p.is_multipart()]
    want = ["text/plain"] + ["text/html"] * letter.html + ["application/octet-stream"] * (letter.inline + letter.attached)
    assert kinds == want
    assert message.get_body(("plain",)).get_content().replace("\r\n", "\n") == letter.body(row)
    if letter.html:
        got = message.get_body(("html",)).get_content().replace("\r\n", "\n")
        assert html.unescape(got).startswith(f"<p>{row['markup']}</p><img src=")
    files = [p for p in message.walk() if p.get_content_type() == "application/octet-stream"]
    assert all(p.get_content() == letter.blob for p in files)
    if letter.attached:
        assert [p.get_filename() for p in files if p.get_content_disposition() == "attachment"] == [row["file"]]
    if letter.inline and letter.html:
        cid = next(p["content-id"] for p in files if p.get_content_disposition() == "inline").strip("<>")
        assert f'src="cid:{cid}"' in got


def check_defects(message):
    for part in message.walk():
        assert not part.defects
        for name, value in part.items():
            assert not value.defects, (name, value, value.defects)


@pytest.mark.parametrize("seed", range(LETTERS))
def test_python_reads_every_text_back(tmp_path, seed):
    rng = random.Random(seed)
    letter, rows = Letter(rng, tmp_path), make_rows(rng)
    with open(tmp_path / "list.csv", "w", newline="", encoding="utf-8") as f:
        out = csv.DictWriter(f, COLUMNS)
        out.writeheader()
        out.writerows(rows)
    lettershop("preview", "letter.eml", "list.csv", "--out", "out", "--limit", "all", cwd=tmp_path, check=0)
    by_address = {row["email"]: row for row in rows}
    files = sorted((tmp_path / "out").rglob("*.eml"))
    assert len(files) == ROWS
    for file in files:
        raw = file.read_bytes()
        message = email.message_from_bytes(raw, policy=email.policy.default)
        row = by_address.pop(message["to"].addresses[0].addr_spec)
        check_lines(raw)
        check_defects(message)
        check_headers(message, raw, letter, row)
        check_parts(message, letter, row)
    assert not by_address

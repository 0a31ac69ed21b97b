"""Letters in the form that another mail-merge tool, mailmerge, takes: used unchanged."""
import email
import email.policy

import pytest

from relay import lettershop

HEAD = "TO: {{email}}\nFROM: My Self <myself@mydomain.com>\n"
LETTERS = {
    "plain": ("SUBJECT: Testing mailmerge\n\nHi, {{name}},\n\nYour number is {{number}}.\n", ["text/plain"], "Your number is 17"),
    "attachment": ("SUBJECT: x\nATTACHMENT: file1.docx\nATTACHMENT: ../{{number}}/no.txt\n\nx\n", None, "outside"),
    "attachments": ("SUBJECT: x\nATTACHMENT: file1.docx\nATTACHMENT: {{name}}_submission.txt\n\nHi, {{name}}\n",
                    ["multipart/mixed", "text/plain", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "text/plain"], "Hi, Ann"),
    "html": ("SUBJECT: x\nContent-Type: text/html\n\n<html><body><p>Hi, {{name}},</p></body></html>\n",
             ["multipart/alternative", "text/plain", "text/html"], "Hi, Ann,"),
    "inline picture": ("SUBJECT: x\nATTACHMENT: image.jpg\nContent-Type: text/html\n\n<img src=\"image.jpg\" />{{name}}\n",
                       ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/jpeg"], "cid:image.jpg"),
    "markdown": ("CC: {{name}} Two <two@example.org>\nBCC: secret@example.org\nSUBJECT: x\nCONTENT-TYPE: text/markdown\n\n"
                 "You can add:\n\n- Emphasis, aka *italics*\n- Strong emphasis, aka **bold**\n\n{{name}}\n",
                 ["multipart/alternative", "text/plain", "text/html"], "<strong>bold</strong>"),
    "multipart": ("SUBJECT: x\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=\"boundary\"\n\nThis is a MIME-encoded message.\n\n"
                  "--boundary\nContent-Type: text/plain; charset=us-ascii\n\nHi, {{name}},\n\n--boundary\nContent-Type: text/html; charset=us-ascii\n\n"
                  "<html><body><p>Hi, {{name}},</p></body></html>\n--boundary--\n", ["multipart/alternative", "text/plain", "text/html"], "<p>Hi, Ann,</p>"),
    "beyond ASCII": ("SUBJECT: Grüße, 漢字 {{name}}\n\nPräzise, {{name}} €\n", ["text/plain"], "Präzise, Ann €"),
}


@pytest.mark.parametrize("form", LETTERS)
def test_works_unchanged(form, tmp_path):
    letter, types, says = LETTERS[form]
    (tmp_path / "mailmerge_template.txt").write_text(HEAD + letter, encoding="utf-8")
    (tmp_path / "mailmerge_database.csv").write_text('email,name,number\nann@example.org,"Ann",17\n', encoding="utf-8")
    (tmp_path / "file1.docx").write_bytes(b"PK\x03\x04")
    (tmp_path / "image.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "Ann_submission.txt").write_text("mine\n")
    done = lettershop("send", "mailmerge_template.txt", "mailmerge_database.csv", "--relay", "eml:out", "--yes", cwd=tmp_path)
    if types is None:
        assert done.returncode == 2 and says in done.stderr
        return
    assert done.returncode == 0, done.stderr
    message = email.message_from_bytes(next((tmp_path / "out").rglob("*.eml")).read_bytes(), policy=email.policy.default)
    assert [p.get_content_type() for p in message.walk()] == types
    assert not [d for p in message.walk() for d in p.defects]
    texts = "".join(p.get_content() for p in message.walk() if p.get_content_maintype() == "text")
    assert says in texts
    assert message["Bcc"] is None and str(message["To"]) == "ann@example.org"
    if form == "beyond ASCII":
        assert str(message["Subject"]) == "Grüße, 漢字 Ann"
    if form == "markdown":
        assert str(message["Cc"]) == "Ann Two <two@example.org>"

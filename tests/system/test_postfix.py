"""Through a real Postfix into mailboxes, read back by Python's email."""
import csv
import email
import email.policy
import html.parser
import subprocess

from relay import ROOT, lettershop, results
from servers import REFUSED


def send(folder, letter, recipients, postfix, *options, check=0):
    return lettershop("send", letter, recipients, "--relay", postfix.url(), "--yes", "--results", folder / "results.csv",
                      *options, cwd=folder, check=check, timeout=300)


def delivered(postfix, n):
    """Of each message: who has it, and what Python's email reads."""
    return [(x.recipient, email.message_from_bytes(x.message, policy=email.policy.default)) for x in postfix.collect(n)]


def rows_of(path):
    with open(path, newline="", encoding="utf-8-sig") as f:
        return {row["email"].lower(): row for row in csv.DictReader(f)}


class Text(html.parser.HTMLParser):
    def __init__(self, source):
        super().__init__()
        self.text = ""
        self.feed(source)

    def handle_data(self, data):
        self.text += data


def check_sound(message):
    for part in message.walk():
        assert part.defects == [], part.defects
    for header in message.values():
        assert getattr(header, "defects", ()) in ((), []), header.defects
    for name in ("From", "To", "Subject", "Date", "Message-ID"):
        assert len(message.get_all(name)) == 1, name


def test_hello(tmp_path, postfix):
    sample = ROOT / "samples/01-hello"
    send(tmp_path, sample / "letter.eml", sample / "recipients.csv", postfix)
    rows = rows_of(sample / "recipients.csv")
    seen = set()
    for to, message in delivered(postfix, len(rows)):
        check_sound(message)
        row = rows[to.lower()]
        seen.add(to.lower())
        assert message["To"].addresses[0].addr_spec.lower() == to.lower()
        assert row["name"] in message.get_body(("plain",)).get_content()
    assert seen == set(rows)


def test_newsletter(tmp_path, postfix):
    sample = ROOT / "samples/02-newsletter"
    recipients = tmp_path / "recipients.csv"
    with recipients.open("wb") as f:
        subprocess.run([sample / "make-recipients"], stdout=f, check=True)
    rows = rows_of(recipients)
    assert len(rows) == 1000
    send(tmp_path, sample / "letter.eml", recipients, postfix, "--connections", "4")
    seen = set()
    for to, message in delivered(postfix, 1000):
        check_sound(message)
        row = rows[to.lower()]
        assert to.lower() not in seen
        seen.add(to.lower())
        assert message["To"].addresses[0].display_name == row["name"]
        assert row["name"] in message.get_body(("plain",)).get_content()
        assert row["name"] in Text(message.get_body(("html",)).get_content()).text
        kinds = [p.get_content_type() for p in message.walk()]
        assert "text/plain" in kinds and "text/html" in kinds and any(k.startswith("image/") for k in kinds)
        attachments = list(message.iter_attachments())
        assert attachments and all(a.get_filename() for a in attachments)
    assert seen == set(rows)
    assert len(results(tmp_path / "results.csv")) == 1000


def test_refused_by_postfix(tmp_path, postfix):
    """Postfix slows down and hangs up on senders with many errors: nobody is lost by that."""
    sample = ROOT / "samples/01-hello"
    with open(sample / "recipients.csv", newline="", encoding="utf-8-sig") as f:
        header = next(csv.reader(f))
    with (tmp_path / "list.csv").open("w", newline="") as f:
        out = csv.DictWriter(f, header)
        out.writeheader()
        for i in range(60):
            bad = i % 3 == 0
            out.writerow({k: f"{REFUSED if bad else 'somebody'}{i}@list.example" if k == "email" else f"x{i}"
                          for k in header})
    send(tmp_path, sample / "letter.eml", tmp_path / "list.csv", postfix, check=1)
    rows = results(tmp_path / "results.csv")
    assert len(rows) == 60
    assert {x["recipient"] for x in rows if x["status"] == "refused"} == {
        f"{REFUSED}{i}@list.example" for i in range(0, 60, 3)}
    assert all(x["enhanced"] == "5.1.1" for x in rows if x["status"] == "refused")
    to = [t for t, _ in delivered(postfix, 40)]
    assert sorted(to) == sorted(f"somebody{i}@list.example" for i in range(60) if i % 3)
    assert all(x["queue_id"] for x in rows if x["status"] == "sent")

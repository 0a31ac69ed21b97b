"""Through a real Postfix into mailboxes, read back by Python's email."""
import csv
import html.parser
import pathlib
import subprocess
import tempfile

import pytest

import mta
from relay import ROOT, lettershop, results

why_not = mta.available()
pytestmark = pytest.mark.skipif(why_not is not None, reason=str(why_not))


@pytest.fixture
def postfix(certs):
    # Not below pytest's folder, which is closed to the other users that Postfix runs as.
    with tempfile.TemporaryDirectory(prefix="lettershop-postfix-") as folder:
        server = mta.Postfix(pathlib.Path(folder) / "postfix", certs / "good.pem", certs / "good.key",
                             refused=["nobody[0-9]*@.*"])
        server.start()
        try:
            yield server
        finally:
            server.stop()


def send(folder, letter, recipients, postfix, certs, *options, check=0):
    return lettershop("send", letter, recipients, "--relay", f"smtp://localhost:{postfix.port}?ca={certs}/ca.pem",
                      "--yes", "--results", folder / "results.csv", *options, cwd=folder, check=check, timeout=300)


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


def test_hello(tmp_path, postfix, certs):
    sample = ROOT / "samples/01-hello"
    send(tmp_path, sample / "letter.eml", sample / "recipients.csv", postfix, certs)
    postfix.wait_delivered()
    rows = rows_of(sample / "recipients.csv")
    seen = set()
    for to, message in postfix.delivered():
        check_sound(message)
        row = rows[to.lower()]
        seen.add(to.lower())
        assert message["To"].addresses[0].addr_spec.lower() == to.lower()
        assert row["name"] in message.get_body(("plain",)).get_content()
    assert seen == set(rows)


def test_newsletter(tmp_path, postfix, certs):
    sample = ROOT / "samples/02-newsletter"
    recipients = tmp_path / "recipients.csv"
    with recipients.open("wb") as f:
        subprocess.run([sample / "make-recipients"], stdout=f, check=True)
    rows = rows_of(recipients)
    assert len(rows) == 1000
    send(tmp_path, sample / "letter.eml", recipients, postfix, certs, "--connections", "4")
    postfix.wait_delivered()
    seen = set()
    for to, message in postfix.delivered():
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


def test_refused_by_postfix(tmp_path, postfix, certs):
    """Postfix slows down and hangs up on senders with many errors: nobody is lost by that."""
    sample = ROOT / "samples/01-hello"
    with open(sample / "recipients.csv", newline="", encoding="utf-8-sig") as f:
        header = next(csv.reader(f))
    with (tmp_path / "list.csv").open("w", newline="") as f:
        out = csv.DictWriter(f, header)
        out.writeheader()
        for i in range(60):
            bad = i % 3 == 0
            out.writerow({k: f"{'nobody' if bad else 'somebody'}{i}@list.example" if k == "email" else f"x{i}"
                          for k in header})
    send(tmp_path, sample / "letter.eml", tmp_path / "list.csv", postfix, certs, check=1)
    postfix.wait_delivered()
    rows = results(tmp_path / "results.csv")
    assert len(rows) == 60
    assert {x["recipient"] for x in rows if x["status"] == "refused"} == {
        f"nobody{i}@list.example" for i in range(0, 60, 3)}
    assert all(x["enhanced"] == "5.1.1" for x in rows if x["status"] == "refused")
    to = [t for t, _ in postfix.delivered()]
    assert sorted(to) == sorted(f"somebody{i}@list.example" for i in range(60) if i % 3)
    assert all(x["queue_id"] for x in rows if x["status"] == "sent")

"""Files of a letter that rows name: beneath its folder, one verdict a row for what cannot be sent, read before it is offered."""
import base64
import email
import email.header
import os
import time

import pytest

from relay import Relay, begin, lettershop, results

LETTER = "From: post@sender.example\nTo: {{ email }}\nSubject: x\nAttachment: {{ file }}\n\nHello\n"


def campaign(folder, rows):
    (folder / "letter.eml").write_text(LETTER)
    (folder / "list.csv").write_text("email,file\n" + "".join(f"user{i}@list.example,{name}\n" for i, name in enumerate(rows, 1)))
    (folder / "files").mkdir()
    (folder / "files/small.txt").write_bytes(b"small")
    (folder / "files/large.bin").write_bytes(os.urandom(60_000))


def attached(path):
    message = email.message_from_bytes(path.read_bytes())
    [part] = [p for p in message.walk() if p.get_content_disposition() == "attachment"]
    return part.get_payload(decode=True)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "files/../../secret", "out", "up/secret", "files/out", "/proc/self/environ"])
def test_nothing_outside_the_folder(tmp_path, name):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret").write_text("secret")
    campaign(inside, ["files/small.txt", name])
    (inside / "out").symlink_to("/etc/passwd")
    (inside / "files/out").symlink_to("../../secret")
    (inside / "up").symlink_to("..")
    done = lettershop("send", "letter.eml", "list.csv", "--relay", "eml:sent", "--yes", cwd=inside, check=2)
    assert "list.csv:3" in done.stderr and "outside the letter's folder" in done.stderr
    assert not (inside / "sent").exists() or not list((inside / "sent").rglob("*.eml"))


def test_links_within_the_folder_are_followed(tmp_path):
    campaign(tmp_path, ["link"])
    (tmp_path / "link").symlink_to("files/small.txt")
    lettershop("send", "letter.eml", "list.csv", "--relay", "eml:sent", "--yes", cwd=tmp_path, check=0)
    assert attached(next((tmp_path / "sent").rglob("*.eml"))) == b"small"


def test_too_long_for_us(tmp_path):
    campaign(tmp_path, ["files/small.txt", "files/large.bin", "files/small.txt"])
    done = lettershop("check", "letter.eml", "list.csv", "--max-message-size", "50000", cwd=tmp_path, check=2)
    assert "list.csv:3" in done.stdout and "50000" in done.stdout
    lettershop("send", "letter.eml", "list.csv", "--relay", "eml:sent", "--yes", "--bad-rows", "skip", "--max-message-size", "50000",
               cwd=tmp_path, check=1)
    assert [r["status"] for r in sorted(results(tmp_path / "dry-run.csv"), key=lambda r: int(r["row"]))] == ["sent", "skipped", "sent"]
    assert "large.bin" in (tmp_path / "dry-run.failed.csv").read_text()


def test_too_long_for_the_relay(tmp_path):
    campaign(tmp_path, ["files/small.txt", "files/large.bin", "files/small.txt"])
    with Relay(tmp_path / "relay", "--extensions", "SIZE=50000") as relay:
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{relay.port}?tls=none", "--yes", cwd=tmp_path, check=1)
        assert sorted(relay.recipients()) == ["user1@list.example", "user3@list.example"]
    [bad] = [r for r in results(tmp_path / "results.csv") if r["status"] != "sent"]
    assert (bad["status"], bad["recipient"], bad["enhanced"]) == ("refused", "user2@list.example", "5.3.4")
    assert "the relay takes at most 50000" in bad["reply"]


def test_files_that_change_while_the_campaign_runs(tmp_path):
    """After the check of the whole list, while the first rows are sent: one vanishes, one leads out, one grows, one changes."""
    rows = [f"files/{i}" for i in range(1, 9)]
    campaign(tmp_path, rows)
    for name in rows:
        (tmp_path / name).write_bytes(b"as checked")
    run = begin("send", "letter.eml", "list.csv", "--relay", "eml:sent", "--yes", "--rate", "2/s", "--max-message-size", "50000", "--bad-rows", "skip",
                cwd=tmp_path)
    until = time.monotonic() + 30
    while not list((tmp_path / "sent").rglob("*.eml")) and time.monotonic() < until:
        time.sleep(0.01)
    (tmp_path / "files/5").unlink()
    (tmp_path / "files/6").unlink()
    (tmp_path / "files/6").symlink_to("/etc/passwd")
    (tmp_path / "files/7").write_bytes(bytes(60_000))
    (tmp_path / "files/8").write_bytes(b"as it is now")
    code = run.wait(timeout=60)
    assert code == 1, run.stdout.read()
    rows = {int(r["row"]): r for r in results(tmp_path / "dry-run.csv")}
    assert [rows[i]["status"] for i in range(1, 9)] == ["sent"] * 4 + ["skipped"] * 3 + ["sent"]
    for row, says in (5, "does not exist"), (6, "outside the letter's folder"), (7, "50000"):
        assert says in rows[row]["reply"], rows[row]
    sent = {int(p.name[:6]): attached(p) for p in (tmp_path / "sent").rglob("*.eml")}
    assert sent == {1: b"as checked", 2: b"as checked", 3: b"as checked", 4: b"as checked", 8: b"as it is now"}


def test_a_fixed_file_is_read_once(tmp_path):
    campaign(tmp_path, ["x"] * 4)
    (tmp_path / "letter.eml").write_text(LETTER.replace("{{ file }}", "files/small.txt"))
    run = begin("send", "letter.eml", "list.csv", "--relay", "eml:sent", "--yes", "--rate", "2/s", cwd=tmp_path)
    until = time.monotonic() + 30
    while not list((tmp_path / "sent").rglob("*.eml")) and time.monotonic() < until:
        time.sleep(0.01)
    (tmp_path / "files/small.txt").write_bytes(base64.b64encode(b"another"))
    assert run.wait(timeout=60) == 0
    assert {attached(p) for p in (tmp_path / "sent").rglob("*.eml")} == {b"small"}


def test_a_name_in_both_forms(tmp_path):
    """filename*= for readers of today; name= in encoded words, which old ones know, only when the letter asks."""
    campaign(tmp_path, ["files/small.txt"])
    name = "März – Rechnung für Zoë und 山田太郎.txt"
    for wanted in ("no", "yes"):
        (tmp_path / "letter.eml").write_text(LETTER.replace("{{ file }}", f'{{{{ file }}}}; name="{name}"; old-name={wanted}'))
        lettershop("send", "letter.eml", "list.csv", "--relay", f"eml:{wanted}", "--yes", "--results", f"{wanted}.csv", cwd=tmp_path, check=0)
        message = email.message_from_bytes(next((tmp_path / wanted).rglob("*.eml")).read_bytes())
        [part] = [p for p in message.walk() if p.get_content_disposition() == "attachment"]
        assert part.get_filename() == name
        old = str(email.header.make_header(email.header.decode_header(part.get_param("name"))))
        assert (old == name) == (wanted == "yes")

"""init: a campaign to begin with that works as it is."""
from relay import lettershop, results


def test_starter_works(tmp_path):
    lettershop("init", "first", cwd=tmp_path, check=0)
    folder = tmp_path / "first"
    assert sorted(p.name for p in folder.iterdir()) == ["letter.eml", "lettershop.conf", "recipients.csv"]
    done = lettershop("check", "letter.eml", "recipients.csv", "--settings", "lettershop.conf", cwd=folder, check=0)
    assert "3 messages" in done.stdout and "no error, 3 warnings" in done.stdout
    assert "ann@example.com is nobody's address" in done.stdout
    lettershop("preview", "letter.eml", "recipients.csv", "--out", "preview", cwd=folder, check=0)
    texts = [p.read_text() for p in sorted((folder / "preview/eml").iterdir())]
    assert "Dear Ann,\n" in texts[0].replace("\r\n", "\n") and "1 March 2026" in texts[0]
    assert "comment" not in texts[0] and "call us at any time" in texts[0] and "pro plan" in texts[1]
    assert "Subject: Welcome to Lisbon, Ann" in texts[0]
    lettershop("send", "letter.eml", "recipients.csv", "--relay", "maildir:rehearsal", "--yes", cwd=folder, check=0)
    assert [r["status"] for r in results(folder / "dry-run.csv")] == ["sent"] * 3


def test_never_writes_over(tmp_path):
    (tmp_path / "recipients.csv").write_text("mine\n")
    done = lettershop("init", tmp_path, check=2)
    assert "has a recipients.csv already; nothing was written" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["recipients.csv"]
    assert (tmp_path / "recipients.csv").read_text() == "mine\n"


def test_an_existing_folder_is_fine(tmp_path):
    (tmp_path / "notes.txt").write_text("mine\n")
    lettershop("init", tmp_path, check=0)
    assert len(list(tmp_path.iterdir())) == 4
    lettershop("init", tmp_path, check=2)


def test_no_place(tmp_path):
    done = lettershop("init", tmp_path / "a/b", check=2)
    assert "cannot make the folder" in done.stderr

"""Settings files: any long option as name = value, sections for relays, mistakes with their place."""
import pytest

from relay import lettershop, results, write_letter, write_list


@pytest.fixture
def folder(tmp_path):
    write_letter(tmp_path / "letter.eml")
    write_list(tmp_path / "list.csv", 5)
    return tmp_path


def wrong(folder, text, *arguments, command="send"):
    (folder / "my.conf").write_bytes(text if isinstance(text, bytes) else text.encode())
    before = sorted(p.name for p in folder.iterdir())
    done = lettershop(command, "letter.eml", "list.csv", "--settings", "my.conf", *arguments, cwd=folder, check=2)
    assert sorted(p.name for p in folder.iterdir()) == before
    lines = done.stderr.splitlines()
    assert len(lines) <= 2 and lines[0].startswith("lettershop: my.conf:"), done.stderr
    return lines[0][len("lettershop: my.conf:"):], lines[1].strip() if len(lines) == 2 else ""


@pytest.mark.parametrize("text, sentence, hint", [
    ("rtae = 5/s\n", "1:1: there is no setting 'rtae'", "did you mean rate?"),
    ("# fine\n\n  conections = 4\n", "3:3: there is no setting 'conections'", "did you mean connections?"),
    ("xyzzyxyzzy = 4\n", "1:1: there is no setting 'xyzzyxyzzy'", "every long option"),
    ("help = yes\n", "1:1: 'help' cannot stand in a settings file", "command line"),
    ("settings = other.conf\n", "1:1: 'settings' cannot stand in a settings file", "--settings belongs on the command line"),
    ("connections = viele\n", "1:15: connections wants a number from 1 to 1024, not 'viele'", ""),
    ("connections =\n", "1:1: connections wants a value: N", ""),
    ("resume = perhaps\n", "1:10: resume is yes or no, not 'perhaps'", ""),
    ("resume =\n", "1:1: 'resume' wants yes or no", ""),
    ("rate = 1/s\nrate = 2/s\n", "2:1: 'rate' was already set in line 1", ""),
    ("rate = 1/s\nretry_for=1s\nretry-for=2s\n", "3:1: 'retry-for' was already set in line 2", ""),
    ("rate\n", "1:1: this line is no setting", "name = value"),
    ("= 4\n", "1:1: this line is no setting", "name = value"),
    ("password = secret\n", "1:1: a password does not stand in a settings file", "password_command"),
    ("[relay main]\npassword = secret\n", "2:1: a password does not stand in a settings file", "password_command"),
    ("[relay main\n", "1:1: the section's name has no ]", ""),
    ("[main]\n", "1:1: a section is written [relay NAME]", ""),
    ("[relay]\n", "1:1: a section is written [relay NAME]", ""),
    ("[relay a:b]\n", "1:1: a section is written [relay NAME]", ""),
    ("[relay a]\nurl = null:\n[relay a]\nurl = null:\n", "3:1: relay 'a' has a section already, in line 1", ""),
    ("[relay a]\nuser = null:\n", "2:1: there is no setting 'user'", "url"),
    ("[relay a]\nrate = 5/s\n", "2:1: there is no setting 'rate'", "before the first [relay NAME]"),
    ("[relay a]\nulr = null:\n", "2:1: there is no setting 'ulr'", "did you mean url?"),
    ("[relay a]\nurl = null:\nurl = null:\n", "3:1: 'url' stands twice", ""),
    ("rate = 1/s\n[relay a]\n# nothing\n", "2:1: relay 'a' has no url", ""),
    (b"rate = 1\0/s\n", "1:9: the line holds a NUL byte", ""),
    ("# \u00e4\u00f6\u00fc\n\u00e4 = 1\n", "2:1: there is no setting '\u00e4'", ""),
])
def test_wrong(folder, text, sentence, hint):
    said, hinted = wrong(folder, text, "--relay", "null:", "--yes")
    assert said.startswith(sentence)
    assert hint in hinted
    assert "secret" not in said + hinted


def test_unreadable(folder):
    done = lettershop("send", "letter.eml", "list.csv", "--settings", "none.conf", "--relay", "null:", cwd=folder,
                      check=2)
    assert "none.conf" in done.stderr and "No such file" in done.stderr


def test_options_of_other_commands_are_known(folder):
    (folder / "my.conf").write_text("rate = 5/s\nout = p\nconnections = 2\nlimit = 2 # only two\n")
    assert "2 messages" in lettershop("check", "letter.eml", "list.csv", "--settings", "my.conf", cwd=folder,
                                      check=0).stdout
    lettershop("preview", "letter.eml", "list.csv", "--settings", "my.conf", cwd=folder, check=0)
    assert len(list((folder / "p/eml").iterdir())) == 2


def test_everything_at_once(folder):
    (folder / "my.conf").write_text(
        "\ufeff# settings\r\n"
        "connections=2\r\n"
        "results =  all.csv   # where to\r\n"
        "yes = yes\r\n"
        "\r\n"
        "var = one=1\r\n"
        "var = \"two=a # b\"\r\n"
        "[relay first]\r\n"
        "url = maildir:first\r\n"
        "[relay second]\r\n"
        "url = maildir:second\r\n"
        "password_env = NOTHING\r\n")
    write_letter(folder / "letter.eml", "From: a@b.example\nTo: {{ email }}\nSubject: {{ one }} {{ two }}\n\nHi\n")
    lettershop("send", "letter.eml", "list.csv", "--settings", "my.conf", "--relay", "second", cwd=folder, check=0)
    assert len(results(folder / "all.csv")) == 5
    messages = list((folder / "second/new").iterdir())
    assert len(messages) == 5 and not (folder / "first").exists()
    assert "Subject: 1 a # b" in messages[0].read_text()


def test_the_command_line_wins(folder):
    (folder / "my.conf").write_text("limit = 1\nyes = yes\nresults = a.csv\nvar = who=file\nrelay = null:\n")
    write_letter(folder / "letter.eml", "From: a@b.example\nTo: {{ email }}\nSubject: {{ who }}\n\nHi\n")
    lettershop("send", "letter.eml", "list.csv", "--settings", "my.conf", "--limit", 3, "--results", "b.csv",
               "--var", "who=typed", "--relay", "maildir:out", cwd=folder, check=0)
    assert not (folder / "a.csv").exists() and len(results(folder / "b.csv")) == 3
    for message in (folder / "out/new").iterdir():
        assert "Subject: typed" in message.read_text()


def test_did_you_mean_for_relays(folder):
    (folder / "my.conf").write_text("[relay office]\nurl = null:\n")
    done = lettershop("send", "letter.eml", "list.csv", "--settings", "my.conf", "--relay", "ofice", "--yes",
                      cwd=folder, check=2)
    assert "'ofice' is neither" in done.stderr and "did you mean office?" in done.stderr


def test_long_lines(folder):
    value = "x" * 5000
    write_letter(folder / "letter.eml", "From: a@b.example\nTo: {{ email }}\nSubject: s\n\n{{ long | size }}\n")
    (folder / "my.conf").write_text(f"var = long={value}\n")
    lettershop("preview", "letter.eml", "list.csv", "--settings", "my.conf", "--out", "p", "--limit", 1, cwd=folder,
               check=0)
    assert "5000" in next((folder / "p/eml").iterdir()).read_text()

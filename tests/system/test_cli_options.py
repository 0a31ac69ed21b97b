"""How options are read, and one clear sentence for each way to get them wrong."""
import pytest

from relay import lettershop, write_letter, write_list


@pytest.fixture
def folder(tmp_path):
    write_letter(tmp_path / "letter.eml")
    write_list(tmp_path / "list.csv", 3)
    return tmp_path


def wrong(folder, *arguments):
    """The sentence and the hint; nothing else may be said, nothing written."""
    before = sorted(p.name for p in folder.iterdir())
    done = lettershop(*arguments, cwd=folder, check=2)
    assert done.stdout == ""
    assert sorted(p.name for p in folder.iterdir()) == before
    lines = done.stderr.splitlines()
    assert lines[0].startswith("lettershop: ") and len(lines) <= 2, done.stderr
    return lines[0][len("lettershop: "):], lines[1].strip() if len(lines) == 2 else ""


@pytest.mark.parametrize("arguments, sentence, hint", [
    ([], "what should be done?", "--help"),
    (["sned"], "there is no command 'sned'", "did you mean send?"),
    (["xyzzy"], "there is no command 'xyzzy'", "--help lists"),
    (["--relay", "null:"], "an option stands where a command should", "the command comes first"),
    (["send"], "send wants LETTER RECIPIENTS", "send --help"),
    (["send", "letter.eml"], "send wants LETTER RECIPIENTS", "send --help"),
    (["render", "a", "b"], "render takes TEMPLATE and no more: 'b'", "render --help"),
    (["send", "a", "b", "c"], "'c' is one argument too many", ""),
    (["send", "", "b"], "an argument is empty", ""),
    (["send", "--relya=x"], "there is no option --relya", "did you mean --relay?"),
    (["send", "--xyzzyxyzzy"], "there is no option --xyzzyxyzzy", "--help"),
    (["check", "--results", "a.csv"], "there is no option --results", "belongs to another command"),
    (["send", "--re", "x"], "--re may mean --relay, --re", ""),
    (["send", "-x"], "there is no option -x", "two dashes"),
    (["send", "--resume=maybe"], "--resume takes no value", ""),
    (["send", "--rate"], "--rate wants a value: RATE", ""),
    (["send", "--rate="], "--rate wants a value: RATE", ""),
    (["send", "--rate", "--yes"], "--rate wants a value: RATE", "--rate=RATE"),
    (["send", "--connections", "0"], "--connections wants a number from 1 to 1024, not '0'", ""),
    (["send", "--connections", "4x"], "--connections wants a number from 1 to 1024, not '4x'", ""),
    (["send", "--connections", "-4"], "--connections wants a number from 1 to 1024, not '-4'", ""),
    (["send", "--limit", "none"], "--limit wants a number from 1 to 1000000000000, not 'none'", ""),
    (["send", "--seed", "18446744073709551616"], "--seed wants a whole number, not '18446744073709551616'", ""),
    (["send", "--timeout", "soon"], "--timeout wants a length of time, not 'soon'", "15s"),
    (["send", "--sync", "never"], "--sync wants a length of time as 200ms, or each, or off, not 'never'", ""),
    (["send", "--in-doubt", "maybe"], "--in-doubt is hold or resend, not 'maybe'", ""),
    (["send", "--progress", "loud"], "--progress is auto, bar, plain or none, not 'loud'", ""),
    (["check", "--date", "tomorrow"], "--date wants a time from 1970 on, not 'tomorrow'", "2026-11-23"),
    (["send", "a", "b"], "no relay is given: where should the messages go?", "--relay"),
    (["send", "a", "b", "--relay", "main"], "'main' is neither a relay's URL nor a [relay] section", "smtps://"),
    (["send", "a", "b", "--relay", "null:", "--var", "x"], "--var wants NAME=VALUE or NAME=@FILE, not 'x'", "letters"),
    (["check", "a", "b", "--var", "=x"], "--var wants NAME=VALUE or NAME=@FILE, and nothing stands before the =",
     "a name"),
    (["check", "a", "b", "--rows", "\u201c1-3\u201d"], "the value of --rows begins with a curled quotation mark", "straight"),
    (["check", "a", "b", "--var", "\u201cn=x\u201d"], "the value of --var begins with a curled", "straight"),
    (["check", "a", "b", "--address-column=\u2018Mail\u2019"], "the value of --address-column begins with", "straight"),
    (["check", "a", "b", "--var", "1=x"], "--var wants NAME=VALUE or NAME=@FILE, not '1'", "letters"),
    (["check", "a", "b", "--var", "n=1", "--var", "n=2"], "--var n is given twice", ""),
    (["check", "a", "b", "--var", "n=@none.txt"], "cannot open 'none.txt': No such file or directory", ""),
    (["preview", "a", "b"], "where should the messages be written? --out FOLDER is missing", "--out"),
    (["send", "a", "b", "--relay", "null:", "--password-env", "A", "--password-file", "b"],
     "a password has one source", ""),
    (["send", "a", "b", "--relay", "smtp://a", "--relay", "smtp://b", "--password-env", "A"],
     "with 2 relays it is not clear whose password that is", "[relay NAME]"),
])
def test_wrong(folder, arguments, sentence, hint):
    said, hinted = wrong(folder, *arguments)
    assert said.startswith(sentence)
    assert hint in hinted


@pytest.mark.parametrize("option", ["--password", "--password=hunter2", "--pass", "--passwd=hunter2"])
def test_no_password_on_the_command_line(folder, option):
    said, hint = wrong(folder, "send", "letter.eml", "list.csv", option, "--relay", "smtp://a@b")
    assert "a password never stands on the command line" in said
    assert "--password-command" in hint
    assert "hunter2" not in said + hint


def test_unknown_option_shows_no_value(folder):
    said, hint = wrong(folder, "send", "--secretest=hunter2")
    assert "hunter2" not in said + hint


@pytest.mark.parametrize("arguments", [
    ["letter.eml", "list.csv", "--limit", "2"],
    ["--limit", "2", "letter.eml", "list.csv"],
    ["letter.eml", "--limit=2", "list.csv"],
    ["--lim=2", "--", "letter.eml", "list.csv"],
    ["letter.eml", "--limit", "1", "list.csv", "--limit", "2"],
])
def test_any_order(folder, arguments):
    assert "2 messages" in lettershop("check", *arguments, cwd=folder, check=0).stdout
    assert "2 messages" in lettershop("ch", *arguments, cwd=folder, check=0).stdout


def test_operands_after_dashes(folder):
    write_letter(folder / "--letter.eml")
    lettershop("check", "--", "--letter.eml", "list.csv", cwd=folder, check=0)
    said, hint = wrong(folder, "check", "--letter.eml", "list.csv")
    assert said == "there is no option --letter.eml"


def test_values_for_the_letter(folder):
    write_letter(folder / "letter.eml", "From: a@b.example\nTo: {{ email }}\nSubject: {{ title }}\n\n{{ body }}|{{ at }}\n")
    (folder / "body.txt").write_text("from a file\n")
    lettershop("preview", "letter.eml", "list.csv", "--out", "p", "--limit", 1, "--var", "title=A = B",
               "--var", "body=@body.txt", "--var", "at=@@ann", cwd=folder, check=0)
    eml = next((folder / "p/eml").iterdir()).read_text()
    assert "Subject: A = B" in eml and "from a file|@ann" in eml


def test_standard_output_full(folder):
    done = lettershop("--help", check=0)
    assert done.stdout
    with open("/dev/full", "w") as full:
        import subprocess
        from relay import LETTERSHOP
        done = subprocess.run([LETTERSHOP, "--help"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and "standard output" in done.stderr

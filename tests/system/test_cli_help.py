"""--help of every command: a screen of 24 lines and 80 columns, examples, no option forgotten."""
import pathlib
import re
import subprocess

import pytest

from relay import LETTER, LETTERSHOP, ROOT, lettershop, write_letter, write_list

COMMANDS = {"send": "FOR_SEND", "check": "FOR_CHECK", "preview": "FOR_PREVIEW", "render": "FOR_RENDER",
            "init": "FOR_INIT", "dkim-key": "FOR_DKIM_KEY",
            "show": "FOR_SHOW", "status": "FOR_STATUS", "results": "FOR_RESULTS", "pause": "FOR_CONTROL", "continue": "FOR_CONTROL", "rate": "FOR_CONTROL", "probe": "FOR_PROBE"}


def options_of(bit, rare=True):
    """The table in the source says which options a command takes, and which of them a screen may leave out."""
    text = (ROOT / "engine/cli/options_table.c").read_text()
    rows = re.findall(r'\.name = "([^"]+)"(.*?)\.kind', text, re.S)
    mails = bit in ("FOR_SEND", "FOR_PREVIEW", "FOR_CHECK")
    return [name for name, rest in rows
            if (bit in rest or (mails and "MAILS" in rest)) and (rare or ".rare" not in rest)]


def options_and_help(command):
    return ["help", "version", *options_of(COMMANDS[command])]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_fits_a_screen(command):
    lines = lettershop(*([command] if command else []), "--help", check=0).stdout.splitlines()
    assert len(lines) <= 24
    assert [line for line in lines if len(line) > 80] == []
    assert any("xample" in line or "first campaign" in line for line in lines)
    assert sum(1 for line in lines if re.match(r"  (.*\| )?lettershop ", line)) >= 1


@pytest.mark.parametrize("command", COMMANDS)
def test_names_every_option(command):
    text = lettershop(command, "--help", check=0).stdout
    names = options_of(COMMANDS[command], rare=False)
    if len(names) < len(options_of(COMMANDS[command])):
        assert f"lettershop help {command} --all" in text  # where the others stand
    assert names or command in ("init", "pause", "continue", "rate")
    for name in names:
        assert re.search(rf"--{name}\b", text), name
    for name in re.findall(r"--([a-z][a-z-]+)", text.split("Examples")[0]):
        assert name in [*names, "help", "resume", "all"], name


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_in_words(command):
    text = lettershop("help", command, "--all", check=0).stdout
    short, rest = text.split("\nEvery option:\n")
    assert short == lettershop(command, "--help", check=0).stdout
    assert re.findall(r"^  --([a-z-]+)", rest, re.M) == options_and_help(command)
    for line in rest.splitlines():
        assert len(line) <= 80 and (not line or re.match(r"  --[a-z]|      [a-zA-Z0-9]", line)), line
    assert "(null)" not in text


def test_lists_commands():
    text = lettershop("--help", check=0).stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", text, re.M)
    assert lettershop("help", check=0).stdout == text
    assert lettershop("-h", check=0).stdout == text


@pytest.mark.parametrize("command", COMMANDS)
def test_the_ways_to_help(command):
    text = lettershop(command, "--help", check=0).stdout
    assert lettershop("help", command, check=0).stdout == text
    assert lettershop(command, "-h", check=0).stdout == text
    if command not in ("send", "probe", "check"):  # there is --helo
        assert lettershop(command, "--hel", check=0).stdout == text


def test_the_examples_for_keys_run(tmp_path):
    write_letter(tmp_path / "l.eml", LETTER.replace("sender.example", "example.com"))
    write_list(tmp_path / "l.csv", 2)
    text = lettershop("dkim-key", "--help", check=0).stdout.split("Examples:\n")[1]
    for line in text.splitlines():
        done = subprocess.run(["sh", "-c", line.replace("lettershop", LETTERSHOP, 1)], cwd=tmp_path,
                              capture_output=True, text=True)
        assert done.returncode == 0, line + done.stdout + done.stderr
    assert (tmp_path / "s1.record").read_text().startswith("s1._domainkey.example.com")
    assert (tmp_path / "e1.pem").exists()


def test_version():
    first = lettershop("--version", check=0).stdout.splitlines()[0]
    assert re.fullmatch(r"lettershop \d+\.\d+(\.\d+)?", first)
    assert lettershop("send", "--version", check=0).stdout.splitlines()[0] == first


def test_readme_of_the_room_names_every_source():
    room = pathlib.Path(ROOT / "engine/cli")
    text = (room / "README.md").read_text()
    for source in room.glob("*.c"):
        assert source.name in text, source.name

"""The README's section "What happens when": every command of it, in the situation it is meant for."""
import collections
import errno
import re
import shlex
import signal
import time

import pytest

import preload
from relay import ROOT, Relay, begin, lettershop, results, write_letter, write_list

pytestmark = pytest.mark.xdist_group("what happens")  # in one process: the last test asks what the others ran

RELAY_URL = "smtps://you@smtp.example.com"
N = 1000


def commands():
    """The section's command lines, by the words their paragraph begins with."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text[text.index("## What happens when"):text.index("## The house")]
    found = collections.defaultdict(list)
    paragraph = ""
    for line in section.splitlines():
        begins = re.match(r"\*\*… ([^*]+)\*\*", line)
        paragraph = begins[1] if begins else paragraph
        if line.startswith("    lettershop "):
            found[paragraph].append(line.strip())
    return found


def arguments(line, url):
    """As in the README, but for the relay's address."""
    assert line in [c for lines in commands().values() for c in lines], line
    words = shlex.split(line)
    assert words[0] == "lettershop"
    return [url if w == RELAY_URL else w for w in words[1:]]


ran = set()


def run(shop, line, r=None, **more):
    ran.add(line)
    return lettershop(*arguments(line, f"smtp://localhost:{r.port}?tls=none" if r else ""), cwd=shop, **more)


def command(part, *without):
    """The one command of the section that has this in it."""
    found = {c for lines in commands().values() for c in lines if part in c and not any(w in c for w in without)}
    assert len(found) == 1, (part, found)
    return found.pop()


RESUME = "--yes --resume"
MORE = ("--in-doubt", "--accept-changes", "--retry-refused", "--key")


def people(first, last):
    return {f"user{i}@list.example" for i in range(first, last + 1)}


def started(shop, r, *options, n=100, env=None):
    write_list(shop / "recipients.csv", N)
    process = begin("send", "letter.eml", "recipients.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                    "--rate", "2000/s", *options, cwd=shop, env=env)
    while len(r.accepted()) < n:
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.005)
    return process


def test_it_is_killed(shop):
    with Relay(shop / "relay", "--delay", 4) as r:
        process = started(shop, r)
        process.kill()
        process.communicate()
        status = run(shop, command("status"))
        assert status.returncode in (0, 1, 3) and "in doubt" in status.stdout, status.stdout
        run(shop, command(RESUME, *MORE), r)
        rows = results(shop / "results.csv")
        doubt = {x["recipient"] for x in rows if x["status"] == "in_doubt"}
        assert len(rows) == N and 1 <= len(doubt) <= 4 and set(r.recipients().values()) == {1}
        assert {x["email"] for x in results(shop / "results.in-doubt.csv")} == doubt
        run(shop, command("--in-doubt resend"), r, check=0)
    assert r.recipients().keys() == people(1, N)
    assert {a for a, n in r.recipients().items() if n > 1} <= doubt


def test_interrupt(shop):
    with Relay(shop / "relay") as r:
        process = started(shop, r)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[0].decode()
        assert process.returncode == 3 and "--resume" in said
        run(shop, command(RESUME, *MORE), r, check=0)
    assert r.recipients() == {a: 1 for a in people(1, N)}


def test_paused(shop):
    with Relay(shop / "relay") as r:
        process = started(shop, r, "--rate", "500/s")
        run(shop, command("pause"), check=0)
        time.sleep(0.5)
        held = len(r.accepted())
        time.sleep(0.5)
        assert len(r.accepted()) == held < N
        run(shop, command("continue"), check=0)
        assert process.wait(timeout=60) == 0, process.stdout.read()
    assert r.recipients() == {a: 1 for a in people(1, N)}


def test_a_disk_is_full(shop):
    """From the 60th write of the journal's segments on there is no room: nothing more is sent, ^C ends it, and with
    room the resume finishes."""
    env = preload.environment(f"call=pwrite path=.journal/run nth=60 do=fail errno={errno.ENOSPC} lasting", hit=shop / "hit")
    with Relay(shop / "relay") as r:
        process = started(shop, r, "--drain", "1s", n=1, env=env)
        while not (shop / "hit").read_text():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(1)
        held = len(r.accepted())
        time.sleep(0.5)
        assert process.poll() is None and len(r.accepted()) == held < N
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[0].decode()
        assert process.returncode == 3 and "--resume" in said, said
        run(shop, command(RESUME, *MORE), r)
        rows = results(shop / "results.csv")
        doubt = {x["recipient"] for x in rows if x["status"] == "in_doubt"}
        assert len(rows) == N and len(doubt) <= 4 and set(r.recipients().values()) == {1}
        assert people(1, N) - r.recipients().keys() <= doubt


def test_the_power_fails(shop):
    """Another boot id; the files as the kernel had them."""
    (shop / "boot").write_text("00000000-0000-4000-8000-000000000001\n")
    with Relay(shop / "relay") as r:
        process = started(shop, r)
        process.kill()
        process.communicate()
        run(shop, command(RESUME, *MORE), r, env=preload.environment(boot=shop / "boot"), check=1)
        assert set(r.recipients().values()) == {1}
        status = {x["row"]: x["status"] for x in results(shop / "results.csv")}
        doubt = [row for row, s in status.items() if s == "in_doubt"]
        assert len(status) == N and 1 <= len(doubt) < N / 2
        run(shop, command("--in-doubt resend"), r, env=preload.environment(boot=shop / "boot"), check=0)
    assert r.recipients().keys() == people(1, N)


def test_the_letter_is_wrong(shop):
    with Relay(shop / "relay", "--store", shop / "store") as r:
        process = started(shop, r)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        first = r.recipients().keys()
        write_letter(shop / "letter.eml", (shop / "letter.eml").read_text().replace("Dear", "Dearest"))
        refused = run(shop, command(RESUME, *MORE), r, check=2)
        assert "letter" in refused.stderr and "--accept-changes" in refused.stderr
        assert r.recipients().keys() == first
        run(shop, command("--accept-changes"), r, check=0)
    assert r.recipients() == {a: 1 for a in people(1, N)}
    letters = collections.Counter(b"Dearest" in p.read_bytes() for p in (shop / "store").iterdir())
    assert letters == {False: len(first), True: N - len(first)}
    shown = run(shop, command("show"))
    assert "Dearest" in shown.stdout or "letter" in shown.stderr


def test_the_list_was_edited(shop):
    with Relay(shop / "relay") as r:
        process = started(shop, r)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        first = r.recipients()
        assert len(first) < N - 1
        # The first one is gone, the others stand the other way round, and somebody is new.
        head, *rows = (shop / "recipients.csv").read_text().splitlines()
        (shop / "recipients.csv").write_text("\n".join([head, "new@list.example,New,pro", *reversed(rows[1:])]) + "\n")
        refused = run(shop, command(RESUME, *MORE), r, check=2)
        assert "--key" in refused.stderr and r.recipients() == first
        run(shop, command("--key"), r, check=0)
    assert r.recipients() == {a: 1 for a in people(1, N) | {"new@list.example"}}


def test_the_relay_blocks_us(shop):
    with Relay(shop / "relay", "--fault", 'stage=RCPT from=200 reply="550 5.7.1 blocked"') as r:
        process = started(shop, r)
        said = process.communicate(timeout=60)[0].decode()
        assert process.returncode == 3 and "5.7.1" in said, said
        status = collections.Counter(x["status"] for x in results(shop / "results.csv"))
        assert status["refused"] <= 100, status
    with Relay(shop / "relay2") as r2:
        run(shop, command("--retry-refused"), r2, check=0)
    assert r.recipients() + r2.recipients() == {a: 1 for a in people(1, N)}


def test_the_results_are_spoiled(shop):
    with Relay(shop / "relay", "--refuse", "^user7@=550 5.1.1 nobody") as r:
        process = started(shop, r)
        assert process.wait(timeout=60) == 1, process.stdout.read()
        sound = sorted((shop / "results.csv").read_text().splitlines())
        for spoil in (lambda p: p.unlink(), lambda p: p.write_text("row;line\n1;2\n")):
            spoil(shop / "results.csv")
            (shop / "results.failed.csv").unlink(missing_ok=True)
            run(shop, command(RESUME, *MORE), r, check=1)
            assert sorted((shop / "results.csv").read_text().splitlines()) == sound
            assert [x["email"] for x in results(shop / "results.failed.csv")] == ["user7@list.example"]
    assert set(r.recipients().values()) == {1}


def test_every_command_of_the_section_was_run():
    """Last in this file: what a reader finds there is what the tests above ran."""
    assert ran == {c for lines in commands().values() for c in lines}

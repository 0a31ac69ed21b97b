"""Small campaigns of every kind with a program that is watched: by valgrind, or built with sanitizers.

    make valgrind | make sanitized          all of them, and nothing may be found

Nothing is suppressed."""
import os
import shutil
import signal
import time

import pytest

import relay
from relay import LONG, ROOT, Relay, begin, lettershop, results

FOUND = 99  # exit status when the instrument found something
LEAKS = "definite,indirect,possible"
VALGRIND = f"""#!/bin/sh
exec valgrind -q --error-exitcode={FOUND} --leak-check=full --show-leak-kinds={LEAKS} --errors-for-leak-kinds={LEAKS} \\
	{relay.LETTERSHOP} "$@"
"""
INSTRUMENTS = os.environ.get("INSTRUMENTS", "valgrind").split(",")
ALL = LONG or "INSTRUMENTS" in os.environ
pytestmark = pytest.mark.skipif(not ALL, reason="only in the long form, or by make valgrind and make sanitized")

LETTER = """\
From: Post Office <post@sender.example>
To: {{ name }} <{{ email }}>
Subject: Grüße an {{ name }}
Attachment: {{ file }}
Content-Type: text/markdown

Dear **{{ name | upcase }}**,

{% for i in (1..3) %}- {{ i | times: 2 }} {{ plan | default: "nothing" }}
{% endfor %}
"""


@pytest.fixture(params=INSTRUMENTS)
def watched(request, tmp_path, monkeypatch):
    """A folder with a letter; lettershop() and begin() run the watched program."""
    if request.param == "valgrind":
        assert shutil.which("valgrind"), "tests/setup test installs it"
        program = tmp_path / "watched"
        program.write_text(VALGRIND)
        program.chmod(0o755)
    else:
        program = ROOT / "build" / request.param / "lettershop"
    monkeypatch.setattr(relay, "LETTERSHOP", str(program))
    for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
        monkeypatch.setenv(name, f"exitcode={FOUND}:second_deadlock_stack=1:print_stacktrace=1")
    (tmp_path / "letter.eml").write_text(LETTER)
    (tmp_path / "terms.txt").write_text("terms\n" * 50)
    return tmp_path


def write(shop, n, first=1):
    with open(shop / "list.csv", "w") as f:
        f.write("number,email,name,plan,file\n")
        for i in range(first, first + n):
            f.write(f'{i},user{i}@{"ab"[i % 2]}.example,"Name, {i}",{"pro" if i % 3 else ""},terms.txt\n')


def send(shop, r, *options, url=None, check=0):
    done = lettershop("send", "letter.eml", "list.csv", "--relay", url or f"smtp://localhost:{r.port}?tls=none", "--yes", *options,
                      cwd=shop, check=check, timeout=300)
    assert done.returncode in (0, 1, 3), done.stderr
    return done


def once(*relays):
    got = sum((r.recipients() for r in relays[1:]), relays[0].recipients())
    assert set(got.values()) == {1}
    return len(got)


def test_tls_login_and_a_window(watched, certs):
    shop = watched
    write(shop, 60)
    (shop / "password").write_text("pencil\n")
    (shop / "password").chmod(0o600)
    with Relay(shop / "relay", "--starttls", "--tls-cert", certs / "good.pem", "--tls-key", certs / "good.key", "--user", "ann",
               "--password-file", shop / "password", "--require-auth", "--refuse", "^user7@=550 5.1.1 nobody",
               "--fault", 'stage=RCPT rcpt~^user1.@ to=4 reply="450 4.2.0 later"') as r:
        send(shop, r, "--window", 8, "--connections", 3, "--password-file", "password", "--retry-for", "20s",
             url=f"smtp://ann@localhost:{r.port}?ca={certs}/ca.pem", check=1)
        assert once(r) == 59
    told = lettershop("status", "results.csv", cwd=shop, check=0)
    assert "59" in told.stdout


def test_plain_with_all_kinds_of_rows(watched):
    shop = watched
    write(shop, 60)
    with open(shop / "list.csv", "a") as f:
        f.write("1,user1@b.example,\"Name, 1\",pro,terms.txt\n61,not an address,X,,terms.txt\n62,gone@a.example,X,,absent.txt\n"
                "63,no@a.example,X,,terms.txt\n64,out@a.example,X,,terms.txt\n")
    (shop / "out.txt").write_text("out@a.example\n")
    with Relay(shop / "relay", "--refuse", "^no@=550 5.1.1 nobody") as r:
        send(shop, r, "--bad-rows", "skip", "--duplicates", "skip", "--suppress", "out.txt", "--suppress-add", "out.txt",
             "--transcript", "said", "--rate", "200/s", check=1)
        assert once(r) == 60
    lettershop("check", "letter.eml", "list.csv", cwd=shop, check=2)
    lettershop("preview", "letter.eml", "list.csv", "--out", "preview", "--rows", "1-5", cwd=shop, check=0)
    lettershop("results", "results.csv", "--join", "list.csv", "--out", "joined.csv", cwd=shop, check=0)
    lettershop("show", "results.csv", "letter.eml", "list.csv", "--row", 3, cwd=shop, check=0)


def test_stopped_killed_edited_and_resumed(watched):
    shop = watched
    write(shop, 120)
    options = ["send", "letter.eml", "list.csv", "--yes", "--rate", "40/s", "--connections", 4, "--relay"]
    with Relay(shop / "relay", "--delay", 5) as r:
        url = f"smtp://localhost:{r.port}?tls=none"
        for number, how in enumerate((signal.SIGTERM, signal.SIGKILL)):
            run = begin(*options, url, *(["--resume"] if number else []), cwd=shop)
            until, before = time.monotonic() + 60, len(r.accepted())
            while len(r.accepted()) < before + 20:
                assert run.poll() is None and time.monotonic() < until, run.communicate()[0]
            run.send_signal(how)
            said = run.communicate()[0].decode()
            assert run.returncode in (3, -signal.SIGKILL), said
        shutil.copy2(shop / "list.csv", shop / "old.csv")
        write(shop, 125, first=2)
        send(shop, r, "--resume", "--key", "number", "--old-list", "old.csv", "--in-doubt", "hold", check=None)
        done = send(shop, r, "--resume", "--in-doubt", "resend")
        assert "==" not in done.stderr
        got = r.recipients()
    assert len(got) in (125, 126) and sum(n - 1 for n in got.values()) <= 4  # resend may be twice
    assert {line["status"] for line in results(shop / "results.csv")} == {"sent"}


def test_a_relay_that_misbehaves(watched):
    shop = watched
    write(shop, 80)
    with Relay(shop / "relay", "--fault", "stage=DATA every=9 close=before", "--fault", 'stage=MAIL every=11 reply="421 4.3.0 bye"',
               "--fault", r'stage=RCPT every=13 garbage="what?\r\n"') as r:
        send(shop, r, "--connections", 4, "--retry-for", "20s", check=None)
    with Relay(shop / "two") as second:
        send(shop, second, "--resume", check=None)
    once(r, second)


def test_domains_that_wait(watched):
    shop = watched
    write(shop, 80)
    with Relay(shop / "relay", "--fault", r'stage=RCPT rcpt~@b\.example to=6 reply="451 4.7.1 too much"') as r:
        send(shop, r, "--domain-rate", "a.example=20/s", "--retry-for", "60s")
        assert once(r) == 80

"""`status`: what stands, from the journal alone, at rest and while a run writes."""
import errno
import json
import os
import re
import signal
import subprocess
import time

import pytest

import preload
from relay import LETTERSHOP, Relay, begin, lettershop, results, write_list


def send(shop, relay, *options, check=None):
    return lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{relay.port}?tls=none", "--yes", *options,
                      cwd=shop, check=check)


def status(shop, *options, check=0):
    return lettershop("status", "results.csv", *options, cwd=shop, check=check)


def test_counts_reasons_and_domains(shop):
    lines = ["email,name,plan"] + [f"user{i}@{'one' if i % 2 else 'two'}.example,Name,x" for i in range(1, 101)]
    (shop / "list.csv").write_text("\n".join(lines + ["nobody,Name,x"]) + "\n")
    with Relay(shop / "relay", "--refuse", "^user1[0-9]@=550 5.1.1 no such user",
               "--refuse", "^user2[0-9]@=450 4.2.0 busy") as r:
        send(shop, r, "--retry-for", "1ms", "--bad-rows", "skip", check=1)
    told = json.loads(status(shop, "--json").stdout)
    lines = results(shop / "results.csv")
    for word in "sent", "refused", "deferred", "skipped", "in_doubt":
        assert told[word] == sum(1 for line in lines if line["status"] == word), word
    assert (told["sent"], told["refused"], told["deferred"], told["skipped"]) == (80, 10, 10, 1)
    assert (told["rows"], told["to_do"], told["running"], told["finished"]) == (101, 0, False, True)
    assert {(r["status"], r["code"], r["enhanced"], r["count"]) for r in told["reasons"]} == {
        ("refused", 550, "5.1.1", 10), ("deferred", 450, "4.2.0", 10), ("skipped", 0, "", 1)}
    domains = {d["domain"]: d for d in told["domains"]}
    assert domains["one.example"]["sent"] == domains["two.example"]["sent"] == 40
    assert domains["one.example"]["refused"] == 5 and domains["two.example"]["deferred"] == 5
    text = status(shop).stdout
    assert re.search(r"sent +80$", text, re.M) and re.search(r"refused +10$", text, re.M)
    assert re.search(r"10  refused   550 5\.1\.1 .*no such user", text) and "one.example" in text


def test_while_a_run_writes(shop):
    write_list(shop / "list.csv", 3000)
    with Relay(shop / "relay") as r:
        p = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{r.port}?tls=none", "--yes", "--rate", "200/s",
                  cwd=shop)
        seen = []
        until = time.monotonic() + 30
        while len(seen) < 3 and time.monotonic() < until:
            if (shop / "results.csv.journal").exists():
                told = lettershop("status", "results.csv", "--json", cwd=shop)
                if told.returncode == 0 and json.loads(told.stdout)["sent"] > (seen[-1]["sent"] if seen else 20):
                    seen.append(json.loads(told.stdout))
            time.sleep(0.1)
        text = status(shop).stdout
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=60)
    for told in seen:
        assert told["running"] and told["in_doubt"] == 0 and told["rows"] == 3000
        assert told["sent"] + told["to_do"] + told["under_way"] == 3000
        assert 50 < told["per_second"] < 400
    assert f"running: process {p.pid} on " in text and re.search(r"Pace: \d+/s over the last .*, about .* left", text)
    told = json.loads(status(shop, "--json").stdout)
    assert not told["running"] and told["finished"] and told["under_way"] == 0 and told["sent"] == len(r.accepted())
    assert "--resume goes on" in status(shop).stdout


def test_after_a_kill_what_was_under_way_is_in_doubt(shop):
    write_list(shop / "list.csv", 50)
    with Relay(shop / "relay", "--fault", "stage=END nth=3 stall=30000") as r:
        p = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{r.port}?tls=none", "--yes", "--connections", 1,
                  cwd=shop)
        until = time.monotonic() + 30
        told = None
        while time.monotonic() < until and not (told and told["under_way"]):
            time.sleep(0.05)
            done = lettershop("status", "results.csv", "--json", cwd=shop)
            told = json.loads(done.stdout) if done.returncode == 0 else None
        assert told["under_way"] == 1 and told["in_doubt"] == 0
        p.kill()
        p.wait()
    told = json.loads(status(shop, "--json").stdout)
    assert (told["under_way"], told["in_doubt"], told["running"], told["finished"]) == (0, 1, False, False)
    assert "its process was killed" in status(shop).stdout


@pytest.mark.parametrize("order", [f"call=pwrite path=.journal/run nth=20 do=fail errno={errno.ENOSPC} lasting",
                                   f"call=fdatasync path=.journal/run nth=4 do=fail errno={errno.EIO} lasting"])
def test_a_run_that_the_disk_ended_was_not_killed(shop, order):
    write_list(shop / "list.csv", 400)
    with Relay(shop / "relay") as r:
        done = lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{r.port}?tls=none", "--yes",
                          "--on-log-error", "stop", "--sync", "each", "--drain", "1s", cwd=shop, env=preload.environment(order), check=3)
        assert "No space left" in done.stderr or re.search("to disk.*: Input/output error\n  .*look after the disk", done.stderr), done.stderr
        assert "its process was killed, or its disk was full or failed" in status(shop).stdout
        send(shop, r, "--resume")
        assert set(r.recipients().values()) == {1} and len(results(shop / "results.csv")) == 400


def test_no_campaign(shop):
    done = status(shop, check=2)
    assert "there is no campaign of 'results.csv'" in done.stderr and "RESULTS.journal" in done.stderr
    lettershop("status", cwd=shop, check=2)


@pytest.mark.parametrize("cut", [0, 3, 40])
def test_a_campaign_file_that_was_not_finished(shop, cut):
    """The folder of a run that died while it was made: nothing was sent, and status says that there is no campaign."""
    write_list(shop / "list.csv", 3)
    (shop / "results.csv.journal").mkdir()
    (shop / "results.csv.journal" / "campaign").write_bytes(b"lshop-1\n" + bytes(40) if cut == 40 else b"lshop-1\n"[:cut])
    assert "there is no campaign" in status(shop, check=2).stderr
    with Relay(shop / "relay") as r:
        send(shop, r, check=0)
        assert len(r.accepted()) == 3


@pytest.mark.parametrize("what", ["empty", "gone", "half"])
def test_a_campaign_file_that_was_lost_is_no_new_campaign(shop, what):
    """A worker's journal says that mail was sent; without the file that says whose it is, nobody is mailed again."""
    write_list(shop / "list.csv", 3)
    with Relay(shop / "relay") as r:
        send(shop, r, check=0)
        campaign = shop / "results.csv.journal" / "campaign"
        if what == "gone":
            campaign.unlink()
        else:
            campaign.write_bytes(campaign.read_bytes()[:30 if what == "half" else 0])
        (shop / "results.csv").unlink()
        for command in (send(shop, r, "--resume", check=2), send(shop, r, check=2), status(shop, check=2)):
            assert "is lost or damaged" in command.stderr and "campaign" in command.stderr, command.stderr
        assert len(r.accepted()) == 3


def test_after_a_power_cut(shop):
    """Another boot id: what was claimed and has no result is in doubt; the resume and status say why."""
    write_list(shop / "list.csv", 50)
    (shop / "boot").write_text("11111111-2222-3333-4444-555555555555\n")
    other = ["unshare", "-m", "sh", "-c", "mount --bind boot /proc/sys/kernel/random/boot_id || exit 77; exec \"$@\"", "sh"]
    if subprocess.run([*other, "true"], cwd=shop, capture_output=True).returncode != 0:
        pytest.skip("nothing can be mounted here")
    with Relay(shop / "relay", "--fault", "stage=END nth=3 stall=30000") as r:
        url = f"smtp://127.0.0.1:{r.port}?tls=none"
        p = begin("send", "letter.eml", "list.csv", "--relay", url, "--yes", "--connections", 1, cwd=shop)
        until = time.monotonic() + 30
        while len(r.accepted()) < 3:
            assert time.monotonic() < until
            time.sleep(0.02)
        time.sleep(0.5)
        p.kill()
        p.communicate()
    told = subprocess.run([*other, os.path.abspath(LETTERSHOP), "status", "results.csv"], cwd=shop, capture_output=True, text=True)
    assert "the machine was started anew since" in told.stdout and "power was lost" in told.stdout
    done = subprocess.run([*other, os.path.abspath(LETTERSHOP), "send", "letter.eml", "list.csv", "--relay", "smtp://127.0.0.1:9?tls=none",
                           "--yes", "--resume", "--drain", "1ms"], cwd=shop, capture_output=True, text=True, timeout=60)
    assert "the machine went down during an earlier run" in done.stderr, done.stderr

"""`results`: the results file again, some of it, and the user's own table with the results beside each row."""
import csv
import io
import json
import pathlib
import resource
import subprocess
import time

import pytest

from relay import LETTERSHOP, Relay, begin, lettershop, results, write_list


def send(shop, relay, *options, letter="letter.eml", the_list="list.csv", check=None):
    return lettershop("send", letter, the_list, "--relay", f"smtp://127.0.0.1:{relay.port}?tls=none", "--yes", *options,
                      cwd=shop, check=check)


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def mixed(shop):
    """Sent, refused, deferred, skipped, to do; in an order and with columns of its own."""
    with open(shop / "list.csv", "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["id", "email", "name", "plan", "note"])
        for i in range(40, 0, -1):
            out.writerow([f"c{i}", "nobody" if i == 33 else f"user{i}@list.example", f'"N" {i}', "", "a, b\nc" if i == 7 else "=1+1"])
    with Relay(shop / "relay", "--refuse", '^user1[0-9]@=550 =cmd no such user', "--refuse", "^user2[0-4]@=450 4.2.0 busy") as r:
        send(shop, r, "--retry-for", "1ms", "--bad-rows", "skip", "--rows", "1-38", check=1)
    return shop


def test_join(mixed):
    done = lettershop("results", "results.csv", "--join", "list.csv", "--out", "joined.csv", cwd=mixed, check=0)
    assert "40 rows in joined.csv" in done.stdout
    got = rows_of((mixed / "joined.csv").read_text())
    with open(mixed / "list.csv", newline="") as f:
        was = list(csv.DictReader(f))
    assert list(got[0]) == ["id", "email", "name", "plan", "note", "mail_status", "mail_code", "mail_reply", "mail_time", "mail_id"]
    assert [{k: row[k] for k in was[0]} for row in got] == was
    by_id = {row["id"]: row for row in got}
    for i in range(1, 41):
        want = ("to_do" if i <= 2 else "skipped" if i == 33 else "refused" if 10 <= i <= 19 else "deferred" if 20 <= i <= 24 else "sent")
        assert by_id[f"c{i}"]["mail_status"] == want, i
    assert by_id["c10"]["mail_code"] == "550" and by_id["c10"]["mail_reply"].lstrip("'").startswith("=cmd") and by_id["c10"]["mail_reply"][0] == "'"
    lines = {line["recipient"]: line for line in results(mixed / "results.csv")}
    for row in got:
        if row["mail_status"] == "sent":
            line = lines[row["email"]]
            assert (row["mail_time"], row["mail_id"]) == (line["time"], line["message_id"])
    # Joined again it is the same: the columns are replaced. It is another file, so it is not the list.
    done = lettershop("results", "results.csv", "--join", "joined.csv", "--out", "again.csv", cwd=mixed, check=2)
    assert "not the list that the campaign was sent to" in done.stderr and not (mixed / "again.csv").exists()


def test_only_status(mixed):
    out = lettershop("results", "results.csv", "--join", "list.csv", "--out", "-", "--only-status", "refused, deferred", cwd=mixed, check=0)
    got = rows_of(out.stdout)
    assert [row["id"] for row in got] == [f"c{i}" for i in range(24, 9, -1)]
    lettershop("results", "results.csv", "--only-status", "refused", "--out", "refused.csv", cwd=mixed, check=0)
    assert {row["status"] for row in results(mixed / "refused.csv")} == {"refused"} and len(results(mixed / "refused.csv")) == 10
    lettershop("results", "results.csv", "--only-status", "in_doubt", "--out", "none.jsonl", cwd=mixed, check=0)
    assert (mixed / "none.jsonl").read_text() == ""
    lettershop("results", "results.csv", "--out", "all.jsonl", cwd=mixed, check=0)
    assert len([json.loads(line) for line in (mixed / "all.jsonl").read_text().splitlines()]) == 38


def test_lost_or_spoiled_it_is_written_again(mixed):
    was = (mixed / "results.csv").read_bytes()
    for spoil in (lambda p: p.unlink(), lambda p: p.write_bytes(was.replace(b",", b";")), lambda p: p.write_bytes(b"")):
        spoil(mixed / "results.csv")
        lettershop("results", "results.csv", cwd=mixed, check=0)
        assert sorted((mixed / "results.csv").read_bytes().split(b"\r\n")) == sorted(was.split(b"\r\n"))
    # The side files, too, by a resume: nothing is sent that was settled.
    failed = (mixed / "results.failed.csv").read_bytes()
    (mixed / "results.failed.csv").write_bytes(b"spoiled")
    (mixed / "results.csv").unlink()
    with Relay(mixed / "again", "--refuse", "@=450 4.2.0 busy") as r:
        send(mixed, r, "--resume", "--retry-for", "1ms", "--bad-rows", "skip", "--rows", "1-38", check=1)
        assert not r.accepted()
    assert (mixed / "results.failed.csv").read_bytes().replace(b"\r\n", b"\n").count(b"\n") == failed.replace(b"\r\n", b"\n").count(b"\n")
    assert len(results(mixed / "results.csv")) == 38


def replaced(path):
    path.with_name("new").write_text("recipient;status\nnobody;sent\n")
    path.with_name("new").rename(path)


@pytest.mark.parametrize("change", [pathlib.Path.unlink, replaced, lambda path: path.write_text("garbage\n"),
                                    lambda path: path.open("a").write("one more line\n")])
def test_changed_while_a_run_writes_it_is_right_at_the_end(shop, change):
    write_list(shop / "list.csv", 300)
    with Relay(shop / "relay") as r:
        p = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{r.port}?tls=none", "--yes", "--rate", "150/s",
                  cwd=shop)
        until = time.monotonic() + 20
        while len(r.accepted()) < 50 and time.monotonic() < until:
            time.sleep(0.02)
        change(shop / "results.csv")
        said = p.communicate(timeout=60)[0].decode()
        assert p.returncode == 0, said
    assert "'results.csv' was changed by another program" in said
    assert {x["recipient"]: x["status"] for x in results(shop / "results.csv")} == {f"user{i}@list.example": "sent" for i in range(1, 301)}


def test_a_file_that_may_not_grow_stops_the_run(shop):
    """A limit of the shell (ulimit -f) is a full disk, not the end of the process."""
    write_list(shop / "list.csv", 400)
    with Relay(shop / "relay") as r:
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20480, resource.RLIM_INFINITY))  # noqa: E731
        done = subprocess.run([LETTERSHOP, "send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{r.port}?tls=none", "--yes",
                               "--on-log-error", "stop", "--drain", "1s"], cwd=shop, preexec_fn=limit, capture_output=True, text=True, timeout=60)
        assert done.returncode == 3 and "File too large" in done.stderr, (done.returncode, done.stderr)
        assert 0 < len(r.accepted()) < 400
        send(shop, r, "--resume", "--in-doubt", "hold")
    assert set(r.recipients().values()) == {1}
    missing = {f"user{i}@list.example" for i in range(1, 401)} - r.recipients().keys()
    assert {x["recipient"] for x in results(shop / "results.csv") if x["status"] == "in_doubt"} >= missing


def test_failed_rows_are_sent_as_they_are(mixed):
    with Relay(mixed / "again") as r:
        send(mixed, r, "--results", "second.csv", "--bad-rows", "skip", the_list="results.failed.csv", check=1)
        assert set(r.recipients()) == {f"user{i}@list.example" for i in range(10, 25)}
    assert len(results(mixed / "second.csv")) == 16


def test_while_a_run_writes(shop):
    write_list(shop / "list.csv", 2000)
    with Relay(shop / "relay") as r:
        p = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{r.port}?tls=none", "--yes", "--rate", "200/s", cwd=shop)
        while len(r.accepted()) < 30:
            assert p.poll() is None
        done = lettershop("results", "results.csv", cwd=shop, check=2)
        assert f"being run by process {p.pid}" in done.stderr and "--out" in done.stderr
        lettershop("results", "results.csv", "--out", "now.csv", cwd=shop, check=0)
        assert len([x for x in results(shop / "now.csv") if x["status"] == "sent"]) >= 25
        p.kill()
        p.communicate()


def test_what_is_wrong(mixed):
    for words, says in ((["--join", "list.csv"], "--join wants --out"), (["--only-status", "refused"], "--only-status wants --out"),
                        (["--only-status", "lost", "--out", "x"], "'lost' is no status"),
                        (["--join", "list.csv", "--out", "list.csv"], "written over"),
                        (["--join", "list.csv", "--out", "./results.csv"], "written over"),
                        (["--join", "none.csv", "--out", "x"], "none.csv")):
        assert says in lettershop("results", "results.csv", *words, cwd=mixed, check=2).stderr, words
    assert "no campaign" in lettershop("results", "none.csv", cwd=mixed, check=2).stderr
    assert not (mixed / "x").exists() and not (mixed / "x.part").exists()

"""A list that was edited halfway: --key recognises rows by a column; done ones stay done."""
import collections
import json
import random
import subprocess

import pytest

from relay import LONG, Relay, begin, lettershop, on_with, results, write_letter


def write(shop, users, name="Name"):
    (shop / "list.csv").write_text("name,email\n" + "".join(f"{name} {u},user{u}@List.example\n" for u in users))


def send(shop, relay, *options, check=None):
    return lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{relay.port}?tls=none", "--yes", *options,
                      cwd=shop, check=check)


@pytest.fixture
def edited(shop):
    """1 to 30 were tried: 6 refused, 5 deferred, 1 in doubt. The list was sorted the other way since, 1, 7 and 12 are gone, 31 to 35 new."""
    write_letter(shop / "letter.eml", "From: a@sender.example\nTo: {{ name }} <{{ email }}>\nSubject: Hi\n\nHi {{ name }}\n")
    write(shop, range(1, 31))
    with Relay(shop / "one", "--refuse", "^user(1|2|3|4|5|6)@=550 5.1.1 no", "--refuse", "^user(7|8|9|10|11)@=450 4.2.0 later",
               "--fault", "stage=END rcpt~^user20@ nth=1 close=accepted") as r:
        send(shop, r, "--retry-for", "1ms", "--connections", 1, check=1)
        accepted = r.recipients()
    write(shop, [u for u in range(35, 0, -1) if u not in (1, 7, 12)])
    return shop, accepted, r


def test_says_the_way(edited):
    shop, _, _ = edited
    with Relay(shop / "two") as r:
        assert "--key COLUMN" in send(shop, r, "--resume", check=2).stderr
        assert not r.accepted()


@pytest.mark.parametrize("preflight", [[], ["--no-preflight"]])
def test_recognised(edited, preflight):
    shop, before, first = edited
    doubt = [x["recipient"] for x in results(shop / "results.csv") if x["status"] == "in_doubt"]
    assert len(doubt) == 1 and len(before) == 19
    with Relay(shop / "two") as r:
        done = send(shop, r, "--resume", "--key", "email", *preflight, check=1)
        assert "of 30 rows on record 27 are recognised, 3 are gone; 5 are to do or new" in done.stderr
        assert "gone from the list: user1@list.example, user7@list.example, user12@list.example; 'results.csv' keeps" in done.stderr
        new = {f"user{u}@list.example" for u in (8, 9, 10, 11, 31, 32, 33, 34, 35)}
        assert {a.lower() for a in r.recipients()} == new and set(r.recipients().values()) == {1}
        # It is this list now: nothing more to do, nothing to recognise, another edit is another edit.
        again = send(shop, r, "--resume", check=1)
        assert "edited" not in again.stderr and len(r.accepted()) == 9
        ids = [a.message_id for a in first.accepted() + r.accepted()]
        assert len(set(ids)) == len(ids)
        send(shop, r, "--resume", "--in-doubt", "resend", check=1)
        assert [a.recipients[0].lower() for a in r.accepted()[9:]] == [doubt[0].lower()]
    lines = results(shop / "results.csv")
    # Those who are gone keep their lines, behind the others and without a row.
    gone = [(x["recipient"], x["line"], x["status"]) for x in lines if not x["row"]]
    assert gone == [("user1@list.example", "", "refused"), ("user7@list.example", "", "deferred"), ("user12@list.example", "", "sent")]
    lines = [x for x in lines if x["row"]]
    with open(shop / "list.csv") as f:
        people = [line.strip().split(",")[1].lower() for line in f][1:]
    assert len(lines) == 32 and {x["recipient"].lower() for x in lines} == set(people)
    for x in lines:
        assert people[int(x["row"]) - 1] == x["recipient"].lower() and int(x["line"]) == int(x["row"]) + 1
    told = json.loads(lettershop("status", "results.csv", "--json", cwd=shop, check=0).stdout)
    assert (told["sent"], told["refused"], told["to_do"], told["rows"]) == (27, 5, 0, 32)
    assert told["gone"] == {"sent": 1, "refused": 1, "deferred": 1, "skipped": 0, "in_doubt": 0}
    assert "no longer in the list: 1 sent, 1 refused, 1 deferred" in lettershop("status", "results.csv", cwd=shop, check=0).stdout
    failed = (shop / "results.failed.csv").read_text()
    assert all(f"user{u}@" in failed for u in (2, 3, 4, 5, 6)) and "user1@" not in failed and failed.count("\n") == 6


def test_edited_twice_and_show(edited):
    shop, before, _ = edited
    with Relay(shop / "two") as r:
        send(shop, r, "--resume", "--key", "email", check=1)
        write(shop, range(1, 41))
        done = send(shop, r, "--resume", "--key", "email", check=1)
        # Those who were taken out and came back are as they were: refused, deferred, sent.
        assert "of 35 rows on record 35 are recognised, 0 are gone; 5 are to do or new" in done.stderr
        got = {a.lower() for a in r.recipients()}
        assert {f"user{u}@list.example" for u in (7, 36, 37, 38, 39, 40)} <= got
        assert "user1@list.example" not in got and "user12@list.example" not in got
    assert len(results(shop / "results.csv")) == 40
    assert "Subject: Hi" in lettershop("show", "results.csv", "--row", 38, "letter.eml", "list.csv", cwd=shop, check=0).stdout


def test_stopped_before_it_counts(edited):
    """A segment that was written for the new numbers and never counted changes nothing."""
    shop, _, _ = edited
    journal = shop / "results.csv.journal"
    was = (journal / "campaign").read_bytes()
    with Relay(shop / "two", "--refuse", "@=450 4.2.0 later") as r:
        send(shop, r, "--resume", "--key", "email", "--retry-for", "1ms", check=1)
        assert not r.accepted() and (journal / "run-0002-worker-999").exists()
    # As if the process had died before the one record that makes it count: what came later is cut off.
    now = (journal / "campaign").read_bytes()
    for name in journal.glob("run-0002-worker-00*"):
        name.unlink()
    (journal / "campaign").write_bytes(now[:len(was) + 12 + int.from_bytes(now[len(was) + 8:len(was) + 10], "little")])  # RUN stays
    told = json.loads(lettershop("status", "results.csv", "--json", cwd=shop, check=0).stdout)
    assert (told["sent"], told["refused"], told["deferred"], told["in_doubt"]) == (18, 6, 5, 1)
    with Relay(shop / "three") as r:
        done = send(shop, r, "--resume", "--key", "email", check=1)
        assert "of 30 rows on record 27 are recognised, 3 are gone" in done.stderr
        assert len(r.accepted()) == 9


def customers(shop, rows, name="list.csv"):
    """rows: (customer, user)"""
    (shop / name).write_text("customer,name,email\n" + "".join(f"{c},Name {u},{u}@List.example\n" for c, u in rows))


@pytest.fixture
def numbered(shop):
    """Customers 1 to 30: 1 to 6 refused, 7 to 11 deferred, 20 in doubt, the others sent. Sorted the other way since;
    customers 2, 7, 12 are gone; 31, 32 new; 3, 8, 13 and 20 have other addresses."""
    write_letter(shop / "letter.eml", "From: a@sender.example\nTo: {{ name }} <{{ email }}>\nSubject: Hi\n\nHi {{ name }}\n")
    customers(shop, [(f"K-{u}", f"user{u}") for u in range(1, 31)])
    with Relay(shop / "one", "--refuse", "^user(1|2|3|4|5|6)@=550 5.1.1 no", "--refuse", "^user(7|8|9|10|11)@=450 4.2.0 later",
               "--fault", "stage=END rcpt~^user20@ nth=1 close=accepted") as r:
        send(shop, r, "--retry-for", "1ms", "--connections", 1, check=1)
        assert len(r.recipients()) == 19
    (shop / "list.csv").rename(shop / "old.csv")
    customers(shop, [(f"K-{u}", f"{'moved' if u in (3, 8, 13, 20) else 'user'}{u}") for u in range(32, 0, -1)
                     if u not in (2, 7, 12)])
    return shop


@pytest.mark.parametrize("preflight", [[], ["--no-preflight"]])
def test_any_column_with_the_old_list(numbered, preflight):
    shop = numbered
    with Relay(shop / "two") as r:
        wrong = send(shop, r, "--resume", "--key", "customer", check=2)
        assert "not the column of the address" in wrong.stderr and "--old-list" in wrong.stderr
        done = send(shop, r, "--resume", "--key", "customer", "--old-list", "old.csv", *preflight, check=1)
        assert "of 30 rows on record 27 are recognised, 3 are gone; 2 are to do or new" in done.stderr
        new = {f"{u}@list.example" for u in ("moved8", "user9", "user10", "user11", "user31", "user32")}
        assert {a.lower() for a in r.recipients()} == new and set(r.recipients().values()) == {1}
        send(shop, r, "--resume", check=1)  # it is this list now
        assert len(r.accepted()) == 6
        send(shop, r, "--resume", "--in-doubt", "resend", check=1)
        assert [a.recipients[0].lower() for a in r.accepted()[6:]] == ["moved20@list.example"]
    status = {int(x["row"] or 0): x["status"] for x in results(shop / "results.csv")}
    with open(shop / "list.csv") as f:
        keys = [line.split(",")[0] for line in f][1:]
    assert len(status) == 29 + 1  # those who are gone have no row
    for row, key in enumerate(keys, 1):
        assert status[row] == ("refused" if key in ("K-1", "K-3", "K-4", "K-5", "K-6") else "sent"), key


def test_the_old_list_must_be_it(numbered):
    shop = numbered
    with Relay(shop / "two") as r:
        def wrong(*options):
            done = send(shop, r, "--resume", *options)
            assert done.returncode in (2, 3) and not r.accepted(), done.stderr
            return done.stderr
        assert "--key" in wrong("--old-list", "old.csv")
        assert "no such column" in wrong("--key", "id", "--old-list", "old.csv")
        old = (shop / "old.csv").read_text()
        for edit, said in ((old.replace("Name user9,", "Name user99,"), "not the list that the campaign was begun with"),
                           (old.replace("K-9,", ","), "old.csv:10: this row has no value"),
                           (old.replace("K-9,", "K-8,"), "old.csv:10: the column of --key does not tell rows apart: line 9"),
                           (old.replace("customer,", "number,"), "the list as it was has no such column")):
            (shop / "other").mkdir(exist_ok=True)
            (shop / "other" / "old.csv").write_text(edit)
            assert said in wrong("--key", "customer", "--old-list", "other/old.csv")
        assert "K-" in (shop / "old.csv").read_text()  # an input is never written


def test_a_hash_that_was_not_recorded(shop):
    """Killed in the middle without a preflight, the journal has size and time of the list, and takes nothing else."""
    write_letter(shop / "letter.eml", "From: a@sender.example\nTo: {{ email }}\nSubject: Hi\n\nHi {{ name }}\n")
    customers(shop, [(u, f"user{u}") for u in range(1, 41)])
    with Relay(shop / "one") as r:
        run = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{r.port}?tls=none", "--yes", "--no-preflight",
                    "--rate", "50/s", cwd=shop)
        while len(r.accepted()) < 5:
            assert run.poll() is None
        run.kill()
        run.communicate()
        first = r.recipients()
    (shop / "list.csv").rename(shop / "old.csv")
    (shop / "copy.csv").write_text((shop / "old.csv").read_text())
    customers(shop, [(u, f"user{u}") for u in range(40, 0, -1)])
    key = ["--resume", "--key", "customer", "--in-doubt", "resend", "--old-list"]
    with Relay(shop / "two") as r:
        done = send(shop, r, *key, "copy.csv")
        assert done.returncode in (2, 3) and "nobody can tell" in done.stderr and not r.accepted()
        send(shop, r, *key, "old.csv", check=0)
        both = first + r.recipients()
    assert len(both) == 40 and sum(n - 1 for n in both.values()) <= 4


def test_what_is_wrong(edited):
    shop, _, _ = edited
    with Relay(shop / "two") as r:
        assert "no such column" in send(shop, r, "--resume", "--key", "id", check=2).stderr
        assert "not the column of the address" in send(shop, r, "--resume", "--key", "name", check=2).stderr
        (shop / "list.csv").write_text("name,email\nA,user1@list.example\nB,user2@list.example\nC,user1@LIST.example\n")
        done = send(shop, r, "--resume", "--key", "email", check=2)
        assert "list.csv:4: the column of --key does not tell rows apart: line 2" in done.stderr
        assert "--key COLUMN --old-list FILE" in done.stderr
        (shop / "list.csv").write_text("name,email\nA,user1@list.example\nB,\n")
        assert "list.csv:3: this row has no value" in send(shop, r, "--resume", "--key", "email", check=2).stderr
        assert not r.accepted()


def there_and_back(shop, rows, key, other_key=None):
    """Sends to some of rows, goes on with a list without these, then with all: nobody is sent to twice."""
    write_letter(shop / "letter.eml", "From: a@sender.example\nTo: {{ email }}\nSubject: Hi\n\nHi {{ name }}\n")
    customers(shop, rows)
    with Relay(shop / "relay") as r:
        send(shop, r, "--limit", 20, check=0)
        customers(shop, rows[20:], "rest.csv")
        (shop / "list.csv").rename(shop / "old.csv")
        (shop / "rest.csv").rename(shop / "list.csv")
        done = send(shop, r, "--resume", "--limit", 30, *key, *(["--old-list", "old.csv"] if "customer" in key else []), check=0)
        assert "of 20 rows on record 0 are recognised, 20 are gone" in done.stderr and " and 15 more;" in done.stderr
        first = r.recipients()
        assert len(first) == 50
        (shop / "list.csv").rename(shop / "rest.csv")
        customers(shop, rows[::-1])
        key = other_key or key
        done = send(shop, r, "--resume", "--limit", "all", *key, *(["--old-list", "rest.csv"] if "customer" in key else []), check=0)
        assert "of 50 rows on record 50 are recognised, 0 are gone; 10 are to do or new" in done.stderr
        assert len(r.recipients()) == 60 and set(r.recipients().values()) == {1}
    lines = results(shop / "results.csv")
    assert len(lines) == 60 and all(x["row"] and x["status"] == "sent" for x in lines)


BY_ADDRESS, BY_NUMBER = ["--key", "email"], ["--key", "customer"]


@pytest.mark.parametrize("key, other", [(BY_ADDRESS, BY_ADDRESS), (BY_NUMBER, BY_NUMBER), (BY_ADDRESS, BY_NUMBER),
                                        (BY_NUMBER, BY_ADDRESS)])
def test_gone_and_back(shop, key, other):
    there_and_back(shop, [(f"K-{u}", f"user{u}") for u in range(1, 61)], key, other)


def test_gone_twice_and_back(edited):
    """What is known of those who are gone goes from one renumbering into the next."""
    shop, _, _ = edited
    with Relay(shop / "two") as r:
        send(shop, r, "--resume", "--key", "email", check=1)
        write(shop, range(13, 36))
        done = send(shop, r, "--resume", "--key", "email", check=None)
        assert "of 35 rows on record 23 are recognised, 12 are gone; 0 are to do or new" in done.stderr
        before = r.recipients()
        write(shop, range(1, 36))
        done = send(shop, r, "--resume", "--key", "email", check=None)
        assert "of 35 rows on record 35 are recognised, 0 are gone; 0 are to do or new" in done.stderr
        assert {a.lower() for a in r.recipients() - before} == {"user7@list.example"}  # it was deferred
    status = {x["recipient"].lower(): x["status"] for x in results(shop / "results.csv")}
    assert len(status) == 35 and status["user1@list.example"] == "refused" and status["user12@list.example"] == "sent"


def test_another_address_is_another_customer(shop):
    """By their number, a new customer under the address of one who is gone is a new one."""
    write_letter(shop / "letter.eml", "From: a@sender.example\nTo: {{ email }}\nSubject: Hi\n\nHi {{ name }}\n")
    customers(shop, [(u, f"user{u}") for u in range(1, 11)])
    with Relay(shop / "relay") as r:
        send(shop, r, "--limit", 5, check=0)
        (shop / "list.csv").rename(shop / "old.csv")
        customers(shop, [(u, f"user{u}") for u in range(2, 11)])
        send(shop, r, "--resume", "--limit", 6, "--key", "customer", "--old-list", "old.csv", check=0)
        (shop / "list.csv").rename(shop / "old.csv")
        customers(shop, [(u, f"user{u}") for u in range(2, 11)] + [(99, "user1")])
        done = send(shop, r, "--resume", "--limit", "all", "--key", "customer", "--old-list", "old.csv", check=0)
        assert "1 are gone" in done.stderr
        assert r.recipients()["user1@list.example"] == 2 and len(r.accepted()) == 11


def test_address_without_case(shop):
    write_letter(shop / "letter.eml", "From: a@sender.example\nTo: {{ email }}\nSubject: Hi\n\nHi {{ name }}\n")
    def people(*addresses):
        (shop / "list.csv").write_text("name,email\n" + "".join(f"N,{a}\n" for a in addresses))
    people("ann@d1.example", "BOB@d1.example", "eve@m\u00fcnchen.example", "c@d1.example")
    with Relay(shop / "relay") as r:
        send(shop, r, "--limit", 3, check=0)
        people("Ann@D1.example", "bob@d1.example", "Eve@xn--mnchen-3ya.example", "c@d1.example", "new@d1.example")
        done = send(shop, r, "--resume", "--limit", "all", "--key", "email", check=0)
        assert "of 3 rows on record 3 are recognised, 0 are gone; 2 are to do or new" in done.stderr
        assert len(r.accepted()) == 5 and len({a.lower() for a in r.recipients()}) == 5


ALIKE = ["user1", "user2", "user1", "user3", "user2", "user2", "user4", "user5"]


@pytest.mark.parametrize("old_list", [False, True])
@pytest.mark.parametrize("now, recognised, gone, new", [
    (["user0"] + ALIKE[::-1] + ["user6"], 8, 0, {"user0", "user6"}),
    (["user5", "user2", "user1", "user3", "user4"], 5, 3, set()),
    (["user1"] * 5 + ["user9"], 2, 6, {"user9"}),
])
def test_rows_that_are_alike(shop, now, recognised, gone, new, old_list):
    """The campaign sends to one of them; they share a key, and an edit changes nothing of that."""
    write_letter(shop / "letter.eml", "From: a@sender.example\nTo: {{ email }}\nSubject: Hi\n\nHi {{ name }}\n")
    customers(shop, [("K", u) for u in ALIKE])
    way = ["--key", "email"] + (["--old-list", "old.csv"] if old_list else [])
    with Relay(shop / "relay") as r:
        send(shop, r, check=1)
        assert len(r.accepted()) == 5
        (shop / "list.csv").rename(shop / "old.csv")
        customers(shop, [("K", u) for u in now])
        done = send(shop, r, "--resume", *way, check=None)
        assert f"of 8 rows on record {recognised} are recognised, {gone} are gone" in done.stderr
        assert {a.split("@")[0] for a in r.recipients()} == {f"user{u}" for u in range(1, 6)} | new
        assert set(r.recipients().values()) == {1}
    status = {}
    for x in results(shop / "results.csv"):
        if x["row"]:
            status.setdefault(x["recipient"].lower(), []).append(x["status"])
    assert all(s.count("sent") == 1 for s in status.values()) and sum(map(len, status.values())) == len(now)


def test_one_row_of_an_address(shop):
    """With --duplicates skip rows of one address are one to the campaign: they share a key, too."""
    write_letter(shop / "letter.eml", "From: a@sender.example\nTo: {{ email }}\nSubject: Hi\n\nHi {{ name }}\n")
    (shop / "list.csv").write_text("name,email\nA,a@list.example\nB,A@list.example\nC,c@list.example\n")
    with Relay(shop / "relay") as r:
        send(shop, r, "--duplicates", "skip", "--limit", 2, check=1)
        (shop / "list.csv").write_text("name,email\nB,A@list.example\nA,a@list.example\nC,c@list.example\n")
        wrong = send(shop, r, "--resume", "--duplicates", "skip", "--limit", "all", "--key", "name", check=2)
        assert "not the column of the address" in wrong.stderr
        send(shop, r, "--resume", "--duplicates", "skip", "--limit", "all", "--key", "email", check=1)
        assert {a.lower() for a in r.recipients()} == {"a@list.example", "c@list.example"} and len(r.accepted()) == 2


def test_show_what_was_sent_before(shop):
    """A row that was sent under another number, one edit ago and two, is shown as it was sent."""
    write_letter(shop / "letter.eml", "From: a@sender.example\nTo: {{ email }}\nSubject: Hi {{ name }}\nX-Token: {{ token }}\n\nHi\n")
    sent = {}

    def go(users, limit, *way):
        customers(shop, [(f"K-{u}", f"user{u}") for u in users])
        send(shop, r, "--limit", limit, *way, check=0)
    with Relay(shop / "relay") as r:
        go(range(1, 31), 10)
        go(range(30, 3, -1), 15, "--resume", "--key", "email")
        go(range(2, 31), "all", "--resume", "--key", "email")
        sent = {a.recipients[0].split("@")[0]: a.message_id for a in r.accepted()}
    assert len(sent) == 30
    for row, user in enumerate(range(2, 31), 1):
        done = lettershop("show", "results.csv", "--row", row, "letter.eml", "list.csv", cwd=shop, check=0)
        assert f"Message-ID: {sent[f'user{user}']}" in done.stdout and f"Subject: Hi Name user{user}" in done.stdout
        assert ("before the list was edited" in done.stderr) == (user <= 10 or user > 15)
    done = lettershop("show", "results.csv", "--row", 30, "letter.eml", "list.csv", cwd=shop, check=2)
    assert "no message of row 30" in done.stderr


@pytest.mark.parametrize("seed", range(40 if LONG else 4))
def test_edits_and_kills_by_chance(shop, seed):
    """People come and go, in any order, case and number of copies, and runs are killed: nobody is mailed twice or lost."""
    rnd = random.Random(seed)
    everyone = range(1, rnd.choice([20, 200, 600]))
    write_letter(shop / "letter.eml", "From: a@sender.example\nTo: {{ email }}\nSubject: Hi\n\nHi {{ name }}\n")

    def write_some(share):
        who = [u for u in everyone if rnd.random() < share]
        who += [u for u in who if rnd.random() < .1]
        if rnd.random() < .5:
            rnd.shuffle(who)
        customers(shop, [(f"K-{u}", f"{word}{u}") for word in [rnd.choice(["user", "User"])] for u in who])

    def way():
        return on_with(shop, "--key", "email")
    with Relay(shop / "relay", "--refuse", "^[Uu]ser[0-9]*3@=550 5.1.1 no", "--refuse", "^[Uu]ser[0-9]*4@=450 4.2.0 later") as r:
        to = ["letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{r.port}?tls=none", "--yes", "--retry-for", "1ms"]
        for _ in range(rnd.randrange(3, 8)):
            write_some(rnd.choice([.1, .6, .95]))
            run = begin("send", *to, "--rate", rnd.choice(["50/s", "200/s", "2000/s"]), *way(), cwd=shop)
            try:
                run.communicate(timeout=rnd.choice([.03, .5]) * rnd.random())
            except subprocess.TimeoutExpired:
                (run.kill if rnd.random() < .6 else run.terminate)()
                run.communicate()
        write_some(2)
        for _ in range(2):
            done = lettershop("send", *to, *way(), cwd=shop)
            assert done.returncode in (0, 1), done.stderr
        mailed = collections.Counter(a.lower() for a in r.recipients().elements())
    lines = results(shop / "results.csv")
    told = collections.defaultdict(set)
    for x in lines:
        told[x["status"]].add(x["recipient"].lower())
    assert set(mailed.values()) <= {1} and set(mailed) <= told["sent"] | told["in_doubt"]
    assert all(f"user{u}@list.example" in mailed or f"user{u}@list.example" in told["in_doubt"] for u in everyone if u % 10 not in (3, 4))
    rows = [x["row"] for x in lines if x["row"]]
    assert len(rows) == len(set(rows))

"""Everyone exactly once: connections, TLS, refusals, retries, several runs."""
import collections

import pytest

from relay import LONG, LETTERSHOP, Relay, begin, lettershop, results, write_letter, write_list

MANY = 100000 if LONG else 10000


def send(shop, n_or_list, url, *options, check=0, results_name="results.csv"):
    return lettershop("send", "letter.eml", n_or_list, "--relay", url, "--yes", "--results", results_name, *options,
                      cwd=shop, check=check, timeout=300)


def tls_options(certs):
    return ["--starttls", "--tls-cert", certs / "good.pem", "--tls-key", certs / "good.key"]


@pytest.mark.parametrize("connections", [1, 4, 16])
@pytest.mark.parametrize("tls", [False, True])
def test_everyone_exactly_once(shop, certs, connections, tls):
    write_list(shop / "list.csv", MANY)
    with Relay(shop / "relay", "--threads", 2, *(tls_options(certs) if tls else [])) as r:
        url = f"smtp://localhost:{r.port}?ca={certs}/ca.pem" if tls else f"smtp://localhost:{r.port}?tls=none"
        send(shop, "list.csv", url, "--connections", connections)
    got = r.recipients()
    assert len(got) == MANY and set(got.values()) == {1}
    assert got.keys() == {f"user{i}@list.example" for i in range(1, MANY + 1)}
    rows = results(shop / "results.csv")
    assert len(rows) == MANY and {row["status"] for row in rows} == {"sent"}
    assert {int(row["row"]) for row in rows} == set(range(1, MANY + 1))
    assert all(int(row["line"]) == int(row["row"]) + 1 for row in rows)
    assert len({a.conn for a in r.accepted()}) <= connections
    assert r.violations() == ""
    assert all(a.tls == tls for a in r.accepted())


def test_refused_and_deferred_are_told_apart(shop):
    write_list(shop / "list.csv", 200)
    with Relay(shop / "relay", "--refuse", "^user1[0-9]@=550 5.1.1 no such user",
               "--refuse", "^user2[0-9]@=450 4.2.0 busy") as r:
        done = send(shop, "list.csv", f"smtp://localhost:{r.port}?tls=none", "--retry-for", "2s", check=1)
    status = {int(x["row"]): x for x in results(shop / "results.csv")}
    assert len(status) == 200
    for i, row in status.items():
        want = "refused" if 10 <= i <= 19 else "deferred" if 20 <= i <= 29 else "sent"
        assert row["status"] == want, row
    assert status[10]["code"] == "550" and status[10]["enhanced"] == "5.1.1"
    assert "no such user" in status[10]["reply"]
    assert int(status[20]["attempts"]) >= 3
    assert set(r.recipients().values()) == {1} and len(r.recipients()) == 180
    failed = results(shop / "results.failed.csv")
    assert [x["email"] for x in failed] == [f"user{i}@list.example" for i in range(10, 30)]
    assert failed[0]["mail_reason"].startswith("refused: 550") and failed[10]["mail_reason"].startswith("deferred: 450")
    assert "results.failed.csv" in done.stderr + done.stdout

    # The failed ones go again as they are, once the relay is kind.
    with Relay(shop / "relay2") as r2:
        send(shop, "results.failed.csv", f"smtp://localhost:{r2.port}?tls=none", results_name="second.csv")
    assert sorted(r2.recipients()) == sorted(f"user{i}@list.example" for i in range(10, 30))


def test_deferred_once_is_sent_in_the_same_run(shop):
    write_list(shop / "list.csv", 500)
    with Relay(shop / "relay", "--greylist", "--greylist-ms", "100") as r:
        send(shop, "list.csv", f"smtp://localhost:{r.port}?tls=none", "--retry-for", "20s")
    assert len(r.recipients()) == 500 and set(r.recipients().values()) == {1}
    rows = results(shop / "results.csv")
    assert len(rows) == 500 and {x["status"] for x in rows} == {"sent"} and {x["attempts"] for x in rows} == {"2"}


@pytest.mark.parametrize("per_connection", [1, 7, 100])
def test_server_that_hangs_up_after_n_messages(shop, per_connection):
    write_list(shop / "list.csv", 300)
    with Relay(shop / "relay", "--max-per-connection", per_connection, "--log-protocol", shop / "protocol") as r:
        send(shop, "list.csv", f"smtp://localhost:{r.port}?tls=none")
    assert len(r.recipients()) == 300 and set(r.recipients().values()) == {1}
    assert r.violations() == ""
    # Its number is learned: it has to say 421 to the first sessions only.
    assert (shop / "protocol").read_text().count("S: 421") <= 16


LOSSES = [
    "stage=MAIL every=10 close=before", "stage=RCPT every=10 close=before",
    "stage=RCPT every=11 reply=\"421 4.3.0 going away\" close=after", "stage=CONTENT every=12 close=before",
    "stage=RCPT every=9 rst", "stage=GREETING every=3 close=before",
    "stage=EHLO every=3 reply=\"421 busy\" close=after", "stage=RSET every=2 close=before",
    "stage=DATA every=10 close=before", "stage=DOT every=10 reply=\"451 4.3.0 try later\"",
    "stage=LAST every=10 reply=\"451 4.3.0 try later\"",
]


@pytest.mark.parametrize("chunking", [False, True])
@pytest.mark.parametrize("fault", LOSSES)
def test_lost_sessions_lose_nobody(shop, fault, chunking):
    """Without CHUNKING an envelope is answered before the content leaves, so a line cut there leaves no doubt;
    with it the whole transaction is in flight, and a bare close settles nothing."""
    write_list(shop / "list.csv", 300)
    with Relay(shop / "relay", "--fault", fault, *([] if chunking else ["--extensions", "-CHUNKING"])) as r:
        done = send(shop, "list.csv", f"smtp://localhost:{r.port}?tls=none", "--retry-for", "30s", check=None)
    rows = results(shop / "results.csv")
    count = collections.Counter(x["status"] for x in rows)
    assert len(rows) == 300, (count, done.stderr)
    got = r.recipients()
    assert set(got.values()) == {1}
    sent = {x["recipient"] for x in rows if x["status"] == "sent"}
    doubt = {x["recipient"] for x in rows if x["status"] == "in_doubt"}
    assert sent <= set(got) and set(got) <= sent | doubt
    assert sent | doubt == {f"user{i}@list.example" for i in range(1, 301)}, count
    assert len(doubt) <= (45 if chunking or "CONTENT" in fault else 0), done.stderr
    assert done.returncode == (1 if doubt else 0)


@pytest.mark.parametrize("stage,options", [("DOT", ["--extensions", "-CHUNKING"]), ("LAST", [])])
def test_end_of_data_without_reply_is_in_doubt_and_held(shop, stage, options):
    write_list(shop / "list.csv", 100)
    with Relay(shop / "relay", "--fault", f"stage={stage} every=20 close=accepted", *options) as r:
        done = send(shop, "list.csv", f"smtp://localhost:{r.port}?tls=none", check=1)
        rows = results(shop / "results.csv")
        doubt = [x for x in rows if x["status"] == "in_doubt"]
        assert len(rows) == 100 and 3 <= len(doubt) <= 5
        assert len(r.recipients()) == 100 and set(r.recipients().values()) == {1}
        assert [x["email"] for x in results(shop / "results.in-doubt.csv")] == sorted(
            (x["recipient"] for x in doubt), key=lambda a: int(a[4:a.index("@")]))
        assert "in doubt" in done.stdout + done.stderr
        # Held: a resume sends them to nobody.
        send(shop, "list.csv", f"smtp://localhost:{r.port}?tls=none", "--resume", check=1)
        assert set(r.recipients().values()) == {1}
    # Sent again only when the user says so, with the same Message-ID.
    with Relay(shop / "again") as again:
        send(shop, "list.csv", f"smtp://localhost:{again.port}?tls=none", "--resume", "--in-doubt", "resend")
    assert again.recipients().keys() == {x["recipient"] for x in doubt}
    first = {a.recipients[0]: a.message_id for a in r.accepted()}
    assert all(first[a.recipients[0]] == a.message_id for a in again.accepted())
    assert {x["status"] for x in results(shop / "results.csv")} == {"sent"}


def test_several_recipients_of_one_message(shop):
    write_letter(shop / "letter.eml", """\
From: post@sender.example
To: {{ name }} <{{ email }}>
Cc: boss@list.example
Bcc: archive-{{ row_id }}@list.example
Subject: three people

One message, {{ name }}.
""")
    (shop / "list.csv").write_text("email,name,row_id\nann@list.example,Ann,1\nbob@list.example,Bob,2\n")
    with Relay(shop / "relay", "--refuse", "^archive-2@=550 5.1.1 unknown", "--store", shop / "store") as r:
        send(shop, "list.csv", f"smtp://localhost:{r.port}?tls=none", check=1)
    assert r.recipients() == {"ann@list.example": 1, "bob@list.example": 1, "boss@list.example": 2,
                              "archive-1@list.example": 1}
    rows = {(x["row"], x["recipient"]): x["status"] for x in results(shop / "results.csv")}
    assert rows == {("1", "ann@list.example"): "sent", ("1", "boss@list.example"): "sent",
                    ("1", "archive-1@list.example"): "sent", ("2", "bob@list.example"): "sent",
                    ("2", "boss@list.example"): "sent", ("2", "archive-2@list.example"): "refused"}
    for path in (shop / "store").iterdir():
        assert b"archive-" not in path.read_bytes() and b"Bcc" not in path.read_bytes()


def test_redirect_changes_only_the_envelope(shop):
    write_list(shop / "list.csv", 5)
    with Relay(shop / "relay", "--store", shop / "store") as r:
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                   "--redirect-to", "me@test.example", cwd=shop, check=0)
    assert r.recipients() == {"me@test.example": 5}
    texts = b"".join(p.read_bytes() for p in (shop / "store").iterdir())
    assert all(f"user{i}@list.example".encode() in texts for i in range(1, 6)) and b"me@test.example" not in texts
    assert (shop / "redirected.csv").exists() and not (shop / "results.csv").exists()


def test_rows_and_limit(shop):
    write_list(shop / "list.csv", 50)
    with Relay(shop / "relay") as r:
        send(shop, "list.csv", f"smtp://localhost:{r.port}?tls=none", "--rows", "3-9,14,40-", "--limit", "10")
    assert sorted(r.recipients()) == sorted(f"user{i}@list.example" for i in [3, 4, 5, 6, 7, 8, 9, 14, 40, 41])


def test_an_existing_campaign_is_not_begun_again(shop):
    write_list(shop / "list.csv", 5)
    with Relay(shop / "relay") as r:
        url = f"smtp://localhost:{r.port}?tls=none"
        send(shop, "list.csv", url)
        again = send(shop, "list.csv", url, check=2)
        assert "--resume" in again.stderr and "--results" in again.stderr
        send(shop, "list.csv", url, "--resume")
        with open(shop / "letter.eml", "a") as f:
            f.write("A line more.\n")
        changed = send(shop, "list.csv", url, "--resume", check=2)
        assert "letter" in changed.stderr
    assert set(r.recipients().values()) == {1}


def test_two_runs_at_once_are_impossible(shop):
    write_list(shop / "list.csv", 500)
    with Relay(shop / "relay") as r:
        url = f"smtp://localhost:{r.port}?tls=none"
        first = begin("send", "letter.eml", "list.csv", "--relay", url, "--yes", "--rate", "100/s", cwd=shop)
        while not r.accepted():
            assert first.poll() is None
        second = send(shop, "list.csv", url, "--resume", check=2)
        assert str(first.pid) in second.stderr
        assert first.wait(timeout=60) == 0
    assert len(r.recipients()) == 500 and set(r.recipients().values()) == {1}


def test_interrupted_and_resumed(shop):
    write_list(shop / "list.csv", 2000)
    with Relay(shop / "relay") as r:
        url = f"smtp://localhost:{r.port}?tls=none"
        first = begin("send", "letter.eml", "list.csv", "--relay", url, "--yes", "--rate", "500/s", cwd=shop)
        while len(r.accepted()) < 100:
            assert first.poll() is None
        first.send_signal(2)
        said = first.communicate(timeout=30)[0].decode()
        assert first.returncode == 3 and "--resume" in said
        n = len(r.accepted())
        assert 100 <= n < 2000
        assert {x["status"] for x in results(shop / "results.csv")} == {"sent"}
        send(shop, "list.csv", url, "--resume")
    assert len(r.recipients()) == 2000 and set(r.recipients().values()) == {1}
    assert len(results(shop / "results.csv")) == 2000


def test_a_relay_that_vanishes_and_returns(shop):
    write_list(shop / "list.csv", 3000)
    r = Relay(shop / "relay").start()
    run = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                "--rate", "1000/s", cwd=shop)
    while len(r.accepted()) < 500:
        assert run.poll() is None
    r.stop()
    r.start()
    assert run.wait(timeout=120) in (0, 1), run.stdout.read()
    r.stop()
    rows = results(shop / "results.csv")
    doubt = {x["recipient"] for x in rows if x["status"] == "in_doubt"}
    assert len(rows) == 3000 and len(doubt) <= 4
    assert {x["status"] for x in rows} <= {"sent", "in_doubt"}
    assert set(r.recipients().values()) == {1}
    assert {f"user{i}@list.example" for i in range(1, 3001)} - set(r.recipients()) <= doubt


def test_in_doubt_sent_again_and_put_off_stays_in_doubt(shop):
    """Consent is for one run: what it could not settle may still have arrived the first time."""
    write_list(shop / "list.csv", 20)
    with Relay(shop / "one", "--fault", "stage=END mail~post nth=5 close=accepted") as r1:
        send(shop, "list.csv", f"smtp://localhost:{r1.port}?tls=none", check=1)
    assert len(r1.recipients()) == 20
    with Relay(shop / "two", "--fault", 'stage=RCPT reply="450 4.2.0 busy"') as r2:
        done = send(shop, "list.csv", f"smtp://localhost:{r2.port}?tls=none", "--resume", "--in-doubt", "resend", "--retry-for", "1s", check=1)
    assert not r2.accepted()
    [line] = [x for x in results(shop / "results.csv") if x["status"] != "sent"]
    assert line["status"] == "in_doubt" and "may have arrived before" in line["reply"] and int(line["attempts"]) >= 3
    with Relay(shop / "three") as r3:
        url = f"smtp://localhost:{r3.port}?tls=none"
        send(shop, "list.csv", url, "--resume", check=1)
        assert not r3.accepted()
        send(shop, "list.csv", url, "--resume", "--in-doubt", "resend")
        assert len(r3.accepted()) == 1
    assert {x["status"] for x in results(shop / "results.csv")} == {"sent"}


def test_the_program_is_there():
    assert LETTERSHOP

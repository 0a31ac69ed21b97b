"""Power cuts of the whole program: a campaign's writes, syncs and sends are recorded; then for moments of it the
disk is made as it may have been left, the machine is 'started anew', and the campaign is resumed.

Whatever the disk kept: nobody whose message had been offered to the relay is mailed again with hold, nobody
is missing from sent, in doubt and refused together, and all of it with one line each."""
import collections
import random
import shutil

import pytest

import power
import preload
from relay import LONG, Relay, lettershop, on_with, results, write_letter

ROWS = 60
REFUSED = {11, 37}
BUSY = {7, 23, 50}


def address(i):
    return f"{'no' if i in REFUSED else 'busy' if i in BUSY else 'user'}{i}@list.example"


EVERYONE = {address(i) for i in range(1, ROWS + 1)}
NEVER = {address(i) for i in REFUSED}


def make_shop(place):
    place.mkdir()
    write_letter(place / "letter.eml")
    (place / "list.csv").write_text("email,name,plan\n" + "".join(f"{address(i)},Name {i},pro\n"
                                                                 for i in range(1, ROWS + 1)))
    return place


def command(r, sync):
    return ["send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
            "--connections", "2", "--retry-for", "12s", "--sync", sync]


RELAY = ["--refuse", "^no=550 5.1.1 nobody", "--delay", "1",
         "--fault", 'stage=RCPT rcpt~"^busy" to=3 reply="450 4.2.0 busy"']


def record(tmp_path, sync):
    """A campaign that is killed once and resumed, all on one record: (events, what the relay accepted)."""
    place = make_shop(tmp_path / "first")
    log = tmp_path / "record"
    with Relay(tmp_path / "relay", *RELAY) as r:
        base = command(r, sync)
        env = preload.environment("call=sendmsg path=socket nth=25 do=after", record=log, root=place)
        assert lettershop(*base, cwd=place, env=env).returncode == -9
        lettershop(*base, "--resume", cwd=place, env=preload.environment(record=log, root=place), check=1)
        assert set(r.recipients().values()) == {1}
        return power.read_record(log), r.accepted()


def put(place, image):
    (place / "results.csv.journal").mkdir(mode=0o700)
    for name, data in image.items():
        path = place / name
        path.write_bytes(data)
        path.chmod(0o600)


def next_send_ns(events, number):
    """What the relay accepted before this had been offered before that event."""
    return next((e.ns for e in events[number:] if e.kind == "N"), 1 << 63)


def judge(place, mails, again, moment_ns, what):
    """mails: of the campaign that was cut, offered before it when accepted before moment_ns; again: after it."""
    before = {a.recipients[0] for a in mails if a.accepted_ns < moment_ns}
    ever = {a.recipients[0] for a in mails}
    got = collections.Counter(rcpt for a in again for rcpt in a.recipients)
    status = {}
    for line in results(place / "results.csv"):
        if not line["recipient"]:  # of a row that was claimed and of which nothing else is left
            line["recipient"] = address(int(line["row"]))
        assert line["recipient"] not in status, (what, line)
        status[line["recipient"]] = line["status"]
    assert status.keys() == EVERYONE, (what, EVERYONE - status.keys())
    assert set(status.values()) <= {"sent", "refused", "in_doubt"}, (what, status)
    doubt = {a for a, s in status.items() if s == "in_doubt"}
    sent = {a for a, s in status.items() if s == "sent"}
    assert not before & got.keys(), (what, "mailed again:", before & got.keys())
    assert set(got.values()) <= {1}, (what, "twice")
    assert sent <= ever | got.keys(), (what, "called sent:", sent - ever - got.keys())
    lost = EVERYONE - NEVER - doubt - before - got.keys()
    assert lost <= sent & ever, (what, "missing:", lost)
    return len(doubt)


def cut(tmp_path, disk, mails, moment_ns, how, rng, sync, what):
    """One image of the disk, resumed on a machine that was started anew. How many are in doubt."""
    place = make_shop(tmp_path / "cut")
    shutil.copystat(tmp_path / "first" / "list.csv", place / "list.csv")
    put(place, disk.image(*how, rng))
    (place / "boot").write_text("00000000-0000-4000-8000-000000000001\n")
    with Relay(tmp_path / "cut-relay", "--refuse", "^no=550 5.1.1 nobody") as r:
        done = lettershop(*command(r, sync), *on_with(place), cwd=place, env=preload.environment(boot=place / "boot"))
        assert done.returncode in (0, 1), (what, done.stderr)
        doubt = judge(place, mails, r.accepted(), moment_ns, what)
    shutil.rmtree(place)
    shutil.rmtree(tmp_path / "cut-relay")
    return doubt


@pytest.mark.parametrize("sync", ["200ms", "each"] if LONG else ["20ms"])
def test_power_cuts(tmp_path, sync):
    events, mails = record(tmp_path, sync)
    rng = random.Random(11)
    offered = sum(e.kind == "N" for e in events)
    images, worst = 0, 0
    ways = [(0, 0), (1, 1), (1, 0), (0, 1), (0.5, 0.5), (0.9, 0.9), (0.1, 1), (0.5, 1)]
    chance = 1 if LONG else 24 / len(events)
    for number, disk in power.moments(events, "WTSCRUN"):
        moment_ns = next_send_ns(events, number)
        for how in ways if LONG else [rng.choice(ways)]:
            if rng.random() >= chance:
                continue
            what = f"sync {sync}, cut before event {number} of {len(events)}, kept {how}"
            worst = max(worst, cut(tmp_path, disk, mails, moment_ns, how, rng, sync, what))
            images += 1
    print(f"sync {sync}: {len(events)} events, {offered} sends, {images} disks, at most {worst} of {ROWS} in doubt")
    assert images >= (5 * len(events) if LONG else 10)

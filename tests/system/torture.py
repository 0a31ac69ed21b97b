#!/usr/bin/python3
"""Kills lettershop at chosen points and at random, resumes each campaign to its end, and compares what the
practice relay recorded with the results. Run by `make torture`; test_torture.py runs a short form.

    torture.py [--kills 500] [--jobs N] [--seed N]

A campaign is killed up to three times in a row, in the resumes too, then it ends with --in-doubt hold and
is judged, and ends again with --in-doubt resend and is judged again. The relay writes down what it accepted
before it says so, and shares no code with lettershop. In some cells each message is that of a group of rows,
which stand apart and must share what became of it. The last two cells are small and are killed at every
single call there is."""
import argparse
import collections
import concurrent.futures
import csv
import itertools
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import journal
import preload
import relay

ROWS, FEW_ROWS = 48, 9
REFUSED = {5, 17, 29}
CHAIN = 3
PARTS = 3  # rows of a group
# What is killed: name, calls, part of the path, where in the call.
STRATA = [
    ("journal write", "pwrite", ".journal/", ("before", "half", "after")),
    ("journal sync", "fdatasync,fsync", ".journal", ("before", "after")),
    ("names of files", "open,mkdir,rename,unlink,ftruncate", "results", ("before", "after")),
    ("results.csv", "pwrite", "results.csv$", ("before", "half", "after")),
    ("connect", "connect", "socket", ("before", "after")),
    ("octets out", "sendmsg,send", "socket", ("before", "half", "after")),
    ("octets in", "recv", "socket", ("before", "after")),
]
RANDOM = ("random time", "", "", ("",))

VERBS = {"EHLO", "STARTTLS", "MAIL", "RCPT", "DATA", "BDAT", "RSET"}

Cell = collections.namedtuple("Cell", "connections verb window tls grey every grouped", defaults=(False, False))
Point = collections.namedtuple("Point", "stratum calls path where nth")


class Wrong(AssertionError):
    pass


def must(truth, *what):
    if not truth:
        raise Wrong(" ".join(str(x) for x in what))


def forms():
    """What a transaction is sent with, and how many are in flight (--window, where this lettershop has it)."""
    helped = relay.lettershop("help", "send", "--all").stdout
    return [("DATA", 1), ("BDAT", 1)] + ([("BDAT", 16)] if "--window" in helped else [])


def cells():
    found = [Cell(connections, *form, tls, grey) for grey, tls, form, connections in
             itertools.product((False, True), (False, True), forms(), (1, 4, 16))]
    found += [Cell(4, "DATA", 1, False, True, False, True), Cell(4, *forms()[-1], False, False, False, True)]
    return found + [Cell(1, "DATA", 1, True, True, True), Cell(1, *forms()[-1], False, False, True)]


class Bench:
    """A relay for one cell, and what came of its campaigns."""

    def __init__(self, cell, folder, certs, seed):
        self.cell, self.folder, self.certs = cell, pathlib.Path(folder), certs
        self.rng = random.Random(f"{seed} {cell}")
        self.kills = collections.Counter()   # by stratum
        self.visited = set()
        self.points = {}                     # by stratum
        self.rows = FEW_ROWS if cell.every else ROWS
        self.campaigns = self.runs = self.listed = self.most = self.lost = self.twice_held = self.twice = 0
        self.turn = 0
        self.stages = collections.Counter()
        self.folder.mkdir(parents=True)
        (self.folder / "password").write_text("pencil\n")
        (self.folder / "password").chmod(0o600)

    def options(self):
        found = ["--refuse", "^no=550 5.1.1 nobody", "--log-protocol", self.folder / "protocol", "--delay", "1"]
        if self.cell.verb == "DATA":
            found.append("--extensions=-CHUNKING")
        if self.cell.grey:
            found.append("--greylist")
        if self.cell.tls:
            found += ["--starttls", "--tls-cert", self.certs / "good.pem", "--tls-key", self.certs / "good.key",
                      "--user", "ann", "--password-file", self.folder / "password", "--require-auth"]
        return found

    def command(self, r):
        url = f"smtp://ann@localhost:{r.port}?ca={self.certs}/ca.pem" if self.cell.tls else \
            f"smtp://localhost:{r.port}?tls=none"
        more = ["--password-file", self.folder / "password"] if self.cell.tls else []
        if self.cell.grouped:
            more += ["--group-by", "plan"]
        if self.cell.window > 1:
            more += ["--window", self.cell.window]
        return ["send", "letter.eml", "list.csv", "--relay", url, "--yes", "--connections", self.cell.connections,
                "--retry-for", "12s", "--threads", "2", *more]

    # ---- what is there to kill

    def measure(self, r):
        """Counts the calls of a campaign that nobody disturbs: the points that can be chosen."""
        place = self.shop("measured")
        relay.lettershop(*self.command(r), cwd=place, check=1, env=preload.environment(count=place / "count"))
        calls = preload.counted(place / "count")
        for stratum, names, path, wheres in STRATA:
            n = sum(k for (call, at), k in calls.items() if call in names.split(",") and
                    (at.endswith(path[:-1]) if path.endswith("$") else path in at))
            points = [Point(stratum, names, path, where, nth) for where in wheres for nth in range(1, n + 1)]
            self.rng.shuffle(points)
            self.points[stratum] = points
        self.total = sum(map(len, self.points.values()))
        self.took = self.span(r)

    def span(self, r):
        place = self.shop("timed")
        begun = time.monotonic()
        relay.lettershop(*self.command(r), cwd=place, check=1)
        return time.monotonic() - begun

    def shop(self, name):
        place = self.folder / name
        place.mkdir()
        relay.write_letter(place / "letter.eml")
        with open(place / "list.csv", "w", newline="", encoding="utf-8") as f:
            out = csv.writer(f)
            out.writerow(["email", "name", "plan"])
            for part in range(PARTS if self.cell.grouped else 1):
                for i in range(1, self.rows + 1):
                    plan = f"p{i}" if self.cell.grouped else "pro" if i % 3 else ""
                    out.writerow([self.address(name, i) if part == 0 else "", f"Name {i}", plan])
        return place

    @staticmethod
    def address(name, i):
        return f"{'no' if i in REFUSED else 'user'}{i}@{name}.example"

    # ---- killing

    def next_point(self):
        """Each stratum in turn, and a random time; points that were not visited, as long as there are any."""
        self.turn += 1
        strata = [points for points in self.points.values() if points]
        at = self.turn % (len(strata) + (0 if self.cell.every and strata else 1))
        return strata[at].pop() if at < len(strata) else Point(*RANDOM[:3], "", 0)

    def kill_at(self, command, place, point):
        """True when it died of it."""
        if point.stratum == RANDOM[0]:
            run = relay.begin(*command, cwd=place)
            try:
                said = run.communicate(timeout=self.rng.random() * self.took)[0]
            except subprocess.TimeoutExpired:
                run.kill()
                said = run.communicate()[0]
        else:
            order = f"call={point.calls} path={point.path} nth={point.nth} do={point.where}"
            run = subprocess.run([relay.LETTERSHOP, *map(str, command)], cwd=place, env=preload.environment(order),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 timeout=120, check=False)
            said = run.stdout
        must(run.returncode in (-9, 0, 1), place, point, run.returncode, said.decode(errors="replace"))
        self.runs += 1
        if run.returncode == -9:
            self.kills[point.stratum] += 1
            self.visited.add(point)
        return run.returncode == -9

    def campaign(self, r, number):
        name = f"c{number}"
        place = self.shop(name)
        policy = self.rng.choice(("hold", "resend"))
        command, hits, listed = self.command(r), 0, set()
        for i in range(CHAIN):
            resume = relay.on_with(place, "--in-doubt", policy) if i else []
            if not self.kill_at([*command, *resume], place, self.next_point()):
                break
            hits += 1
            doubt = journal.in_doubt(place / "results.csv")
            fresh = {row for row, run in doubt.items() if run == max(doubt.values())}
            must(len(fresh) <= self.cell.connections * self.cell.window, place, "in doubt by one kill:", fresh)
            self.most = max(self.most, len(fresh))
            listed |= doubt.keys()
        before = collections.Counter(rcpt for a in self.accepted(r, name) for rcpt in a.recipients)
        relay.lettershop(*command, *relay.on_with(place, "--in-doubt", "hold"), cwd=place, check=1)
        doubt = self.judge_hold(r, name, place, policy, listed, before)
        relay.lettershop(*command, "--resume", "--in-doubt", "resend", cwd=place, check=1)
        self.judge_resend(r, name, place, listed | doubt)
        self.campaigns += 1
        self.runs += 2
        self.listed += len(listed | doubt)
        shutil.rmtree(place)

    # ---- judging

    def accepted(self, r, name):
        return [a for a in r.accepted() if a.recipients[0].endswith(f"@{name}.example")]

    def statuses(self, place):
        found, ids, rows = {}, {}, set()
        for line in relay.results(place / "results.csv"):
            same = (line["status"], line["message_id"])
            must(self.cell.grouped or line["recipient"] not in found, place, "two lines for", line["recipient"])
            must(ids.setdefault(line["recipient"], same) == same, place, "rows of a group differ:", line)
            found[line["recipient"]] = line["status"]
            must(line["row"] not in rows, place, "two lines for row", line["row"])
            rows.add(line["row"])
        must(len(rows) == len(found) * (PARTS if self.cell.grouped else 1), place, "not one line a row:", len(rows))
        return found

    def everyone(self, name):
        return {self.address(name, i) for i in range(1, self.rows + 1)}

    def rows_of(self, name, rows):
        return {self.address(name, i) for i in rows if i <= self.rows}

    def judge_hold(self, r, name, place, policy, listed, before):
        status = self.statuses(place)
        got = collections.Counter(rcpt for a in self.accepted(r, name) for rcpt in a.recipients)
        doubt = {a for a, s in status.items() if s == "in_doubt"}
        must(status.keys() == self.everyone(name), place, "results miss", self.everyone(name) - status.keys())
        lost = self.everyone(name) - self.rows_of(name, REFUSED) - got.keys() - doubt
        self.lost += len(lost)
        must(not lost, place, "missing and not listed:", lost)
        twice = {a for a, n in got.items() if n > 1}
        if policy == "hold":
            self.twice_held += len(twice)
            must(not twice, place, "twice with hold:", twice)
        must({a for a, n in got.items() if n > max(1, before[a])} == set(), place, "the last hold sent twice")
        must(twice <= self.rows_of(name, listed), place, "twice and never listed:", twice)
        must({a for a, s in status.items() if s == "sent"} <= got.keys(), place, "called sent, never accepted")
        must(set(status.values()) <= {"sent", "refused", "in_doubt"}, place, status)
        return {i for i in range(1, self.rows + 1) if self.address(name, i) in doubt}

    def judge_resend(self, r, name, place, listed):
        status = self.statuses(place)
        mails = self.accepted(r, name)
        got = collections.Counter(rcpt for a in mails for rcpt in a.recipients)
        must(got.keys() == self.everyone(name) - self.rows_of(name, REFUSED), place, "missing after resend",
             self.everyone(name) - got.keys())
        must({a for a, s in status.items() if s == "refused"} == self.rows_of(name, REFUSED), place, status)
        must(set(status.values()) == {"sent", "refused"}, place, status)
        twice = {a for a, n in got.items() if n > 1}
        must(twice <= self.rows_of(name, listed), place, "twice and never listed:", twice)
        ids = collections.defaultdict(set)
        for a in mails:
            ids[a.recipients[0]].add(a.message_id)
        must(all(len(found) == 1 for found in ids.values()), place, "a second copy with another Message-ID")
        self.twice += sum(n - 1 for n in got.values())

    def count_stages(self):
        """The last word of each conversation that was cut."""
        last = {}
        for line in (self.folder / "protocol").read_text(errors="replace").splitlines():
            found = re.match(r"\d+ (\d+) C: (\w+)(.*)", line)
            if found:
                word = found[2].upper()
                word = word if word in VERBS or word == "QUIT" else "AUTH"
                last[found[1]] = "BDAT LAST" if word == "BDAT" and "LAST" in found[3].upper() else word
            else:
                found = re.match(r"\d+ (\d+) ", line)
                if found:
                    last.setdefault(found[1], "greeting")
        self.stages = collections.Counter(last.values())
        self.stages.pop("QUIT", None)

    def run(self, kills, stop):
        with relay.Relay(self.folder / "relay", *self.options()) as r:
            self.measure(r)
            for number in itertools.count(1):
                enough = not any(self.points.values()) if self.cell.every else sum(self.kills.values()) >= kills
                if enough or stop.is_set():
                    break
                self.campaign(r, number)
            must(r.violations() == "", self.cell, r.violations()[:500])
        self.count_stages()
        return self


def torture(folder, certs, kills, jobs, seed, chosen=None):
    """Kills at least so often, over all cells; the benches, or Wrong."""
    chosen = chosen or cells()
    each = -(-kills // len(chosen))
    stop = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        benches = [Bench(cell, pathlib.Path(folder) / f"cell{i}", certs, seed) for i, cell in enumerate(chosen)]
        running = [pool.submit(b.run, each, stop) for b in benches]
        try:
            return [f.result() for f in running]
        finally:
            stop.set()


def table(benches):
    out = ["connections verb window TLS+AUTH retries  campaigns  runs  kills  in doubt  most/kill  lost  twice(hold)  twice(resend)"]
    for b in benches:
        c = b.cell
        out.append(f"{c.connections:11} {c.verb} {c.window:6} {'yes' if c.tls else 'no':>8} {'all' if c.grey else 'none':>7} "
                   f"{b.campaigns:10} {b.runs:5} {sum(b.kills.values()):6} {b.listed:9} {b.most:10} {b.lost:5} {b.twice_held:12} "
                   f"{b.twice:14}")
    kills = sum((b.kills for b in benches), collections.Counter())
    stages = sum((b.stages for b in benches), collections.Counter())
    visited, total = sum(len({p for p in b.visited if p.nth}) for b in benches), sum(b.total for b in benches)
    out.append("killed at: " + ", ".join(f"{name} {n}" for name, n in kills.most_common()))
    out.append("last word of a cut conversation: " + ", ".join(f"{name} {n}" for name, n in stages.most_common()))
    out.append(f"chosen points visited: {visited} of {total}; {sum(kills.values())} kills, "
               f"{sum(b.campaigns for b in benches)} campaigns, lost {sum(b.lost for b in benches)}, "
               f"twice with hold {sum(b.twice_held for b in benches)}")
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--seed", default=str(random.randrange(10**6)))
    o = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="torture-"))
    certs = folder / "certs"
    subprocess.run([relay.ROOT / "tests/fake/make-certs", certs], check=True, capture_output=True)
    begun = time.monotonic()
    try:
        benches = torture(folder, certs, o.kills, o.jobs, o.seed)
    except Wrong as wrong:
        print(f"torture: seed {o.seed}: {wrong}\nwhat is left of it: {folder}", file=sys.stderr)
        return 1
    print(table(benches))
    print(f"seed {o.seed}, {time.monotonic() - begun:.0f} s")
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

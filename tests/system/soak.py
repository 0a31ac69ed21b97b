#!/usr/bin/python3
"""A long campaign with a relay that is restarted, stopped and slow to answer by turns: everyone once, and memory
and descriptors do not grow. Run by `make soak`.

    soak.py [--messages 2000000] [--seconds 1800] [--connections 8]

The campaign is sent at messages / seconds. Ten times over it something happens, in turn: the relay is
restarted; it stands still for two seconds; the rate is halved and, five seconds later, what it was
(`lettershop rate`)."""
import argparse
import collections
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import relay

Sample = collections.namedtuple("Sample", "at rss_kib fds threads sent")
EVENTS = 10
GROWTH = 1.05  # of memory, from the second third to the last
DOMAIN = "list.example"


def write_list(path, n):
    with open(path, "w", encoding="utf-8") as f:
        f.write("email,name,plan\n")
        for i in range(1, n + 1):
            f.write(f"{'no' if i % 1000 == 7 else 'user'}{i}@{DOMAIN},Name {i},{'pro' if i % 3 else ''}\n")


def sample(pid, begun, progress):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return Sample(time.monotonic() - begun, int(fields["VmRSS"].split()[0]), len(os.listdir(f"/proc/{pid}/fd")),
                  int(fields["Threads"]), progress())


def has_rate():
    return relay.lettershop("rate", "--help").returncode == 0


class Soak:
    def __init__(self, folder, o):
        self.folder, self.o = pathlib.Path(folder), o
        self.rate = max(1, o.messages // o.seconds)
        self.happened = collections.Counter()
        self.samples = []
        write_list(self.folder / "list.csv", o.messages)
        relay.write_letter(self.folder / "letter.eml")

    def start(self, r):
        return relay.begin("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                           "--connections", self.o.connections, "--rate", f"{self.rate}/s", "--no-preflight",
                           "--progress", "none", "--retry-for", "60s", cwd=self.folder)

    def happen(self, r, number):
        kinds = ["restart", "pause"] + (["rate"] if has_rate() else [])
        kind = kinds[number % len(kinds)]
        self.happened[kind] += 1
        if kind == "restart":
            r.stop()
            time.sleep(0.5)
            r.start()
        elif kind == "pause":
            r.process.send_signal(signal.SIGSTOP)
            time.sleep(2)
            r.process.send_signal(signal.SIGCONT)
        else:
            relay.lettershop("rate", "results.csv", f"{self.rate // 2}/s", cwd=self.folder, check=0)
            time.sleep(5)
            relay.lettershop("rate", "results.csv", f"{self.rate}/s", cwd=self.folder, check=0)

    def run(self):
        options = ["--refuse", "^no=550 5.1.1 nobody", "--fast", "--fault", 'stage=RCPT every=997 reply="450 4.2.0 busy"']
        with relay.Relay(self.folder / "relay", *options) as r:
            record = self.folder / "relay" / "accepted.tsv"
            begun = time.monotonic()
            run = self.start(r)
            done = 0
            while run.poll() is None:
                self.samples.append(sample(run.pid, begun, lambda: record.stat().st_size if record.exists() else 0))
                if done < EVENTS and time.monotonic() - begun > (done + 1) * self.o.seconds / (EVENTS + 2):
                    self.happen(r, done)
                    done += 1
                time.sleep(min(1, self.o.seconds / 60))
            self.took = time.monotonic() - begun
            self.said = run.communicate()[0].decode()
            assert run.returncode in (0, 1), self.said

    def judge(self):
        """Everyone once, but for those refused and those in doubt, who are listed. One who would have been refused
        is in doubt, too, when the line broke before the answer."""
        got = collections.Counter()
        with open(self.folder / "relay" / "accepted.tsv", encoding="utf-8") as f:
            for line in f:
                got[line.split("\t")[8]] += 1
        status = collections.Counter()
        doubt, sent = set(), 0
        for row in relay.results(self.folder / "results.csv"):
            status[row["status"]] += 1
            if row["status"] == "in_doubt":
                doubt.add(row["recipient"])
            sent += row["status"] == "sent" and got[row["recipient"]] == 1
        refused = sum(i % 1000 == 7 for i in range(1, self.o.messages + 1))
        assert sum(status.values()) == self.o.messages, status
        assert status["refused"] + sum(who.startswith("no") for who in doubt) == refused, status
        assert sent == status["sent"] and sum(status.values()) == sent + status["refused"] + len(doubt), status
        assert set(got.values()) <= {1}, "twice"
        assert len(doubt) <= self.happened["restart"] * self.o.connections, doubt
        return status

    def figures(self):
        """[(what, in the second third, in the last, flat)], while it sends: behind the last message everything is
        counted once more, from the journal, at a byte a row."""
        sending = [s for s in self.samples if s.sent < self.samples[-1].sent]
        end = sending[-1].at
        second = [s for s in sending if end / 3 <= s.at < 2 * end / 3]
        last = [s for s in sending if s.at >= 2 * end / 3]
        out = []
        for name, growth, room in (("rss_kib", GROWTH, 512), ("fds", 1, 0), ("threads", 1, 0)):
            a, b = (max(getattr(s, name) for s in part) for part in (second, last))
            out.append((name, a, b, b <= a * growth + room))
        return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=2000000)
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--connections", type=int, default=8)
    o = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="soak-")
    soak = Soak(folder, o)
    soak.run()
    status = soak.judge()
    print(f"{o.messages} messages in {soak.took:.0f} s, asked for {soak.rate}/s; " +
          ", ".join(f"{k} {v}" for k, v in status.items()) + "; twice 0; " +
          ", ".join(f"{k} {v} times" for k, v in soak.happened.items()))
    flat = True
    for name, a, b, is_flat in soak.figures():
        print(f"{name:8} second third {a:8}   last third {b:8}   {'flat' if is_flat else 'GROWS'}")
        flat &= is_flat
    print(f"rss_kib  at the end, counting {max(s.rss_kib for s in soak.samples):8}")
    shutil.rmtree(folder)
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())

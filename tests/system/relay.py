"""The practice relay and lettershop as processes, and what both wrote down."""
import collections
import csv
import os
import pathlib
import re
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LETTERSHOP = os.environ.get("LETTERSHOP", str(ROOT / "build/release/lettershop"))
FAKE_RELAY = os.environ.get("FAKE_RELAY", str(ROOT / "build/release/fake-relay"))
LONG = bool(os.environ.get("LONG"))

Accepted = collections.namedtuple(
    "Accepted", "mono_ns wall_ns accepted_ns conn txn user tls sender recipients size message_id header digest verb params")


class Relay:
    """`with Relay(folder, '--starttls', …) as r:` r.port, r.accepted(), r.violations()."""

    def __init__(self, folder, *options, port=0):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.options = [str(o) for o in options]
        self.port = port
        self.process = None

    def start(self):
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [FAKE_RELAY, "--listen", f"127.0.0.1:{self.port}", "--ready-file", ready,
             "--record", self.folder / "accepted.tsv", "--violations", self.folder / "violations.tsv", *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(self.folder / "relay.log").open("ab"))
        until = time.monotonic() + 15
        while not ready.exists() or not ready.read_text().endswith("\n"):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the practice relay did not start: " + (self.folder / "relay.log").read_text())
            time.sleep(0.01)
        self.port = int(re.search(r"^\S+ \S+:(\d+)$", ready.read_text(), re.M).group(1))
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=20)

    __enter__ = start

    def __exit__(self, *_):
        self.stop()

    def accepted(self):
        path = self.folder / "accepted.tsv"
        out = []
        text = path.read_text() if path.exists() else ""
        for line in text[:text.rfind("\n") + 1].splitlines():  # a line may be half written just now
            f = line.split("\t")
            out.append(Accepted(int(f[0]), int(f[1]), int(f[2]), int(f[3]), int(f[4]), f[5], f[6] == "1", f[7],
                                f[8].split(","), int(f[9]), f[10], f[11], f[12], f[13], f[14]))
        return out

    def recipients(self):
        """How often each address was accepted."""
        return collections.Counter(r for a in self.accepted() for r in a.recipients)

    def violations(self):
        path = self.folder / "violations.tsv"
        return path.read_text() if path.exists() else ""


def lettershop(*arguments, cwd=None, timeout=120, env=None, check=None):
    """Runs it without a terminal; check: the exit status that must come."""
    done = subprocess.run([LETTERSHOP, *map(str, arguments)], cwd=cwd, timeout=timeout, env=env,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if check is not None and done.returncode != check:
        raise AssertionError(f"exit status {done.returncode}, not {check}\n{done.stdout}\n{done.stderr}")
    return done


def begin(*arguments, cwd=None, env=None):
    """Starts it and returns at once."""
    return subprocess.Popen([LETTERSHOP, *map(str, arguments)], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def results(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def on_with(place, *more, results="results.csv"):
    """Options that go on with what is there: one that was killed before it had a journal begins anew."""
    return ["--resume", *more] if (pathlib.Path(place) / (results + ".journal")).exists() else []


def write_list(path, n, first=1):
    with open(path, "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f)
        out.writerow(["email", "name", "plan"])
        for i in range(first, first + n):
            out.writerow([f"user{i}@list.example", f"Name {i}", "pro" if i % 3 else ""])
    return path


LETTER = """\
From: Post Office <post@sender.example>
To: {{ name }} <{{ email }}>
Subject: Hello {{ name }}

Dear {{ name }},

{% if plan %}your plan is {{ plan }}.{% else %}you have no plan.{% endif %}
"""


def write_letter(path, text=LETTER):
    pathlib.Path(path).write_text(text, encoding="utf-8")
    return path

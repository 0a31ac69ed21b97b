#!/usr/bin/python3
"""Letters and lists that nobody meant to write, through `send` to null:. Run by `make hostile`, under sanitizers;
test_hostile.py runs a short form.

    hostile.py [--tries 10000] [--jobs N] [--first N] [--keep FOLDER]

A letter and a list of the samples, of the lists that programs made, or of a few lines here are changed by chance, and
sent with options of chance; a third of the campaigns is resumed. The same number gives the same campaign. Judged are:
the exit status, which is one of the four; that no sanitizer and no MUST() speaks; that whoever is told 2 is told why;
that nothing but text reaches the terminal; that the results have one line for each row and recipient, no row is
missing of a run that finished, and 0 means that all were sent; and the time."""
import argparse
import collections
import concurrent.futures
import csv
import io
import itertools
import json
import os
import pathlib
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import relay

STATUSES = {"sent", "refused", "deferred", "in_doubt", "skipped"}
SANITIZERS = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|bug at|Assertion")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="exitcode=99:detect_leaks=1", UBSAN_OPTIONS="exitcode=99:print_stacktrace=1")
SLOW_S, HANGS_S = 10, 600  # of processor time; by the clock, which other programs may hold up
ENDLESS_S = 6  # more, for each row that is said to have taken all the steps there are: it is tried twice

HEAD = b"From: Shop <shop@example.com>\nTo: {{ name }} <{{ email }}>\nSubject: {{ name | upcase }}\n"
LETTERS = [
    HEAD + b"\nDear {{ name }},\n{% for w in (1..3) %}{{ w | plus: n }} {% endfor %}{% if n > 2 %}a{% else %}b{% endif %}\n",
    HEAD + b"Content-Type: text/html; charset=utf-8\n\n<p>Dear {{ name }}, <a href=\"http://x/?u={{ email | url_encode }}\">x</a>\n",
    HEAD + b"Content-Type: text/markdown; charset=iso-2022-jp\n\n# {{ name }}\n\n* [two](http://y/)\n\n| a | b |\n|---|---|\n| {{ n }} | 2 |",
    HEAD + b"Content-Type: multipart/mixed; boundary=\"b\"\n\n--b\n\nDear {{ name }}\n--b\nContent-Type: text/html\n\n<b>{{ n }}</b>\n--b--\n",
    HEAD + b"Cc: {{ cc }}\nReply-To: {{ cc }}\nAttachment: {{ name }}.txt; name=\"{{ name }}\"\nHtml-Body: letter.html\n\nText {{ n }}\n",
    HEAD + b"List-Id: <l.example.com>\nList-Unsubscribe: <https://x.example/{{ email | url_encode }}>\nBulk: yes\nCalendar: i.ics; method=REQUEST\n\nx\n",
]
LISTS = [
    ("list.csv", "email,n,name,cc\none@example.com,1,\"Name, one\",\ntwo@example.com,2,Zoë & co,\"a@example.com, b@example.com\"\n"
                 "\"Q <three@example.com>\",3,\"two\nlines\",\nfour@bücher.example,4,=cmd|x!A1,\none@example.com,5,again,\n".encode()),
    ("list.jsonl", b"{\"email\":\"one@example.com\",\"name\":\"One\",\"n\":1,\"cc\":\"\",\"lines\":[{\"item\":\"a\"}]}\n"
                   b"{\"email\":\"two@example.com\",\"name\":\"\\u00e9\\n\",\"n\":-1.5e300}\n"),
    ("list.tsv", "email\tn\tname\tcc\na@x.example\t1\tÄ\t\n\nb@x.example\t\t漢字\tc@x.example\n".encode("utf-16")),
]
WORDS = [x.encode("latin-1") for x in (
    "{{", "}}", "{%", "%}", "{% for x in (1..99999999) %}", "{% endfor %}", "{% raw %}", "{% if", "{{ name | ", "| date: '%", '"', "\r\n",
    "\n\n", "\r", "\n ", ",", '""', ";", "\t", "=?utf-8?q?=0A?=", "\xff\xfe", "\xef\xbb\xbf", "\xe2\x80\xa8", "\xc0\x80", "Content-Type: ",
    "multipart/mixed; boundary=", "--b", "--b--", "Content-Transfer-Encoding: base64\n", "Bcc: ", "To: ", "@", "<", ">", "(" * 15, "[" * 11,
    "xn--", "-->", "<!--", '<p style="', "&#x0;", "/../", "cid:", "{{ '", "%00", "| split: '' | join: ''", "12345678901234567890", "\x1b$B",
    "[a](b", "DKIM-Signature: x\n", "\x00", "{{ name | pad: 99999999 }}", "{% render 'x' %}", "\xf0\x9f\x98\x80", "sep=;\n", "\x1f\x8b\x08")]
OPTIONS = [["--duplicates", "skip"], ["--duplicates", "send"], ["--no-preflight"], ["--window", "16"], ["--rows", "1-3"], ["--limit", "2"],
           ["--sample", "2"], ["--shard", "1/2"], ["--where", "n > 1"], ["--log-format", "jsonl"], ["--connections", "1"], ["--charset", "gb18030"],
           ["--threads", "2"], ["--envelope-from", "bounce+{{ row }}@example.com"], ["--rate", "1000/s"], ["--max-message-size", "3000"],
           ["--encoding", "windows-1252"], ["--no-header", "--columns", "email,n,name,cc"], ["--canary", "1"], ["--seed", "7"]]
CHOOSES = {"--rows", "--limit", "--sample", "--shard", "--where"}

Outcome = collections.namedtuple("Outcome", "status sent seconds")


class Wrong(AssertionError):
    pass


def must(truth, *what):
    if not truth:
        raise Wrong(" ".join(str(x) for x in what))


def change(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 5))):
        at, n = rng.randrange(len(data) + 1), rng.randrange(1, 40)
        word = rng.choice(WORDS)
        how = rng.randrange(8)
        if how == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif how == 1:
            data[at:at] = bytes([rng.randrange(33)])
        elif how == 2:
            del data[at:at + n]
        elif how == 3:
            data[at:at] = data[at:at + n]
        elif how == 4:
            data[at:at] = word[:1] * rng.randrange(3000)
        else:
            data[at:at] = word
    if rng.randrange(30) == 0:
        del data[rng.randrange(len(data) + 1):]
    return bytes(data)


def seeds():
    """Letters with a folder of what they need, and lists."""
    letters = [(None, text) for text in LETTERS]
    for letter in sorted((relay.ROOT / "samples").glob("*/letter.eml")):
        letters.append((letter.parent, letter.read_bytes()))
    lists = list(LISTS)
    for path in sorted([*(relay.ROOT / "samples").glob("*/recipients.*"), *(relay.ROOT / "tests/lists").glob("*.*")]):
        if path.stat().st_size < 60000:
            lists.append((path.name, path.read_bytes()))
    return letters, lists


SEEDS = seeds()


def lay_out(rng, shop, letters, lists):
    """The files of a campaign; gives the name of its list. A sample's letter mostly gets its own list."""
    home, letter = rng.choice(letters)
    name, rows = rng.choice(lists[:len(LISTS)])
    if rng.random() < 0.3:  # a list that a program made: of its columns the letter wants one
        home, (name, rows) = None, rng.choice(lists)
        letter = rng.choice(LETTERS).replace(b"{{ name", b"{{ email").replace(b"{{ n ", b"{{ email ").replace(b"{{ cc", b"{{ email").replace(b"if n", b"if email")
    if home:
        for path in home.iterdir():
            if path.is_file() and path.name != "README.md":
                shutil.copy(path, shop)
            own = path if path.name.startswith("recipients.") else None
            if own and rng.random() < 0.9:
                name, rows = own.name, own.read_bytes()
    (shop / "letter.html").write_bytes(b"<p>Dear {{ name }}, <b>{{ n }}</b> <img src=\"logo.png\"></p>\n")
    (shop / "i.ics").write_bytes(b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n")
    (shop / "Name, one.txt").write_bytes(b"x\n")
    (shop / "letter.eml").write_bytes(change(rng, letter))
    (shop / name).write_bytes(change(rng, rows))
    return name


def run(shop, arguments):
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = relay.lettershop(*arguments, cwd=shop, env=ENVIRONMENT, timeout=HANGS_S)
    except subprocess.TimeoutExpired:
        raise Wrong("it hangs: ", *arguments) from None
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    said = done.stdout + done.stderr
    must(done.returncode in (0, 1, 2, 3), "exit status", done.returncode, said)
    must(not SANITIZERS.search(said), said)
    must(not CONTROL.search(said), "control octets on the terminal:", repr(said))
    must(done.returncode != 2 or done.stderr.strip(), "status 2 and not a word why")
    must(seconds < SLOW_S + ENDLESS_S * said.count("takes more than 10000000 steps"), "it took", seconds, "s of a processor")
    return done, seconds


def read_results(path):
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(io.StringIO(text, newline="")))


def judge(shop, done, chosen, before=0):
    """What the results say, and the exit status. before: so many were sent to by an earlier run."""
    paths = [p for p in shop.glob("out.*") if p.suffix in (".csv", ".jsonl") and "failed" not in p.name and "doubt" not in p.name]
    rows = read_results(paths[0]) if paths else []
    keys = collections.Counter((int(x["row"]), x["recipient"], i) for n, i, x in of_each_recipient(rows))
    status = collections.Counter(x["status"] for x in rows)
    must(status.keys() <= STATUSES, status)
    must(not keys or max(keys.values()) == 1, "a recipient has two lines")
    must(all(len(x) == 12 for x in rows), "a line has not 12 columns")
    must(done.returncode != 2 or status["sent"] <= before, "status 2, and something was sent")
    must(done.returncode != 0 or status["sent"] == len(rows) > 0, "status 0, and not all were sent to:", status)
    if done.returncode in (0, 1) and not chosen:
        numbers = {int(x["row"]) for x in rows}
        must(numbers == set(range(1, len(numbers) + 1)), "rows are missing:", sorted(numbers)[:20])
    return status["sent"]


def of_each_recipient(rows):
    """A message to one address twice (To and Cc) has two lines of it: they are counted apart, in their order."""
    seen = collections.Counter()
    for n, x in enumerate(rows):
        seen[x["row"], x["recipient"], x["message_id"]] += 1
        yield n, seen[x["row"], x["recipient"], x["message_id"]], x


def campaign(number, letters, lists, keep=None):
    rng = random.Random(number)
    shop = pathlib.Path(tempfile.mkdtemp(prefix="lettershop-hostile-"))
    try:
        name = lay_out(rng, shop, letters, lists)
        options = [x for o in rng.sample(OPTIONS, rng.choice((0, 0, 1, 2, 3))) for x in o]
        results = "out.jsonl" if "jsonl" in options else "out.csv"
        command = ["send", "letter.eml", name, "--relay", "null:", "--yes", "--progress", "none", "--results", results, "--sync", "off",
                   *options]
        if rng.random() < 0.7:
            command += ["--bad-rows", "skip"]
        if "--threads" not in options:
            command += ["--threads", "1"]
        done, seconds = run(shop, command)
        chosen = bool(CHOOSES & set(options))
        sent = judge(shop, done, chosen)
        if rng.random() < 0.3 and (shop / (results + ".journal")).exists():
            again, more = run(shop, [*command, "--resume"])
            must(done.returncode not in (0, 1) or again.returncode == done.returncode, "resumed:", again.returncode, "was", done.returncode, again.stderr)
            must(judge(shop, again, chosen, sent) >= sent, "a resume lost somebody")
            run(shop, ["status", results])
            seconds = max(seconds, more)
        return Outcome(done.returncode, sent, seconds)
    except Wrong as e:
        if keep:
            shutil.copytree(shop, pathlib.Path(keep) / str(number), dirs_exist_ok=True)
        raise Wrong(f"campaign {number}: {e}") from None
    finally:
        shutil.rmtree(shop, ignore_errors=True)


def one(number, keep):
    """An outcome, or what was wrong."""
    try:
        return campaign(number, *SEEDS, keep)
    except Wrong as e:
        return str(e)


def run_all(tries, first=1, jobs=1, keep=None):
    """Outcomes, and what was wrong."""
    outcomes, wrong = [], []
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:  # processes: each knows what its children used
        for o in pool.map(one, range(first, first + tries), itertools.repeat(keep), chunksize=8):
            (wrong if isinstance(o, str) else outcomes).append(o)
            if isinstance(o, str):
                print(o, flush=True)
    return outcomes, wrong


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--tries", type=int, default=10000)
    p.add_argument("--first", type=int, default=1)
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--keep", help="campaigns that went wrong are put there")
    a = p.parse_args()
    begun = time.monotonic()
    outcomes, wrong = run_all(a.tries, a.first, a.jobs, a.keep)
    by_status = collections.Counter(o.status for o in outcomes)
    print(f"{a.tries} campaigns in {time.monotonic() - begun:.0f} s: " +
          ", ".join(f"{by_status[s]} ended with {s}" for s in sorted(by_status)) +
          f"; {sum(o.sent for o in outcomes)} messages; the slowest took {max((o.seconds for o in outcomes), default=0):.1f} s of a processor; {len(wrong)} wrong")
    return 1 if wrong or len(by_status) < 3 else 0


if __name__ == "__main__":
    sys.exit(main())

"""Every system call and every allocation of the whole program fails once, over a small campaign: it does not
crash, says what happened, calls nobody sent who was not, and the next run finishes.

LONG=1 fails each call with each of its errors; else a sample of them."""
import collections
import errno
import random
import shutil
import signal
import subprocess

import pytest

import preload
from relay import LONG, Relay, begin, lettershop, on_with, results, write_letter

ROWS = 12
ERRORS = {
    "open": (errno.EIO, errno.EMFILE, errno.ENOSPC, errno.EINTR), "mkdir": (errno.EIO, errno.ENOSPC),
    "read": (errno.EIO, errno.EINTR), "pread": (errno.EIO, errno.EINTR),
    "write": (errno.EIO, errno.ENOSPC, errno.EINTR), "pwrite": (errno.EIO, errno.ENOSPC, errno.EINTR, errno.EDQUOT),
    "writev": (errno.EIO,), "ftruncate": (errno.EIO, errno.EINTR), "rename": (errno.EIO, errno.ENOSPC),
    "unlink": (errno.EIO,), "flock": (errno.EINTR, errno.ENOLCK, errno.EIO),
    "fsync": (errno.EIO, errno.EINTR, errno.EINVAL), "fdatasync": (errno.EIO, errno.ENOSPC, errno.EINTR),
    "mmap": (errno.ENOMEM,), "malloc": (errno.ENOMEM,), "pthread_create": (errno.EAGAIN,),
    "socket": (errno.EMFILE, errno.ENOBUFS), "connect": (errno.ECONNREFUSED, errno.ENETUNREACH, errno.EINTR),
    "recv": (errno.ECONNRESET, errno.EINTR, errno.EAGAIN), "sendmsg": (errno.EPIPE, errno.EINTR, errno.EAGAIN),
    "send": (errno.EPIPE, errno.EINTR, errno.EAGAIN), "getaddrinfo": (errno.EIO,),
    "epoll_wait": (errno.EINTR,), "epoll_ctl": (errno.ENOMEM,),
}
SHORT = {"read", "pread", "write", "pwrite", "recv", "sendmsg", "send"}


def is_harmless(call, how):
    """No failure: nobody may even notice."""
    if how == errno.EAGAIN:
        return call in SHORT
    return how in (errno.EINTR, "short") and call not in ("open", "connect")


def address(i):
    return f"{'no' if i == 5 else 'user'}{i}@list.example"


EVERYONE = {address(i) for i in range(1, ROWS + 1)}


def command(r, certs, tls):
    url = f"smtp://localhost:{r.port}?ca={certs}/ca.pem" if tls else f"smtp://localhost:{r.port}?tls=none"
    return ["send", "letter.eml", "list.csv", "--relay", url, "--yes", "--connections", "2", "--retry-for", "12s"]


def make_shop(place):
    place.mkdir()
    write_letter(place / "letter.eml")
    (place / "list.csv").write_text("email,name,plan\n" + "".join(f"{address(i)},Name {i},pro\n"
                                                                 for i in range(1, ROWS + 1)))
    return place


def judge(place, got, final, what):
    status = {}
    for line in results(place / "results.csv") if (place / "results.csv").exists() else []:
        assert line["recipient"] not in status, (what, "two lines", line)
        status[line["recipient"]] = line["status"]
    assert set(got.values()) <= {1}, (what, "twice", got)
    sent = {a for a, s in status.items() if s == "sent"}
    doubt = {a for a, s in status.items() if s == "in_doubt"}
    assert sent <= got.keys(), (what, "called sent", sent - got.keys())
    if final:
        assert got.keys() <= sent | doubt, (what, "sent and not called so", got.keys() - sent - doubt)
        assert status.keys() == EVERYONE, (what, EVERYONE - status.keys())
        # Of a line that broke before the answers, also the refused one may be in doubt.
        assert sent | doubt | {address(5)} == EVERYONE and address(5) not in sent, (what, status)
        assert status[address(5)] in ("refused", "in_doubt") and len(doubt) <= 2, (what, doubt)


def is_a_librarys(call, code, said):
    """Without memory for their own beginnings OpenSSL 3.0 (its default context) and glibc (name services, with an
    assertion) fall over by themselves. That is before the first mail, and loses nobody."""
    return call == "malloc" and code in (-signal.SIGSEGV, -signal.SIGABRT) and "lettershop: bug" not in said


def patiently(base, place, env, lasting):
    """Where memory is lacking for good it may wait for a relay for minutes: it is asked to end then."""
    run = begin(*base, cwd=place, env=env)
    try:
        said = run.communicate(timeout=15 if lasting else 60)[0]
    except subprocess.TimeoutExpired:
        assert lasting, "it hangs"
        run.terminate()
        said = run.communicate(timeout=45)[0]
        assert run.returncode == 3, (run.returncode, said)
    return run.returncode, said.decode(errors="replace")


def one_fails(tmp_path, certs, r, tls, call, at, how, lasting=False):
    what = f"{call} {at} {errno.errorcode.get(how, how)}{' lasting' if lasting else ''}{' tls' if tls else ''}"
    place = make_shop(tmp_path / "try")
    base = command(r, certs, tls)
    seen = len(r.accepted())
    deed = "do=short" if how == "short" else f"do=fail errno={how}"
    env = preload.environment(f"call={call} nth={at} {deed}{' lasting' if lasting else ''}", hit=place / "hit")
    code, said = patiently(base, place, env, lasting)
    hit = (place / "hit").read_text()
    got = collections.Counter(rcpt for a in r.accepted()[seen:] for rcpt in a.recipients)
    if is_a_librarys(call, code, said) and not got:
        print(f"{what}: a library fell over at its beginning, {said.strip()[-80:]!r}")
    else:
        assert code in (0, 1, 2, 3), (what, code, said)
        assert code in (0, 1) or "lettershop: " in said, (what, said)
        assert hit or code == 1, (what, said)
    judge(place, got, False, what)
    if is_harmless(call, how):
        assert code == 1, (what, hit, said)
        judge(place, got, True, what)
        assert "in_doubt" not in (place / "results.csv").read_text(), (what, said)
    again = lettershop(*base, *on_with(place), cwd=place, timeout=60)
    assert again.returncode == 1, (what, hit, said, again.stderr)
    got = collections.Counter(rcpt for a in r.accepted()[seen:] for rcpt in a.recipients)
    judge(place, got, True, what)
    shutil.rmtree(place)


def all_fail(tmp_path, certs, r, tls, tries):
    """Each of (call, at, how, lasting) in turn; then what went wrong, all of it."""
    wrong = []
    for t in tries:
        try:
            one_fails(tmp_path, certs, r, tls, *t)
        except (AssertionError, subprocess.TimeoutExpired) as e:
            wrong.append(str(e))
            shutil.rmtree(tmp_path / "try")
    assert not wrong, f"{len(wrong)} of {len(tries)}:\n" + "\n".join(wrong)


def count(tmp_path, base, order=""):
    place = make_shop(tmp_path / "count")
    lettershop(*base, cwd=place, env=preload.environment(order, count=place / "count"), check=1)
    calls = collections.Counter()
    for (call, path), n in preload.counted(place / "count").items():
        calls[call] += n
    shutil.rmtree(place)
    return calls


def relay_options(certs, tls):
    more = ["--starttls", "--tls-cert", certs / "good.pem", "--tls-key", certs / "good.key"] if tls else []
    return ["--refuse", "^no=550 5.1.1 nobody", *more]


@pytest.mark.parametrize("tls", [False, True])
def test_each_call_fails_once(tmp_path, certs, tls):
    rng = random.Random(3 + tls)
    with Relay(tmp_path / "relay", *relay_options(certs, tls)) as r:
        calls = count(tmp_path, command(r, certs, tls))
        assert calls.keys() <= ERRORS.keys() | {"flock"}, calls.keys() - ERRORS.keys()
        tries = [(call, at, how) for call, n in sorted(calls.items()) for at in range(1, n + 1)
                 for how in ERRORS[call] + (("short",) if call in SHORT else ())]
        if not LONG:  # each kind of call and error, somewhere
            kinds = collections.defaultdict(list)
            for t in tries:
                kinds[t[0], t[2]].append(t)
            tries = [rng.choice(kinds[k]) for k in rng.sample(sorted(kinds, key=str), 10)]
        all_fail(tmp_path, certs, r, tls, tries)
    print(f"{len(tries)} of the failures of {sum(calls.values())} calls: {dict(calls)}")


@pytest.mark.parametrize("tls", [False, True])
def test_each_allocation_fails_once(tmp_path, certs, tls):
    """malloc() itself, so that of libraries too; and once all that follow."""
    with Relay(tmp_path / "relay", *relay_options(certs, tls)) as r:
        n = count(tmp_path, command(r, certs, tls), "call=malloc")["malloc"]
        rng = random.Random(5)
        tries = range(1, n + 1, max(1, n // 400)) if LONG else sorted(rng.sample(range(1, n + 1), 4))
        all_fail(tmp_path, certs, r, tls, [("malloc", at, errno.ENOMEM, lasting) for at in tries
                                           for lasting in ((False, True) if LONG else (False,))])
    print(f"{len(tries)} of {n} allocations")

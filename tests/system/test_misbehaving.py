"""A relay that misbehaves once, at every stage and in every manner: results add up in each.

Each cell of the table is a run of its own with a login in TLS. The relay's record is the judge: one line a row;
`sent` was accepted, what was accepted is `sent` or in doubt, nobody has two copies, and a row is refused or in doubt
only where the table says so."""
import collections
import concurrent.futures

import pytest

from relay import LONG, Relay, lettershop, results, write_letter, write_list

ROWS = 24
CONNECTIONS = 2

FAULTS = {
    "421": 'reply="421 4.3.2 going away" close=after',
    "4xx": 'reply="450 4.2.0 not now"',
    "5xx": 'reply="550 5.0.0 no"',
    "close before": "close=before",  # instead of the reply
    "close after": "close=after",  # behind it
    "stall": "stall",
    "garbage": 'garbage="what?\\r\\n"',  # before the reply
}
SESSION = ["GREETING", "EHLO", "STARTTLS", "TLS", "EHLO2", "AUTH", "AUTHCONT", "QUIT"]
STAGES = {  # how messages go: DATA, DATA of LMTP, or BDAT with so many in flight
    "DATA": [*SESSION, "MAIL", "RCPT", "DATA", "CONTENT", "DOT", "RSET"],
    "LMTP": [*SESSION, "MAIL", "RCPT", "DATA", "CONTENT", "DOT", "RSET"],
    "BDAT 1": [*SESSION, "MAIL", "RCPT", "LAST", "RSET"],
    "BDAT 16": [*SESSION, "MAIL", "RCPT", "LAST", "RSET"],
}
CELLS = [(mode, stage, fault) for mode, stages in STAGES.items() for stage in stages for fault in FAULTS
         if stage != "TLS" or fault not in ("421", "4xx", "5xx")]  # no replies there
# A refused login or STARTTLS, and a server without TLS, are nothing to try again: the run stops, and --resume goes on.
STOPS = {("STARTTLS", "5xx"), ("AUTH", "5xx"), ("AUTHCONT", "5xx"), ("TLS", "garbage")}
# The same of what does not seem to be a relay at all, unless another connection was faster to be welcome there.
MAY_STOP = {("GREETING", "close before"), ("EHLO", "5xx"), ("EHLO2", "5xx"), *((stage, "garbage") for stage in SESSION)}


def wanted(mode, stage, fault):
    """(rows refused, least and most in doubt); everybody else is sent."""
    if stage in SESSION:
        return 0, 0, 0
    if fault == "5xx" and stage != "RSET":
        return 1, 0, 0
    if fault in ("421", "4xx", "5xx"):
        return 0, 0, 0
    doubt = int(mode.split()[1]) + 1 if "BDAT" in mode else 1
    if (stage, fault) == ("DOT", "close after"):
        return 0, 0, 0
    if stage in ("CONTENT", "DOT") or (stage, fault) == ("LAST", "close before"):
        return 0, 1, doubt
    if (stage, fault) == ("LAST", "close after"):  # the next one may be on its way
        return 0, 0, doubt
    if "BDAT" in mode:  # all is on its way when the line drops
        return 0, 0 if stage == "RSET" else 1, doubt
    return 0, 0, 1 if (stage, fault) == ("DATA", "close after") else 0


def faults(mode, stage, fault):
    what = FAULTS[fault]
    if stage == "CONTENT":
        what += " after=100" + (" close=after" if fault in ("4xx", "5xx") else "")
    if stage == "RSET":  # it is said only behind a refusal
        return [f"stage=RSET nth=1 {what}", 'stage=RCPT nth=2 reply="450 4.2.0 later"']
    return [f"stage={stage} nth={1 if stage in (*SESSION, 'RSET') else 3} {what}"]


def run(folder, certs, mode, stage, fault):
    """Sends the list; gives what is wrong, or nothing."""
    folder.mkdir()
    write_letter(folder / "letter.eml")
    write_list(folder / "list.csv", ROWS)
    (folder / "password").write_text("secret\n")
    (folder / "password").chmod(0o600)
    options = ["--starttls", "--tls-cert", certs / "good.pem", "--tls-key", certs / "good.key", "--user", "ann",
               "--password-file", folder / "password", "--require-auth", "--delay", 5,
               "--log-protocol", folder / "protocol"]
    if "BDAT" not in mode:
        options.append("--extensions=-CHUNKING")
    if mode == "LMTP":
        options.append("--lmtp")
    for spec in faults(mode, stage, fault):
        options += ["--fault", spec]
    with Relay(folder / "relay", *options) as r:
        url = f"{'lmtp' if mode == 'LMTP' else 'smtp'}://ann@localhost:{r.port}?tls=starttls&ca={certs}/ca.pem"
        command = ["send", "letter.eml", "list.csv", "--relay", url, "--password-file", "password", "--yes",
                   "--connections", CONNECTIONS, "--timeout", "2s", "--retry-for", "20s",
                   *(["--window", mode.split()[1]] if "BDAT" in mode else [])]
        done = lettershop(*command, cwd=folder)
        if (done.returncode == 3) != ((stage, fault) in STOPS) and (stage, fault) not in MAY_STOP:
            return f"exit status {done.returncode}: {done.stderr}"
        if done.returncode == 3:
            done = lettershop(*command, "--resume", cwd=folder)
    return judge(results(folder / "results.csv"), r, wanted(mode, stage, fault)) or (
        None if " *: fault" in (folder / "protocol").read_text() else "the relay behaved")


def judge(rows, r, want):
    got, status = r.recipients(), {x["recipient"]: x["status"] for x in rows}
    if len(rows) != ROWS or len(status) != ROWS:
        return f"{len(rows)} lines for {len(status)} recipients"
    if {a for a, s in status.items() if s == "sent"} - set(got):
        return "sent, and not accepted"
    if {status[a] for a in got} - {"sent", "in_doubt"}:
        return f"accepted, and {({status[a] for a in got})}"
    if set(got.values()) - {1}:
        return "somebody has two copies"
    count = collections.Counter(status.values())
    if count["refused"] != want[0] or not want[1] <= count["in_doubt"] <= want[2] or count["deferred"]:
        return f"{dict(count)}, not {want}"
    return None


@pytest.mark.parametrize("mode", STAGES)
def test_misbehaving_at(tmp_path, certs, mode):
    """Every cell in the long form; otherwise one of four, which takes all stages and all faults."""
    cells = [c for c in CELLS if c[0] == mode]
    if not LONG:
        cells = cells[list(STAGES).index(mode)::4]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda c: run(tmp_path / "-".join(c), certs, *c), cells))
    wrong = [f"{' '.join(c)}: {s}" for c, s in zip(cells, said) if s]
    assert not wrong, "\n".join(wrong)
    assert {c[1] for c in cells} == set(STAGES[mode]) and {c[2] for c in cells} == set(FAULTS)

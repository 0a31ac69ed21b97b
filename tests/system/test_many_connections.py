"""256 connections from one run with two workers; half of them stall, and the others do not notice."""
import re
import statistics
import time

from relay import LONG, Relay, begin, results, write_list

CONNECTIONS = 256
DELAY_MS = 100


def watch(run, pid):
    """Highest memory in MiB and most threads while it runs."""
    memory = threads = 0
    while run.poll() is None:
        try:
            text = open(f"/proc/{pid}/status").read()
        except OSError:
            break
        memory = max(memory, int((re.search(r"VmHWM:\s+(\d+)", text) or [0, 0])[1]) / 1024)
        threads = max(threads, int((re.search(r"Threads:\s+(\d+)", text) or [0, 0])[1]))
        time.sleep(0.02)
    return memory, threads


def send(shop, rows, *fault):
    write_list(shop / "list.csv", rows)
    with Relay(shop / f"relay{len(fault)}", "--delay", DELAY_MS, "--extensions=-CHUNKING", *fault) as r:
        run = begin("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                    "--connections", CONNECTIONS, "--threads", 2, "--timeout", "3s", "--results",
                    f"results{len(fault)}.csv", "--progress", "none", cwd=shop)
        memory, threads = watch(run, run.pid)
        said = run.communicate()[0].decode()
        assert run.returncode == 0, said
    accepted = r.accepted()
    assert len(accepted) == rows and set(r.recipients().values()) == {1}
    assert {x["status"] for x in results(shop / f"results{len(fault)}.csv")} == {"sent"}
    return accepted, memory, threads


def gaps_ms(accepted, connections):
    """Between two messages of the same connection."""
    last, gaps = {}, []
    for a in sorted(accepted, key=lambda a: a.mono_ns):
        if a.conn in connections and a.conn in last:
            gaps.append((a.mono_ns - last[a.conn]) / 1e6)
        last[a.conn] = a.mono_ns
    return statistics.median(gaps)


def test_half_of_256_connections_stall(shop):
    rows = 12000 if LONG else 3500
    calm, memory, threads = send(shop, rows)
    everyone = {a.conn for a in calm}
    # The 257th to the 384th MAIL are never answered, and their connections say nothing any more; with DATA
    # none of their content has left, so that in the end they are sent, too.
    stalled, memory2, threads2 = send(shop, rows, "--fault", "stage=MAIL from=257 to=384 stall")
    by = {}
    for a in stalled:
        by.setdefault(a.conn, []).append(a)
    busy = {c for c, got in by.items() if len(got) > 8}
    print(f"{len(everyone)} connections: {memory:.0f} MiB, {threads} threads; half stalled: {memory2:.0f} MiB, "
          f"{threads2} threads; between two messages of a connection {gaps_ms(calm, everyone):.0f} ms and "
          f"{gaps_ms(stalled, busy):.0f} ms")
    assert len(everyone) >= CONNECTIONS * 0.9
    assert max(threads, threads2) <= 6  # two workers, feeder, recorder, the caller's, a look-up
    assert max(memory, memory2) < 128
    assert len(busy) >= 100
    assert gaps_ms(stalled, busy) < 1.5 * gaps_ms(calm, everyone)

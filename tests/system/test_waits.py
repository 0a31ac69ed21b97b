"""Each stage has a limit of its own (RFC 5321 4.5.3.2), and --timeouts sets it: a relay that falls silent there costs
that long and no longer, and the row says where it was. (Greeting and EHLO: test_probe.)"""
import socket
import time

import pytest

from relay import Relay, lettershop, results, write_letter, write_list

MINUTES = "connect=2min,greeting=2min,command=2min,data=2min,block=2min,end-of-data=2min,quit=2min"


def send(shop, url, waits, check=1):
    """Gives how long it took."""
    begun = time.monotonic()
    done = lettershop("send", "letter.eml", "list.csv", "--relay", url, "--yes", "--timeouts", f"{MINUTES},{waits}",
                      "--retry-for", "1ms", cwd=shop, check=check, timeout=60)
    return time.monotonic() - begun, done


@pytest.mark.parametrize("stage, limit, status, words", [
    ("MAIL", "command", "deferred", "no reply to MAIL within 1 s"),
    ("RCPT", "command", "deferred", "no reply to RCPT within 1 s"),
    ("DATA", "data", "deferred", "no reply to DATA within 1 s"),
    ("END", "end-of-data", "in_doubt", "no reply to end of data within 1 s"),
])
def test_a_silent_relay(shop, stage, limit, status, words):
    write_list(shop / "list.csv", 1)
    with Relay(shop / "relay", "--extensions=-CHUNKING -PIPELINING", "--fault", f"stage={stage} stall") as r:
        took, _ = send(shop, f"smtp://localhost:{r.port}?tls=none", f"{limit}=300ms")
    (row,) = results(shop / "results.csv")
    assert row["status"] == status and words in row["reply"]
    assert took < 30


def test_content_that_nobody_reads(shop):
    write_letter(shop / "letter.eml", "From: p@sender.example\nTo: {{ email }}\nSubject: x\nAttachment: big.bin\n\nHello\n")
    (shop / "big.bin").write_bytes(bytes(range(256)) * 64000)
    write_list(shop / "list.csv", 1)
    with Relay(shop / "relay", "--fault", "stage=CONTENT after=20000 stall") as r:
        took, _ = send(shop, f"smtp://localhost:{r.port}?tls=none", "block=500ms")
    (row,) = results(shop / "results.csv")
    assert row["status"] == "deferred" and "1 s" in row["reply"], row
    assert took < 30


def test_a_silent_farewell(shop):
    """What was sent is sent; nobody waits for the last word."""
    write_list(shop / "list.csv", 1)
    with Relay(shop / "relay", "--fault", "stage=QUIT stall") as r:
        took, _ = send(shop, f"smtp://localhost:{r.port}?tls=none", "quit=300ms", check=0)
    assert took < 30


def test_nobody_answers_the_door():
    """A queue of connections that is full: the kernel drops what comes then."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        address = server.getsockname()
        full = [socket.socket() for _ in range(4)]
        for s in full:
            s.setblocking(False)
            s.connect_ex(address)
        begun = time.monotonic()
        done = lettershop("probe", f"smtp://127.0.0.1:{address[1]}?tls=none", "--timeouts", f"{MINUTES},connect=400ms", check=1)
        for s in full:
            s.close()
    assert "no answer in time" in done.stderr and 0.3 < time.monotonic() - begun < 30

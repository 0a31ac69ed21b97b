"""Retries: at the end when wanted; what an earlier run left deferred goes first."""
from relay import Relay, lettershop, results, write_list


def send(shop, relay, *options, check=None):
    return lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{relay.port}?tls=none", "--yes", *options,
                      cwd=shop, check=check)


def order(relay):
    return [a.recipients[0] for a in sorted(relay.accepted(), key=lambda a: a.accepted_ns)]


def test_at_the_end(shop):
    write_list(shop / "list.csv", 600)
    with Relay(shop / "relay", "--fault", 'stage=RCPT rcpt~^user([1-9]|1[0-9])@ to=19 reply="450 4.2.0 later"') as r:
        send(shop, r, "--retry-at-end", "--rate", "400/s", "--connections", 1, check=0)
        assert set(order(r)[-19:]) == {f"user{i}@list.example" for i in range(1, 20)}
        assert set(r.recipients().values()) == {1} and len(r.recipients()) == 600


def test_without_it_in_between(shop):
    write_list(shop / "list.csv", 600)
    with Relay(shop / "relay", "--fault", 'stage=RCPT rcpt~^user([1-9]|1[0-9])@ to=19 reply="450 4.2.0 later"') as r:
        send(shop, r, "--retry-for", "12s", "--rate", "400/s", check=0)
        assert set(order(r)[-19:]) != {f"user{i}@list.example" for i in range(1, 20)}


def test_deferred_ones_go_first_at_resume(shop):
    write_list(shop / "list.csv", 400)
    with Relay(shop / "one", "--refuse", "^user(7.|100)@=450 4.2.0 later") as r:
        send(shop, r, "--rows", "1-120", "--retry-for", "1ms", check=1)
        assert len(r.accepted()) == 109
    with Relay(shop / "two") as r2:
        send(shop, r2, "--rows", "1-400", "--resume", "--rate", "300/s", "--connections", 1, check=0)
        first = order(r2)[:11]
        assert set(first) == {f"user{i}@list.example" for i in [*range(70, 80), 100]}
        assert len(r2.accepted()) == 291
    assert {line["status"] for line in results(shop / "results.csv")} == {"sent"}
    assert set((r.recipients() + r2.recipients()).values()) == {1} and len(results(shop / "results.csv")) == 400

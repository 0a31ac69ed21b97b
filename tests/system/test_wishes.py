"""What MAIL and RCPT say beyond what a mail needs: reports of delivery, REQUIRETLS, parameters of the user's own."""
import pytest

from relay import Relay, lettershop, results, write_list


def send(shop, url, *options, check=0):
    return lettershop("send", "letter.eml", "list.csv", "--relay", url, "--yes", *options, cwd=shop, check=check)


def test_reports_of_delivery(shop):
    (shop / "list.csv").write_text("email,name,plan\nbob+tag@list.example,Bob,\nann@list.example,Ann,\n")
    with Relay(shop / "relay") as r:
        send(shop, f"smtp://localhost:{r.port}?tls=none", "--dsn-notify", "failure,delay", "--dsn-ret", "hdrs")
    got = {a.recipients[0]: a for a in r.accepted()}
    ids = {row["recipient"]: row["message_id"].strip("<>") for row in results(shop / "results.csv")}
    assert len(got) == 2 and r.violations() == ""
    for address, a in got.items():
        assert "RET=HDRS" in a.sender and f"ENVID={ids[address]}" in a.sender  # so a report can be matched
    assert got["bob+tag@list.example"].params == "NOTIFY=FAILURE,DELAY ORCPT=rfc822;bob+2Btag@list.example" or \
        "ORCPT=rfc822;bob+2Btag@list.example" in got["bob+tag@list.example"].params
    assert "NOTIFY=FAILURE" in got["ann@list.example"].params


def test_a_parameter_of_ones_own(shop):
    write_list(shop / "list.csv", 3)
    (shop / "secret").write_text("x\n")
    with Relay(shop / "relay", "--user", "ann", "--password-file", shop / "secret") as r:
        send(shop, f"smtp://localhost:{r.port}?tls=none", "--mail-option", "AUTH=<>", "--rcpt-option", "NOTIFY=NEVER",
             check=2)
        send(shop, f"smtp://localhost:{r.port}?tls=none", "--mail-option", "AUTH=<>")
        long = "AUTH=" + "e+3D" * 60 + "@x.example"  # RFC 4954 3: up to 500 octets
        send(shop, f"smtp://localhost:{r.port}?tls=none", "--mail-option", long, "--results", "long.csv")
    assert len(r.accepted()) == 6 and all("AUTH=<>" in a.sender for a in r.accepted()[:3])
    assert all(long in a.sender for a in r.accepted()[3:])
    assert r.violations() == ""


def test_a_parameter_that_the_relay_does_not_know(shop):
    write_list(shop / "list.csv", 1)
    with Relay(shop / "relay", "--log-protocol", shop / "protocol") as r:
        send(shop, f"smtp://localhost:{r.port}?tls=none", "--mail-option", "MT-PRIORITY=3", "--mail-option", "X",
             "--retry-for", "1ms", check=1)
    assert "MT-PRIORITY=3 X" in (shop / "protocol").read_text() and r.accepted() == []
    assert results(shop / "results.csv")[0]["code"] in ("501", "555")


@pytest.mark.parametrize("options, words", [
    (["--dsn-notify", "sometimes"], "cannot be asked for with 'SOMETIMES'"),
    (["--dsn-notify", "never,delay"], "cannot be asked for"),
    (["--dsn-notify", "delay,success,delay"], "a word is repeated"),
    (["--dsn-ret", "all"], "FULL or HDRS"),
    (["--mail-option", "SIZE=1"], "SIZE of MAIL is set by itself"),
    (["--mail-option", "A=1 B=2\r\nRSET"], "is no parameter of MAIL"),
    (["--rcpt-option", "=x"], "is no parameter of RCPT"),
    (["--rcpt-option", "NOTIFY=NEVER"], "NOTIFY of RCPT is set by itself"),
])
def test_wrong(shop, options, words):
    write_list(shop / "list.csv", 1)
    done = send(shop, "smtp://localhost:1?tls=none", *options, check=2)
    assert words in done.stderr


def test_tls_on_the_whole_way_wants_a_verified_certificate(shop):
    write_list(shop / "list.csv", 1)
    done = send(shop, "smtp://localhost:1?verify=no", "--requiretls", check=2)
    assert "?verify=no" in done.stderr and "RFC 8689" in done.stderr


@pytest.mark.parametrize("options, words", [
    (["--dsn-notify", "failure"], "does not offer DSN"),
    (["--requiretls"], "does not offer TLS"),
])
def test_a_relay_that_cannot_is_not_used(shop, options, words):
    write_list(shop / "list.csv", 3)
    with Relay(shop / "relay", "--extensions=-DSN") as r:
        done = send(shop, f"smtp://localhost:{r.port}?tls=none", *options, check=3)
        assert words in done.stderr and r.accepted() == []

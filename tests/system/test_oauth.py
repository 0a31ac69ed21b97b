"""Logins with a token: both forms against the practice relay's own reading of them; another token when one is refused."""
import base64

import pytest

from relay import LONG, Relay, lettershop, results, write_list

GOOD = "ya29.A-good_token~1/2+3=="


@pytest.fixture
def token(shop):
    """A command that prints token 1, then token 2 ...; how often it ran."""
    class Token:
        command = f"{shop}/token"

        def gives(self, *tokens):
            (shop / "token").write_text("#!/bin/sh\necho x >>" + f"{shop}/runs\n" + f'case $(wc -l <{shop}/runs) in\n' +
                                        "".join(f"{i}) {t} ;;\n" for i, t in enumerate(tokens, 1)) + f"*) {tokens[-1]} ;;\nesac\n")
            (shop / "token").chmod(0o700)
            return self

        def runs(self):
            return len((shop / "runs").read_text().splitlines())
    return Token()


def start(shop, mechanisms, *more):
    (shop / "good").write_text(GOOD + "\n")
    return Relay(shop / "relay", "--user", "ann@example.com", "--password-file", shop / "good", "--auth", mechanisms,
                 "--require-auth", "--log-protocol", shop / "protocol", *more)


def send(shop, r, token, *options, check=0, query=""):
    return lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://ann@example.com@localhost:{r.port}?tls=none{query}",
                      "--yes", "--token-command", token.command, *options, cwd=shop, check=check)


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_a_token(shop, token, mechanism):
    write_list(shop / "list.csv", 20)
    with start(shop, f"PLAIN {mechanism}") as r:
        send(shop, r, token.gives(f"echo '{GOOD}'"), "--transcript", "t.txt")
        url = f"smtp://ann@example.com@localhost:{r.port}?tls=none"
        out = lettershop("probe", url, "--login", "--token-command", token.command, check=0).stdout
    assert f"accepted, with {mechanism}" in out
    assert len(r.accepted()) == 20 and {a.user for a in r.accepted()} == {"ann@example.com"}
    assert token.runs() == 2 and r.violations() == ""
    for path in [shop / "t.txt", shop / "results.csv"]:
        assert GOOD not in path.read_text() and base64.b64encode(GOOD.encode()).decode()[4:20] not in path.read_text()


def test_the_better_form_is_taken(shop, token):
    write_list(shop / "list.csv", 1)
    with start(shop, "XOAUTH2 OAUTHBEARER PLAIN") as r:
        send(shop, r, token.gives(f"echo '{GOOD}'"))
        send(shop, r, token, "--results", "other.csv", query="&auth=xoauth2")
    said = [line.split()[4] for line in (shop / "protocol").read_text().splitlines() if " C: AUTH " in line]
    assert list(dict.fromkeys(said)) == ["OAUTHBEARER", "XOAUTH2"]


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
@pytest.mark.parametrize("connections", [4, 1] if LONG else [4])
def test_refused_once(shop, token, mechanism, connections):
    write_list(shop / "list.csv", 50)
    with start(shop, mechanism) as r:
        send(shop, r, token.gives("echo stale", f"sleep 0.3; echo '{GOOD}'"), "--connections", connections)
    assert len(r.accepted()) == 50 and {x["status"] for x in results(shop / "results.csv")} == {"sent"}
    assert token.runs() == 2 and r.violations() == ""
    refused = (shop / "protocol").read_text().count("S: 535")
    assert 1 <= refused <= connections


def test_probe_asks_for_another_one_too(shop, token):
    with start(shop, "XOAUTH2") as r:
        url = f"smtp://ann@example.com@localhost:{r.port}?tls=none"
        out = lettershop("probe", url, "--login", "--token-command", token.gives("echo stale", f"echo '{GOOD}'").command,
                         check=0).stdout
    assert "accepted, with XOAUTH2" in out and token.runs() == 2


@pytest.mark.parametrize("tokens, words, logins", [
    (["echo stale", "echo stale2"], "refused the login of 'ann@example.com'", 2),
    (["echo stale", "exit 7"], "failed with exit status 7", 1),
])
def test_refused_for_good(shop, token, tokens, words, logins):
    write_list(shop / "list.csv", 50)
    with start(shop, "XOAUTH2") as r:
        done = send(shop, r, token.gives(*tokens), "--connections", "1", check=3)
    assert words.startswith("failed") or "the account that --token-command is for" in done.stderr
    assert done.stderr.count(words) == 1 and token.runs() == 2 and r.accepted() == []
    assert (shop / "protocol").read_text().count("C: AUTH") == logins


def test_what_is_wrong_from_the_start(shop, token):
    write_list(shop / "list.csv", 1)
    with start(shop, "PLAIN") as r:
        assert "exit status 3" in send(shop, r, token.gives("exit 3"), check=2).stderr
        assert "one source" in send(shop, r, token.gives("echo abc"), "--password-env", "HOME", check=2).stderr
        assert "offers no login with a token" in send(shop, r, token.gives("echo abc"), check=3).stderr
    with start(shop, "XOAUTH2") as r:
        done = send(shop, r, token.gives("echo 'a b'"), "--results", "other.csv", check=3)
        assert "no token may hold" in done.stderr


def test_a_section_of_the_settings(shop, token):
    write_list(shop / "list.csv", 2)
    with start(shop, "OAUTHBEARER") as r:
        (shop / "s.conf").write_text(f"[relay main]\nurl = smtp://ann@example.com@localhost:{r.port}?tls=none\n"
                                     f"token_command = {token.gives(f'echo {GOOD}').command}\n")
        lettershop("send", "letter.eml", "list.csv", "--settings", "s.conf", "--relay", "main", "--yes", cwd=shop, check=0)
    assert len(r.accepted()) == 2

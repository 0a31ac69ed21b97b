"""A campaign whose letter or options changed halfway: it says what changed, and goes on when told to."""
import pytest

from relay import LETTER, Relay, lettershop, results, write_letter, write_list


def send(shop, relay, *options, check=None, rows="1-10"):
    return lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{relay.port}?tls=none", "--yes",
                      *(["--rows", rows] if rows else []), *options, cwd=shop, check=check)


@pytest.fixture
def half(shop):
    """Twenty rows, of which 5 were put off; the letter changed since."""
    write_list(shop / "list.csv", 20)
    with Relay(shop / "one", "--refuse", "^user[1-5]@=450 4.2.0 later") as r:
        send(shop, r, "--retry-for", "1ms", check=1)
        assert len(r.accepted()) == 5
    write_letter(shop / "letter.eml", LETTER.replace("Hello", "Hullo"))
    return shop


def test_says_what_changed_and_the_ways_on(half):
    with Relay(half / "two") as r:
        done = send(half, r, "--resume", check=2)
        assert "letter" in done.stderr and "--accept-changes" in done.stderr and "--results" in done.stderr
        assert not r.accepted()


def test_accepted(half):
    with Relay(half / "two", "--store", half / "store") as r:
        done = send(half, r, "--resume", "--accept-changes", check=0)
        assert "going on with changes: the letter or one of its files changed" in done.stderr
        assert set(r.recipients()) == {f"user{i}@list.example" for i in range(1, 6)}
        assert all(b"Subject: Hullo" in p.read_bytes() for p in (half / "store").iterdir())
        # From now on this is the campaign: nothing changed any more, and the old letter is another one.
        assert "changes" not in send(half, r, "--resume", check=0).stderr
        write_letter(half / "letter.eml", LETTER)
        assert "--accept-changes" in send(half, r, "--resume", check=2).stderr
    assert {line["status"] for line in results(half / "results.csv")} == {"sent"}


def test_show_knows_which_letter_a_row_got(half):
    with Relay(half / "two") as r:
        send(half, r, "--resume", "--accept-changes", check=0)
    show = ["show", "results.csv", "letter.eml", "list.csv", "--row"]
    assert "Subject: Hullo" in lettershop(*show, 3, cwd=half, check=0).stdout
    assert "is not the campaign's" in lettershop(*show, 8, cwd=half, check=2).stderr
    write_letter(half / "letter.eml", LETTER)
    assert "Subject: Hello" in lettershop(*show, 8, cwd=half, check=0).stdout


def test_options(half):
    write_letter(half / "letter.eml", LETTER)
    with Relay(half / "two") as r:
        done = send(half, r, "--resume", "--envelope-from", "bounce@sender.example", check=2)
        assert "--accept-changes" in done.stderr
        done = send(half, r, "--resume", "--accept-changes", "--envelope-from", "bounce@sender.example", check=0)
        assert "option envelope-from is new: 'bounce@sender.example'" in done.stderr
        assert {a.sender.split()[0] for a in r.accepted()} == {"<bounce@sender.example>"} and len(r.accepted()) == 5
    assert len(results(half / "results.csv")) == 10


@pytest.mark.parametrize("rehearsal", [False, True])
def test_a_rehearsal_is_no_change_to_accept(half, rehearsal):
    with Relay(half / "two") as r:
        if rehearsal:
            done = lettershop("send", "letter.eml", "list.csv", "--relay", "maildir:out", "--yes", "--rows", "1-10", "--resume",
                              "--accept-changes", "--results", "results.csv", cwd=half, check=2)
        else:
            done = send(half, r, "--resume", "--accept-changes", "--results", "results.csv", "--redirect-to", "me@sender.example", check=2)
        assert "--results FILE" in done.stderr and "--accept-changes" not in done.stderr
        assert not r.accepted()


def test_another_list_is_no_change_to_accept(half):
    write_list(half / "list.csv", 19)
    with Relay(half / "two") as r:
        done = send(half, r, "--resume", "--accept-changes", check=2)
        assert "the list of recipients changed" in done.stderr and "--key" in done.stderr
        assert not r.accepted()

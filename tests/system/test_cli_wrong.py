"""Twelve wrong inputs: one clear sentence with place and remedy, the right status, nothing sent."""
import os
import re
import socket

import pytest

from relay import Relay, lettershop, results, write_letter, write_list

LETTER = "From: a@b.example\nTo: {{ name }} <{{ email }}>\nSubject: Hi\n\nDear {{ name }},\n"


@pytest.fixture
def folder(tmp_path):
    write_letter(tmp_path / "letter.eml", LETTER)
    write_list(tmp_path / "list.csv", 4)
    return tmp_path


@pytest.fixture
def relay(tmp_path):
    with Relay(tmp_path / "relay") as r:
        yield r


def send(folder, r, *arguments, status=2):
    """One run that must fail and send nothing. Sentences only, no more than a few lines."""
    done = lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes",
                      *arguments, cwd=folder, check=status)
    assert r.accepted() == []
    assert len(done.stderr.splitlines()) <= 8, done.stderr
    return done.stderr


def nothing_begun(folder):
    assert not (folder / "results.csv").exists() and not (folder / "results.csv.journal").exists()


def test_1_missing_column(folder, relay):
    write_letter(folder / "letter.eml", LETTER.replace("Dear {{ name }}", "Dear {{ nmae }}"))
    said = send(folder, relay)
    assert re.search(r"^letter\.eml:5:9: .*'?nmae'?", said, re.M), said
    assert re.search(r"did you mean.*name", said)
    nothing_begun(folder)


def test_2_unclosed_tag(folder, relay):
    write_letter(folder / "letter.eml", LETTER + "\n{% if plan %}You have a plan.\n")
    said = send(folder, relay)
    assert re.search(r"^letter\.eml:7:\d+: .*(if|endif)", said, re.M), said
    nothing_begun(folder)


def test_3_unclosed_quote(folder, relay):
    with open(folder / "list.csv", "a") as f:
        f.write('a@b.example,"Ann,pro\nb@b.example,Bob,\n')
    said = send(folder, relay)
    assert re.search(r"list\.csv:6(:\d+)?: .*quote", said), said
    nothing_begun(folder)


def test_4_missing_attachment(folder, relay):
    write_letter(folder / "letter.eml", LETTER.replace("\n\n", "\nAttachment: terms.pdf\n\n", 1))
    said = send(folder, relay)
    assert re.search(r"^letter\.eml:4:\d+: .*terms\.pdf", said, re.M), said
    nothing_begun(folder)


def test_4b_missing_attachment_of_a_row(folder, relay):
    write_letter(folder / "letter.eml", LETTER.replace("\n\n", "\nAttachment: {{ name }}.pdf\n\n", 1))
    for i in (1, 2, 4):
        (folder / f"Name {i}.pdf").write_text("x")
    said = send(folder, relay)
    assert re.search(r"list\.csv:4(:\d+)?: .*Name 3\.pdf", said), said
    assert "--bad-rows skip" in said and "1 of 4 rows" in said
    nothing_begun(folder)


def test_5_bad_address(folder, relay):
    with open(folder / "list.csv", "a") as f:
        f.write("ann@@b.example,Ann,pro\n")
    said = send(folder, relay)
    assert re.search(r"list\.csv:6(:\d+)?: .*ann@@b\.example", said), said
    assert "--bad-rows skip" in said
    nothing_begun(folder)


def test_6_no_recipients(folder, relay):
    write_list(folder / "list.csv", 0)
    assert "list.csv: the list has no recipients" in send(folder, relay)
    assert "list.csv: the list has no recipients" in send(folder, relay, "--no-preflight")
    (folder / "list.csv").write_text("")
    assert "list.csv" in send(folder, relay)
    nothing_begun(folder)


@pytest.mark.parametrize("preflight", [[], ["--no-preflight"]])
def test_6_none_chosen(folder, relay, preflight):
    write_list(folder / "list.csv", 4)
    for option in (["--rows", "7-9"], ["--where", "plan == 'none'"], ["--skip", "4"]):
        assert "the options choose none of the list's rows" in send(folder, relay, *option, *preflight)
    nothing_begun(folder)


@pytest.mark.parametrize("name", ["list.csv", "letter.eml"])
def test_7_unreadable_file(folder, relay, name):
    (folder / name).unlink()
    said = send(folder, relay)
    assert name in said and "No such file or directory" in said
    (folder / name).mkdir()
    assert name in send(folder, relay)
    nothing_begun(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_7b_no_permission(folder, relay):
    (folder / "list.csv").chmod(0)
    assert "Permission denied" in send(folder, relay)


def test_8_results_file_present(folder, relay):
    (folder / "results.csv").write_text("mine\n")
    said = send(folder, relay)
    assert "results.csv" in said and "--results" in said
    assert (folder / "results.csv").read_text() == "mine\n"


def start_tls(folder, certs, name, *options):
    return Relay(folder / "relay", "--starttls", "--tls-cert", certs / f"{name}.pem", "--tls-key",
                 certs / f"{name}.key", *options)


def send_tls(folder, certs, r, *arguments):
    """A relay that is wrong stops the run: status 3, one sentence, a resume sends everything."""
    done = lettershop("send", "letter.eml", "list.csv", "--relay",
                      f"smtp://{'ann@' if arguments else ''}localhost:{r.port}?ca={certs}/ca.pem", "--yes",
                      "--progress", "none", *arguments, cwd=folder, check=3)
    assert r.accepted() == []
    sentences = [line for line in done.stderr.splitlines() if not line.startswith("  ")]
    assert len(sentences) <= 2, done.stderr
    assert "--resume" in done.stdout
    rows = results(folder / "results.csv") if (folder / "results.csv").exists() else []
    assert [x for x in rows if x["status"] not in ("deferred",)] == []
    return done.stderr


def test_9_wrong_password(folder, certs):
    (folder / "right").write_text("right\n")
    (folder / "wrong").write_text("wrong\n")
    for name in ("right", "wrong"):
        (folder / name).chmod(0o600)
    with start_tls(folder, certs, "good", "--user", "ann", "--password-file", folder / "right", "--require-auth") as r:
        said = send_tls(folder, certs, r, "--password-file", "wrong")
        assert "login" in said and "ann" in said and "wrong" not in said.replace("wrong user", "")
        lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://ann@localhost:{r.port}?ca={certs}/ca.pem",
                   "--yes", "--password-file", "right", "--resume", cwd=folder, check=0)
        assert set(r.recipients().values()) == {1} and len(r.recipients()) == 4


def test_10_expired_certificate(folder, certs):
    with start_tls(folder, certs, "expired") as r:
        assert "expired" in send_tls(folder, certs, r)


def test_11_wrong_host_name(folder, certs):
    with start_tls(folder, certs, "wrong-name") as r:
        said = send_tls(folder, certs, r)
        assert "other.example" in said or "name" in said
        assert "localhost" in said


def test_12_port_closed(folder):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        done = lettershop("send", "letter.eml", "list.csv", "--relay", f"smtp://127.0.0.1:{port}?tls=none", "--yes",
                          "--retry-for", "1s", cwd=folder, check=3)
    assert f"127.0.0.1:{port}" in done.stderr and "refused" in done.stderr
    assert "--resume" in done.stdout


def test_12b_no_such_host(folder):
    done = lettershop("send", "letter.eml", "list.csv", "--relay", "smtp://no-such-host.invalid?tls=none", "--yes",
                      cwd=folder, check=2)
    assert "no-such-host.invalid" in done.stderr

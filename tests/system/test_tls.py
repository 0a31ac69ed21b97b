"""TLS as the user wants it: whom to trust, which version, a pin, a certificate of ours; a sentence for each fault."""
import hashlib
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from relay import LONG, Relay, lettershop, results, write_list


def fingerprint(pem):
    text = pem.read_text()
    der = ssl.PEM_cert_to_DER_cert(text[:text.index("-----END")] + "-----END CERTIFICATE-----\n")
    return hashlib.sha256(der).hexdigest()


def serve(folder, certs, name="good", *more):
    return Relay(folder, "--starttls", "--tls-cert", certs / f"{name}.pem", "--tls-key", certs / f"{name}.key", *more)


def probe(port, query, check=0):
    return lettershop("probe", f"smtp://localhost:{port}?{query}", check=check)


@pytest.mark.parametrize("name, words", [
    ("good", "comes from 'Test authority', whom this machine does not know"),
    ("expired", "expired on"),
    ("not-yet", "is not valid before"),
    ("self-signed", "is self-signed: nobody vouches for it"),
    ("wrong-name", "is not for localhost but for"),
])
def test_a_sentence_for_each_fault(tmp_path, certs, name, words):
    with serve(tmp_path / "r", certs, name) as r:
        done = probe(r.port, "tls=starttls" if name == "good" else f"ca={certs}/ca.pem", check=1)
        assert words in done.stderr and done.stderr.count("\n  ") == 1  # one sentence, and what to do
        # The same for a run: one sentence, nothing sent, no second attempt.
        (tmp_path / "l.eml").write_text("From: a@b.example\nTo: {{ email }}\nSubject: x\n\nhello\n")
        write_list(tmp_path / "l.csv", 3)
        url = f"smtp://localhost:{r.port}" + ("" if name == "good" else f"?ca={certs}/ca.pem")
        done = lettershop("send", "l.eml", "l.csv", "--relay", url, "--yes", cwd=tmp_path, check=3)
        assert done.stderr.count(words) == 1 and r.accepted() == []
        assert "TLS" in probe(r.port, "verify=no").stdout  # for who wants that


def test_a_pin(tmp_path, certs):
    right, wrong = fingerprint(certs / "self-signed.pem"), fingerprint(certs / "good.pem")
    shown = ":".join(right[i:i + 2] for i in range(0, 64, 2)).upper()  # as openssl prints it
    with serve(tmp_path / "r", certs, "self-signed") as r:
        assert right in probe(r.port, "verify=no").stdout
        probe(r.port, f"verify=pin&pin=sha256:{right}")
        probe(r.port, f"verify=pin&pin=sha256:{shown}")
        probe(r.port, f"verify=no&pin=sha256:{right}")
        assert f"not the pinned one, but sha256:{right}" in probe(r.port, f"verify=pin&pin=sha256:{wrong}", check=1).stderr
        assert "not the pinned one" in probe(r.port, f"verify=no&pin=sha256:{wrong}", check=1).stderr
        # A pin alone does not stand for the chain.
        assert "self-signed" in probe(r.port, f"pin=sha256:{right}", check=1).stderr
    with serve(tmp_path / "r2", certs) as r:
        right = wrong
        probe(r.port, f"ca={certs}/ca.pem&pin=sha256:{right}")
        other = fingerprint(certs / "ca.pem")
        assert "not the pinned one" in probe(r.port, f"ca={certs}/ca.pem&pin=sha256:{other}", check=1).stderr


def test_a_pin_holds_for_every_connection(shop, certs):
    write_list(shop / "list.csv", 60)
    with serve(shop / "relay", certs, "good", "--max-per-connection", "5") as r:  # sessions are resumed
        url = f"smtp://localhost:{r.port}?ca={certs}/ca.pem&pin=sha256:{fingerprint(certs / 'good.pem')}"
        lettershop("send", "letter.eml", "list.csv", "--relay", url, "--yes", "--connections", "2", cwd=shop, check=0)
    assert len(r.accepted()) == 60 and {x["status"] for x in results(shop / "results.csv")} == {"sent"}


def test_a_folder_of_authorities(tmp_path, certs):
    (tmp_path / "trusted").mkdir()
    shutil.copy(certs / "ca.pem", tmp_path / "trusted")
    with serve(tmp_path / "r", certs) as r:
        assert "does not know" in probe(r.port, f"ca={tmp_path}/trusted", check=1).stderr  # not rehashed yet
        subprocess.run(["openssl", "rehash", tmp_path / "trusted"], check=True)
        probe(r.port, f"ca={tmp_path}/trusted")
        assert "No such file" in probe(r.port, f"ca={tmp_path}/absent", check=2).stderr


def test_the_least_version(tmp_path, certs):
    with serve(tmp_path / "r", certs, "good", "--tls-max", "1.2") as r:
        assert "TLSv1.2" in probe(r.port, f"ca={certs}/ca.pem").stdout
        assert "has no TLS 1.3 or newer" in probe(r.port, f"ca={certs}/ca.pem&tls-min=1.3", check=1).stderr
    with serve(tmp_path / "r2", certs) as r:
        assert "TLSv1.3" in probe(r.port, f"ca={certs}/ca.pem&tls-min=1.3").stdout


@pytest.fixture
def asks(tmp_path, certs):
    (tmp_path / "secret").write_text("x\n")
    with serve(tmp_path / "asks", certs, "good", "--tls-client-ca", certs / "ca.pem", "--user", "client", "--password-file",
               tmp_path / "secret", "--auth", "EXTERNAL PLAIN", "--require-auth") as r:
        yield r


def test_a_certificate_of_ours(shop, certs, asks):
    write_list(shop / "list.csv", 3)
    url = f"smtp://localhost:{asks.port}?ca={certs}/ca.pem&cert={certs}/client.pem&key={certs}/client.key"
    out = lettershop("probe", url + "&auth=EXTERNAL", "--login", check=0).stdout
    assert "accepted, with EXTERNAL" in out
    lettershop("send", "letter.eml", "list.csv", "--relay", url + "&auth=EXTERNAL", "--yes", cwd=shop, check=0)
    assert [a.user for a in asks.accepted()] == ["client"] * 3
    assert asks.violations() == ""


def test_files_that_do_not_fit(tmp_path, certs, asks):
    both = tmp_path / "both.pem"
    both.write_text((certs / "client.pem").read_text() + (certs / "client.key").read_text())
    url = f"ca={certs}/ca.pem"
    assert "may be read by others" in probe(asks.port, f"{url}&cert={both}", check=2).stderr
    both.chmod(0o600)
    probe(asks.port, f"{url}&cert={both}")
    assert "does not belong" in probe(asks.port, f"{url}&cert={certs}/client.pem&key={certs}/good.key", check=2).stderr
    assert "No such file" in probe(asks.port, f"{url}&cert={certs}/none.pem&key={certs}/client.key", check=2).stderr
    subprocess.run(["openssl", "ec", "-in", certs / "client.key", "-aes128", "-passout", "pass:x", "-out",
                    tmp_path / "locked"], check=True, capture_output=True)
    (tmp_path / "locked").chmod(0o600)
    done = probe(asks.port, f"{url}&cert={certs}/client.pem&key={tmp_path}/locked", check=2)
    assert "without a passphrase" in done.stderr
    assert "none is given" in lettershop("probe", f"smtp://localhost:{asks.port}?auth=EXTERNAL", "--login", check=2).stderr


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2][:2 if LONG else 1])
@pytest.mark.parametrize("ours, words", [("", "it may want a certificate of ours"), ("good", "does not accept our certificate")])
def test_a_relay_that_insists_on_a_certificate(tmp_path, certs, version, ours, words):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
                    "-keyout", tmp_path / "x.key", "-out", tmp_path / "x.pem"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs / "good.pem", certs / "good.key")
    context.load_verify_locations(certs / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    server = socket.create_server(("127.0.0.1", 0))

    def talk():
        c, _ = server.accept()
        try:
            with context.wrap_socket(c, server_side=True) as s:
                s.sendall(b"220 hello\r\n")
        except OSError:
            pass

    threading.Thread(target=talk, daemon=True).start()
    query = f"ca={certs}/ca.pem" + (f"&cert={tmp_path}/x.pem&key={tmp_path}/x.key" if ours else "")
    done = lettershop("probe", f"smtps://localhost:{server.getsockname()[1]}?{query}", check=1)
    assert words in done.stderr
    server.close()


@pytest.mark.parametrize("offered, version, taken", [
    ("PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "1.3", "SCRAM-SHA-256-PLUS"),
    ("SCRAM-SHA-1-PLUS SCRAM-SHA-1 PLAIN", "1.3", "SCRAM-SHA-1-PLUS"),
    ("SCRAM-SHA-256 SCRAM-SHA-1-PLUS", "1.3", "SCRAM-SHA-256"),
    ("PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "1.2", "SCRAM-SHA-256"),  # no channel binding there
    ("PLAIN LOGIN SCRAM-SHA-1", "1.3", "SCRAM-SHA-1"),
    ("LOGIN PLAIN CRAM-MD5", "1.3", "PLAIN"),
    ("CRAM-MD5 LOGIN", "1.3", "LOGIN"),
][::1 if LONG else 3])
def test_the_strongest_login(shop, certs, offered, version, taken):
    (shop / "secret").write_text("open sesame\n")
    (shop / "secret").chmod(0o600)
    write_list(shop / "list.csv", 12)
    with serve(shop / "relay", certs, "good", "--tls-max", version, "--user", "ann", "--password-file", shop / "secret",
               "--auth", offered, "--require-auth", "--max-per-connection", "3") as r:
        url = f"smtp://ann@localhost:{r.port}?ca={certs}/ca.pem"
        assert f"accepted, with {taken}\n" in lettershop("probe", url, "--login", "--password-file", shop / "secret",
                                                        check=0).stdout
        without = taken.replace("-PLUS", "")
        if without in offered.split():  # when it is named, although -PLUS is offered
            out = lettershop("probe", f"{url}&auth={without}", "--login", "--password-file", shop / "secret", check=0).stdout
            assert f"accepted, with {without}\n" in out
        # Also where TLS sessions are resumed, each with a binding of its own.
        lettershop("send", "letter.eml", "list.csv", "--relay", url, "--yes", "--password-file", "secret", cwd=shop, check=0)
    assert len(r.accepted()) == 12 and {a.user for a in r.accepted()} == {"ann"} and r.violations() == ""

"""TLS that is right, and each way in which it is wrong: with TLS at once and with STARTTLS, the same verdict and a
plain sentence; and where it is refused, not an octet of a login or a letter has left."""
import concurrent.futures
import datetime
import ipaddress
import socket
import ssl
import struct
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from relay import LONG, lettershop

SECRET = "canary-Xk7#plume"
HOST = "mx.relay.example"
NOW = datetime.datetime.utcnow()
EC = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
CA_KEY, KEY, OTHER_KEY = EC


def person(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def names(*dns, ip=(), more=()):
    return x509.SubjectAlternativeName([*map(x509.DNSName, dns), *(x509.IPAddress(ipaddress.ip_address(i)) for i in ip), *more])


def cert(subject="x", issuer="Test authority", key=KEY, by=CA_KEY, days=(-2, 90), ca=None, digest=hashes.SHA256(), more=()):
    """ca: None an end's certificate, else how many authorities may follow it (-1: any number)."""
    b = x509.CertificateBuilder(person(issuer), person(subject), key.public_key(), x509.random_serial_number(),
                                NOW + datetime.timedelta(days=days[0]), NOW + datetime.timedelta(days=days[1]))
    b = b.add_extension(x509.BasicConstraints(ca is not None, ca if ca is not None and ca >= 0 else None), True)
    for extension in more:
        critical = isinstance(extension, (x509.NameConstraints, x509.UnrecognizedExtension, x509.KeyUsage))
        b = b.add_extension(extension, critical)
    return b.sign(by, None if isinstance(by, ed25519.Ed25519PrivateKey) else digest)


def leaf(*dns, more=(), **other):
    return cert(more=[names(*dns), *more], **other)


def usage(*which):
    return x509.ExtendedKeyUsage(list(which))


def key_usage(**true):
    every = dict.fromkeys(["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                           "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"], False)
    return x509.KeyUsage(**{**every, **true})


def limits(permitted=None, excluded=None):
    return x509.NameConstraints([x509.DNSName(permitted)] if permitted else None, [x509.DNSName(excluded)] if excluded else None)


ROOT = cert("Test authority", ca=-1, key=CA_KEY)
MIDDLE = {"subject": "Middle", "key": OTHER_KEY}


def below(middle, *dns, **other):
    """[a certificate, the one in the middle that vouches for it]"""
    return [leaf(*dns, issuer="Middle", by=OTHER_KEY, **other), middle]


def spoilt(c):
    der = bytearray(c.public_bytes(serialization.Encoding.DER))
    der[-3] ^= 1
    return bytes(der)


V = ssl.TLSVersion
UNKNOWN = "whom this machine does not know"
FOR = f"is not for {HOST} but for "


class Case:
    """chain: what the server shows; words: of the refusal, None when all is well; how: what else it does."""
    def __init__(self, title, chain, words, host=HOST, key=KEY, query="", versions=(V.TLSv1_2, V.TLSv1_3), how="", trust=ROOT):
        self.title, self.chain, self.words, self.host = title, chain if isinstance(chain, list) else [chain], words, host
        self.key, self.query, self.versions, self.how, self.trust = key, query, versions, how, trust


def pin(c):
    return "&pin=sha256:" + c.fingerprint(hashes.SHA256()).hex()


def cases():
    good, dead = leaf(HOST), (-9, -1)
    rsa2048, rsa1024, ed = rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 1024), \
        ed25519.Ed25519PrivateKey.generate()
    middle = cert(**MIDDLE, ca=0)
    own_root = cert("Test authority", ca=-1, key=CA_KEY, days=dead)
    self_signed = leaf(HOST, issuer="x", by=KEY)
    other_ca = cert("Test authority", ca=-1, key=OTHER_KEY, by=OTHER_KEY)
    server, client = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
    oid = x509.ObjectIdentifier("1.3.6.1.4.1.55555.1")
    return [
        # ---- right
        Case("its name", good, None),
        Case("its name in capitals", leaf("MX.Relay.EXAMPLE"), None),
        Case("the URL in capitals", good, None, host="MX.Relay.Example"),
        Case("the URL with the root's dot", good, None, host=HOST + "."),
        Case("one of many names", leaf("a.example", "b.example", HOST, "c.example"), None),
        Case("a wildcard", leaf("*.relay.example"), None),
        Case("a wildcard beside others", leaf("relay.example", "*.relay.example"), None),
        Case("an IPv4 number", cert(more=[names(ip=["192.0.2.7"])]), None, host="192.0.2.7"),
        Case("an IPv6 number", cert(more=[names(ip=["2001:db8::7"])]), None, host="[2001:db8::7]"),
        Case("an IPv6 number in another form", cert(more=[names(ip=["2001:db8::7"])]), None, host="[2001:DB8:0::0:7]"),
        Case("an international name", leaf("mx.xn--bcher-kva.example"), None, host="mx.bücher.example"),
        Case("an international name as A-label", leaf("mx.xn--bcher-kva.example"), None, host="mx.xn--bcher-kva.example"),
        Case("for servers", leaf(HOST, more=[usage(server)]), None),
        Case("for servers and clients", leaf(HOST, more=[usage(client, server)]), None),
        Case("a certificate in the middle", below(middle, HOST), None),
        Case("names that the authority may give", below(cert(**MIDDLE, ca=0, more=[limits("relay.example")]), HOST), None),
        Case("an unknown extension that does not matter", leaf(HOST, more=[usage(server)]), None),
        Case("TLS 1.2", good, None, versions=(V.TLSv1_2, V.TLSv1_2)),
        Case("TLS 1.3", good, None, versions=(V.TLSv1_3, V.TLSv1_3), query="&tls-min=1.3"),
        Case("an RSA key", leaf(HOST, key=rsa2048), None, key=rsa2048),
        Case("an Ed25519 key", leaf(HOST, key=ed), None, key=ed),
        Case("trusted by itself", self_signed, None, trust=self_signed),
        Case("its pin", good, None, query=pin(good)),
        Case("nothing but its pin", self_signed, None, query="&verify=pin" + pin(self_signed), trust=None),
        Case("octet by octet", good, None, how="slowly"),
        # ---- names
        Case("another name", leaf("mx.other.example"), FOR + "mx.other.example"),
        Case("a name below", leaf("a." + HOST), FOR),
        Case("a name above", leaf("relay.example"), FOR),
        Case("its end is alike", leaf("evil-" + HOST), FOR),
        Case("common name only", cert(subject=HOST), "names no host at all"),
        Case("common name right, others wrong", cert(subject=HOST, more=[names("a.example")]), FOR + "a.example"),
        Case("a wildcard for two levels", leaf("*.example"), FOR),
        Case("a wildcard for the level above", leaf("*.relay.example"), "is not for relay.example but for *.relay.example",
             host="relay.example"),
        Case("a wildcard two levels up", leaf("*.relay.example"), "but for *.relay.example", host="a.mx.relay.example"),
        Case("a part of a label", leaf("m*.relay.example"), FOR),
        Case("a wildcard in the middle", leaf("mx.*.example"), FOR),
        Case("a wildcard for all", leaf("*"), FOR),
        Case("a wildcard in an A-label", leaf("xn--*.relay.example"), FOR),
        Case("two wildcards", leaf("*.*.example"), FOR),
        Case("a name with NUL", leaf(HOST + "\0.evil.example"), FOR),
        Case("a name with a blank", leaf(HOST + " "), FOR),
        Case("a name with a dot in front", leaf(".relay.example"), FOR),
        Case("a number as a name", leaf("192.0.2.7"), "is not for 192.0.2.7", host="192.0.2.7"),
        Case("another number", cert(more=[names(ip=["192.0.2.8"])]), "is not for 192.0.2.7 but for 192.0.2.8", host="192.0.2.7"),
        Case("a wildcard for numbers", leaf("*.0.2.7"), "is not for 192.0.2.7", host="192.0.2.7"),
        Case("a number where a name is wanted", cert(more=[names(ip=["127.0.0.1"])]), FOR + "127.0.0.1"),
        Case("only an address for mail", cert(more=[names(more=[x509.RFC822Name("post@" + HOST)])]), "names no host at all"),
        Case("only a URI", cert(more=[names(more=[x509.UniformResourceIdentifier("https://" + HOST)])]), "names no host at all"),
        Case("another international name", leaf("mx.xn--bucher-.example"), "is not for mx.xn--bcher-kva.example",
             host="mx.bücher.example"),
        # ---- dates
        Case("expired", leaf(HOST, days=dead), f"certificate of {HOST} expired on 20"),
        Case("not yet valid", leaf(HOST, days=(3, 9)), f"certificate of {HOST} is not valid before 20"),
        Case("the middle expired", below(cert(**MIDDLE, ca=0, days=dead), HOST), "the certificate of 'Middle', which vouches for"),
        Case("the authority expired", good, "the certificate of 'Test authority', which vouches for", trust=own_root),
        # ---- who vouches
        Case("self-signed", self_signed, "is self-signed: nobody vouches for it"),
        Case("an unknown authority", leaf(HOST, issuer="Stranger", by=OTHER_KEY), f"'Stranger', {UNKNOWN}"),
        Case("an unknown authority in the chain", [leaf(HOST, issuer="Stranger", by=OTHER_KEY),
             cert("Stranger", "Stranger", ca=-1, key=OTHER_KEY, by=OTHER_KEY)], UNKNOWN),
        Case("the middle is missing", below(middle, HOST)[:1], f"'Middle', {UNKNOWN}"),
        Case("an authority of the same name", [leaf(HOST, by=OTHER_KEY), other_ca],
             "its signature is not by whom it names"),
        Case("a signature that is none", spoilt(good), "cannot be trusted: its signature is not by whom it names"),
        Case("vouched for by no authority", below(cert(**MIDDLE), HOST), "who vouches for it may vouch for nobody"),
        Case("too long a chain", [leaf(HOST, issuer="Last", by=KEY), cert("Last", "Middle", ca=0, key=KEY, by=OTHER_KEY), middle],
             "more vouch for one another in it than the first of them allows"),
        Case("an authority that may not sign", below(cert(**MIDDLE, ca=0, more=[key_usage(digital_signature=True)]), HOST),
             "who vouches for it may vouch for nobody"),
        Case("a name that the authority may not give", below(cert(**MIDDLE, ca=0, more=[limits("other.example")]), HOST),
             "who vouches for it may not do so for such names"),
        Case("a name that is taken from the authority", below(cert(**MIDDLE, ca=0, more=[limits(None, "relay.example")]), HOST),
             "who vouches for it may not do so for such names"),
        Case("an unknown extension that matters", leaf(HOST, more=[x509.UnrecognizedExtension(oid, b"\x05\x00")]),
             "it has a condition that is not known here"),
        Case("for clients", leaf(HOST, more=[usage(client)]), "not meant for a server"),
        Case("for programs", leaf(HOST, more=[usage(ExtendedKeyUsageOID.CODE_SIGNING)]), "not meant for a server"),
        Case("a pin of another", good, "is not the pinned one", query=pin(self_signed)),
        Case("nothing but another's pin", self_signed, "is not the pinned one", query="&verify=pin" + pin(good), trust=None),
        # ---- strength
        Case("SHA-1", leaf(HOST, digest=hashes.SHA1()), "is too weak"),
        Case("MD5", [leaf(HOST, issuer="Middle", by=rsa2048, digest=hashes.MD5()), cert("Middle", key=rsa2048, ca=0)], "is too weak"),
        Case("an RSA key of 1024 bits", leaf(HOST, key=rsa1024), "is too weak", key=rsa1024),
        Case("TLS 1.0", good, "has no TLS 1.2 or newer", versions=(V.TLSv1, V.TLSv1)),
        Case("TLS 1.1", good, "has no TLS 1.2 or newer", versions=(V.TLSv1_1, V.TLSv1_1)),
        Case("TLS 1.2 where 1.3 is wanted", good, "has no TLS 1.3 or newer", versions=(V.TLSv1_2, V.TLSv1_2),
             query="&tls-min=1.3"),
        # ---- the line
        Case("hangs up at the hello", good, "closed the connection during the TLS handshake", how="hang up"),
        Case("hangs up amid the handshake", good, "closed the connection during the TLS handshake", how="cut"),
        Case("says nothing", good, "TLS was not up after 1 s", how="silent"),
        Case("speaks no TLS", good, "does not speak TLS", how="plain"),
        Case("speaks HTTP", good, "does not speak TLS", how="http"),
        Case("an alert", good, "the TLS handshake failed: ", how="alert"),
        Case("hangs up without the end of TLS", good, "without the end of TLS (close_notify)", how="cut later"),
        Case("hangs up with the end of TLS", good, "the server closed the connection", how="end later"),
        Case("words behind the 220", good, "octets in clear behind its go-ahead for TLS", how="inject"),
        Case("words before the 220", good, "refused to begin TLS", how="inject before"),
    ]


class Server(threading.Thread):
    """Listens as a SOCKS5 proxy that leads to itself, whatever the host: so its certificate may be for any name."""

    def __init__(self, folder, case, starttls):
        super().__init__(daemon=True)
        self.case, self.starttls = case, starttls
        self.clear, self.secret, self.mails = b"", b"", 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        pem = folder / "chain.pem"
        pem.write_text("".join(ssl.DER_cert_to_PEM_cert(c if isinstance(c, bytes) else c.public_bytes(serialization.Encoding.DER))
                               for c in case.chain))
        (folder / "key.pem").write_bytes(case.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_ciphers("ALL:@SECLEVEL=0")
        self.context.load_cert_chain(pem, folder / "key.pem")
        self.context.minimum_version, self.context.maximum_version = case.versions

    def run(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            with c:
                c.settimeout(20)
                c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    self.serve(c)
                except OSError:
                    pass

    def serve(self, c):
        c.recv(3, socket.MSG_WAITALL)
        c.sendall(b"\x05\x00")
        kind = c.recv(4, socket.MSG_WAITALL)[3]
        c.recv({1: 4, 4: 16}[kind] if kind != 3 else c.recv(1)[0], socket.MSG_WAITALL)
        c.recv(2, socket.MSG_WAITALL)
        c.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01" + struct.pack(">H", self.port))
        if self.starttls:
            self.greet(c)
        how = self.case.how
        if how in ("hang up", "plain", "http", "alert"):
            self.clear += c.recv(4096)
            c.sendall({"hang up": b"", "plain": b"220 hello\r\n", "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
                       "alert": b"\x15\x03\x03\x00\x02\x02\x50"}[how])
            return
        if how == "silent":
            c.settimeout(5)
            while c.recv(4096):
                pass
            return
        self.shake(c, how)

    def greet(self, c):
        c.sendall(b"220 hello\r\n")
        self.clear += c.recv(4096)
        c.sendall(b"250-hello\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n")
        self.clear += c.recv(4096)
        c.sendall({"inject": b"220 go\r\n250-FAKE\r\n250 AUTH PLAIN\r\n", "inject before": b"250 AUTH PLAIN\r\n220 go\r\n"}.get(
            self.case.how, b"220 go\r\n"))

    def shake(self, c, how):
        took, gives = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(took, gives, server_side=True)

        def step(call, *arguments):
            while True:
                try:
                    done = call(*arguments)
                except ssl.SSLWantReadError:
                    done = None
                except ssl.SSLError:
                    c.sendall(gives.read())  # why
                    raise
                out = gives.read()
                if how == "cut" and len(out) > 600:
                    c.sendall(out[:len(out) // 2])
                    raise ConnectionError
                for i in range(0, len(out), size := 1 if how == "slowly" else len(out) or 1):
                    c.sendall(out[i:i + size])
                if done is not None:
                    return done
                more = c.recv(65536)
                if not more:
                    raise ConnectionError
                took.write(more)

        step(lambda: tls.do_handshake() or True)
        if how == "cut later":
            c.shutdown(socket.SHUT_WR)  # and not a reset, which a close with words unread would be
            c.settimeout(5)
            while c.recv(65536):
                pass
            return
        if how == "end later":
            try:
                tls.unwrap()
            except ssl.SSLError:
                pass
            c.sendall(gives.read())
            return
        self.talk(lambda: step(tls.read, 65536), lambda text: step(tls.write, text))

    def talk(self, read, write):
        if not self.starttls:
            write(b"220 hello\r\n")
        content = False
        while text := read():
            self.secret += text
            if content:
                if text.endswith(b".\r\n"):
                    content, self.mails = False, self.mails + 1
                    write(b"250 taken\r\n")
                continue
            verb = text[:4].upper()
            content = verb == b"DATA"
            write({b"EHLO": b"250-hello\r\n250 AUTH PLAIN\r\n", b"AUTH": b"235 welcome\r\n", b"DATA": b"354 go on\r\n",
                   b"QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n"))


def wrong_words(what, done, case, refused):
    """One sentence and the right one; or none. Returns what is wrong."""
    words = case.words or "lettershop: "
    if done.returncode == (refused if case.words else 0) and done.stderr.count(words) == (case.words is not None):
        return ""
    return f"{what}: {done.returncode} {done.stderr}"


def judge(folder, case, starttls):
    """What is wrong, or ""."""
    folder.mkdir()
    (folder / "l.eml").write_text("From: a@b.example\nTo: {{ email }}\nSubject: x\n\n" + SECRET + "\n")
    (folder / "l.csv").write_text("email\nbob@list.example\n")
    (folder / "password").write_text(SECRET + "\n")
    (folder / "password").chmod(0o600)
    query = case.query
    if case.trust is not None:
        (folder / "ca.pem").write_bytes(case.trust.public_bytes(serialization.Encoding.PEM))
        query = f"&ca={folder}/ca.pem{query}"
    server = Server(folder, case, starttls)
    server.start()
    url = f"{'smtp' if starttls else 'smtps'}://ann@{case.host}?proxy=socks5://127.0.0.1:{server.port}{query}"
    said = ""
    if LONG or case.how:
        done = lettershop("probe", url, "--login", "--password-file", "password", "--timeout",
                          "1s" if case.how == "silent" else "20s", cwd=folder)
        said = wrong_words("probe", done, case, 1)
    if not said and (not case.how or case.words is None):  # a line that broke is tried again by a run
        done = lettershop("send", "l.eml", "l.csv", "--relay", url, "--password-file", "password", "--yes", cwd=folder)
        said = wrong_words("send", done, case, 3)
        if server.mails != (case.words is None):
            said = f"{server.mails} messages"
    server.listener.close()
    if case.words is not None and (server.secret or SECRET.encode() in server.clear or b"AUTH" in server.clear):
        return f"said all the same: {server.secret} {server.clear}"
    return said


@pytest.mark.filterwarnings("ignore")  # of weak signatures
@pytest.mark.parametrize("starttls", [False, True], ids=["at once", "STARTTLS"])
def test_every_way(tmp_path, starttls):
    """In the short form every other case, which takes all of them in one of the two."""
    all_of_them = [c for c in cases() if starttls or not c.how.startswith("inject")]
    assert len({c.title for c in all_of_them}) == len(all_of_them) >= 80
    chosen = all_of_them if LONG else all_of_them[starttls::2]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda c: judge(tmp_path / c.title.replace(" ", "-"), c, starttls), chosen))
    wrong = [f"{c.title}: {s}" for c, s in zip(chosen, said) if s]
    assert not wrong, "\n".join(wrong)

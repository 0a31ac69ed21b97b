"""Through a SOCKS5 proxy: one written here from RFC 1928, which can also say no, or nonsense, or nothing."""
import socket
import struct
import threading

import pytest

from relay import Relay, lettershop, results, write_list


class Proxy:
    def __init__(self, port_of_all=None, choice=b"\x05\x00", reply=b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00", slowly=False):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.asked, self.port_of_all, self.choice, self.reply, self.slowly = [], port_of_all, choice, reply, slowly
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                c, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(c,), daemon=True).start()

    def say(self, c, text):
        for i in range(0, len(text), 1 if self.slowly else len(text) or 1):
            c.sendall(text[i:i + 1] if self.slowly else text)

    def talk(self, c):
        try:
            c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            assert c.recv(3, socket.MSG_WAITALL) == b"\x05\x01\x00"
            self.say(c, self.choice)
            head = c.recv(4, socket.MSG_WAITALL)
            if head[3:] == b"\x03":
                host = c.recv(c.recv(1)[0], socket.MSG_WAITALL).decode()
            else:
                family, n = (socket.AF_INET, 4) if head[3] == 1 else (socket.AF_INET6, 16)
                host = socket.inet_ntop(family, c.recv(n, socket.MSG_WAITALL))
            (port,) = struct.unpack(">H", c.recv(2, socket.MSG_WAITALL))
            self.asked.append((head[:3], host, port))
            if self.reply[1] != 0:
                self.say(c, self.reply)
                c.close()
                return
            there = socket.create_connection(("127.0.0.1", self.port_of_all or port))
            there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.say(c, self.reply + there.recv(4096))  # the greeting right behind it
            threading.Thread(target=self.copy, args=(c, there), daemon=True).start()
            self.copy(there, c)
        except (OSError, AssertionError, IndexError):
            c.close()

    @staticmethod
    def copy(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.mark.parametrize("slowly", [False, True])
def test_sends_through_it(shop, certs, slowly):
    write_list(shop / "list.csv", 100)
    with Relay(shop / "relay", "--starttls", "--tls-cert", certs / "good.pem", "--tls-key", certs / "good.key") as r:
        p = Proxy(slowly=slowly)
        url = f"smtp://localhost:{r.port}?ca={certs}/ca.pem&proxy=socks5://127.0.0.1:{p.port}"
        lettershop("send", "letter.eml", "list.csv", "--relay", url, "--yes", "--connections", "3", cwd=shop, check=0)
    assert len(r.accepted()) == 100 and {x["status"] for x in results(shop / "results.csv")} == {"sent"}
    assert 1 <= len(p.asked) <= 3 and set(p.asked) == {(b"\x05\x01\x00", "localhost", r.port)}


def test_the_proxy_looks_the_name_up(tmp_path):
    with Relay(tmp_path / "r") as r:
        p = Proxy(port_of_all=r.port)
        out = lettershop("probe", f"smtp://mx.nowhere.invalid:25?tls=none&proxy=socks5://localhost:{p.port}", check=0).stdout
        assert "fake-relay.example" in out
        lettershop("probe", f"smtp://192.0.2.7:26?tls=none&proxy=socks5://127.0.0.1:{p.port}/", check=0)
        lettershop("probe", f"smtp://[2001:db8::1]:27?tls=none&proxy=socks5://127.0.0.1:{p.port}", check=0)
    assert [a[1:] for a in p.asked] == [("mx.nowhere.invalid", 25), ("192.0.2.7", 26), ("2001:db8::1", 27)]


@pytest.mark.parametrize("choice, reply, words", [
    (b"\x05\xff", b"", "Permission denied"),
    (b"HTTP/1.1 400", b"", "Protocol error"),
    (b"\x05\x00", b"\x05\x02\x00\x01" + bytes(6), "Permission denied"),
    (b"\x05\x00", b"\x05\x05\x00\x01" + bytes(6), "Connection refused"),
    (b"\x05\x00", b"\x05\x04\x00\x04" + bytes(18), "No route to host"),
    (b"\x05\x00", b"\x05\x63\x00\x03\x02xx" + bytes(2), "Protocol error"),
    (b"\x05\x00", b"\x05\x01\x00\x09" + bytes(6), "Protocol error"),
])
def test_it_says_no(choice, reply, words):
    p = Proxy(choice=choice, reply=reply)
    done = lettershop("probe", f"smtp://mx.example?proxy=socks5://127.0.0.1:{p.port}", check=1)
    assert words in done.stderr and "through the proxy" in done.stderr


def test_it_says_nothing():
    server = socket.create_server(("127.0.0.1", 0))
    url = f"smtp://mx.example?proxy=socks5://127.0.0.1:{server.getsockname()[1]}"
    assert "no answer in time" in lettershop("probe", url, "--timeout", "500ms", check=1).stderr
    server.close()
    assert "Connection refused" in lettershop("probe", url, check=1).stderr


def test_a_login_in_clear_is_not_local(tmp_path):
    """The proxy may be on this machine; what lies behind it is not."""
    with Relay(tmp_path / "r", "--user", "ann", "--password-file", "/dev/null") as r:
        p = Proxy(port_of_all=r.port)
        (tmp_path / "secret").write_text("x\n")
        (tmp_path / "secret").chmod(0o600)
        url = f"smtp://ann@localhost:{r.port}?tls=none&proxy=socks5://127.0.0.1:{p.port}"
        done = lettershop("probe", url, "--login", "--password-file", tmp_path / "secret", check=1)
    assert "without TLS would show the password" in done.stderr

import signal
import subprocess

import pytest

import relay
import servers


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    """Folder with ca.pem and the good, expired, wrong ... certificates of the practice relay."""
    folder = tmp_path_factory.mktemp("certs")
    subprocess.run([relay.ROOT / "tests/fake/make-certs", folder], check=True, capture_output=True)
    return folder


@pytest.fixture
def shop(tmp_path):
    """A folder with a letter."""
    relay.write_letter(tmp_path / "letter.eml")
    return tmp_path


def pytest_configure(config):
    for number in (signal.SIGINT, signal.SIGHUP):  # one that is ignored here would be ignored by what is tested
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers end with the tests, however these end
    config.addinivalue_line("markers", "alone: measures time, so nothing else may run beside it")


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(items):
    """Tests of one real server run in one process, so that it is started once."""
    for item in items:
        if {"dovecot", "postfix", "exim", "opensmtpd", "aiosmtpd"} & set(item.fixturenames):
            item.add_marker(pytest.mark.xdist_group("servers"))


# Real servers: started when the first test asks for one, and once for all tests. See servers/server.py.

def running(server):
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def dovecot(certs):
    yield from running(servers.Dovecot(certs))


@pytest.fixture(scope="session")
def postfix(certs, dovecot):
    yield from running(servers.Postfix(certs, dovecot))


@pytest.fixture(scope="session")
def exim(certs):
    yield from running(servers.Exim(certs))


@pytest.fixture(scope="session")
def opensmtpd(certs):
    yield from running(servers.OpenSMTPD(certs))


@pytest.fixture(scope="session")
def aiosmtpd(certs):
    yield from running(servers.Aiosmtpd(certs))

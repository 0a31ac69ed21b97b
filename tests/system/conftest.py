import subprocess

import pytest

import relay


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

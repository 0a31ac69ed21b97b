"""A real aiosmtpd, as programs in Python have one within them. It offers neither PIPELINING nor CHUNKING."""
import os
import pathlib

from .server import REFUSED, Server, unpacked


class Aiosmtpd(Server):
    name = "aiosmtpd"

    def command(self):
        package = unpacked("aiosmtpd", "usr/lib/python3/dist-packages/aiosmtpd")
        for name in "new", "tmp":
            (self.mailbox / name).mkdir(parents=True)
        program = pathlib.Path(__file__).with_name("aiosmtpd_server.py")
        return ["/usr/bin/python3", "-P", program, self.port, self.mailbox, self.certs, REFUSED], {
            "env": dict(os.environ, PYTHONPATH=f"{package}/usr/lib/python3/dist-packages")}

"""The server of aiosmtpd.py, a program of its own: PORT MAILBOX CERTS REFUSED."""
import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP


class Handler:
    def __init__(self, mailbox, refused):
        self.mailbox = mailbox
        self.refused = refused
        self.count = 0

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if address.startswith(self.refused):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server, _session, envelope):
        for to in envelope.rcpt_tos:
            self.count += 1
            top = f"Return-Path: <{envelope.mail_from}>\nDelivered-To: {to}\n"
            file = self.mailbox / "tmp" / str(self.count)
            file.write_bytes(top.encode() + envelope.original_content)
            file.rename(self.mailbox / "new" / file.name)
        return f"250 2.0.0 OK queued as {self.count}"


def main(port, mailbox, certs, refused):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{certs}/good.pem", f"{certs}/good.key")
    handler = Handler(pathlib.Path(mailbox), refused)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(loop.create_server(
        lambda: SMTP(handler, hostname="localhost", tls_context=context, enable_SMTPUTF8=True, loop=loop),
        "127.0.0.1", int(port)))
    loop.run_forever()


main(*sys.argv[1:])

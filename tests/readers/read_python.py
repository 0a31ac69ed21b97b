"""read_python.py - messages as Python's `email` reads them. Paths on standard input; a JSON line each.

Everything is asked of policy.default. A display name is asked of the older interface too (name_older): that one joins
encoded words as RFC 2047 6.2 says, the newer one of Python before 3.13 leaves the blank between two (README.md)."""
import email
import email.policy
import hashlib
import json
import sys
from email.header import decode_header
from email.utils import getaddresses

ADDRESSES = ("From", "Sender", "To", "Cc", "Bcc", "Reply-To")
POLICY = email.policy.default


def leaf(part):
    out = {"type": part.get_content_type(), "disposition": part.get_content_disposition(), "name": part.get_filename(),
           "cid": str(part["content-id"]).strip("<>") if part["content-id"] else None, "method": part.get_param("method")}
    if part.get_content_maintype() == "text" and out["disposition"] is None:
        out["text"] = part.get_payload(decode=True).decode(part.get_content_charset() or "ascii")
        assert out["text"] == part.get_content()
    elif part.get_content_maintype() == "message":
        inner = part.get_payload(0)
        out["bytes"] = inner.as_bytes(policy=POLICY.clone(refold_source="none", linesep="\r\n")).hex()
    else:
        octets = part.get_payload(decode=True)
        out.update(sha256=hashlib.sha256(octets).hexdigest(), size=len(octets))
    return out


def leaves(message):
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        for part in message.get_payload():
            yield from leaves(part)
    else:
        yield leaf(message)


def shape(message):
    if message.get_content_maintype() != "multipart":
        return message.get_content_type()
    return [message.get_content_subtype(), *(shape(p) for p in message.get_payload())]


def defects(message):
    out = [repr(d) for d in message.defects]
    for name, value in message.items():
        out += [f"{name}: {d!r}" for d in value.defects]
    if message.is_multipart():
        for part in message.get_payload():
            out += defects(part)
    return out


def addresses(message, name):
    return [[a.display_name, f"{a.username}@{a.domain}"] for value in message.get_all(name, []) for a in value.addresses]


def older(text):
    return "".join(part if isinstance(part, str) else part.decode(charset or "ascii") for part, charset in decode_header(text))


def read(path):
    with open(path, "rb") as f:
        raw = f.read()
    message = email.message_from_bytes(raw, policy=POLICY)
    old = email.message_from_bytes(raw)
    out = {"defects": defects(message), "shape": shape(message), "parts": list(leaves(message)),
           "subject": str(message["subject"] or ""), "note": str(message["x-note"] or ""), "date": bool(message["date"].datetime),
           "addresses": {n: addresses(message, n) for n in ADDRESSES},
           "name_older": {n: [older(name) for name, _ in getaddresses([str(v) for v in old.get_all(n, [])])] for n in ADDRESSES},
           "groups": [g.display_name for v in message.get_all("To", []) for g in v.groups if g.display_name and len(v.groups) == 1
                      and not g.addresses]}
    return out


for line in sys.stdin:
    print(json.dumps(read(line.rstrip("\n"))), flush=True)

"""Runs lettershop with the library of tests/fault/preload before libc."""
import collections
import os
import pathlib

import relay

LIBRARY = pathlib.Path(os.environ.get("FAULT_LIBRARY", relay.ROOT / "build/release/fault.so"))


def environment(order="", **more):
    """order: what FAULT is to say; more: count=FILE and so on, as FAULT_COUNT=FILE."""
    env = dict(os.environ, LD_PRELOAD=str(LIBRARY))
    if order:
        env["FAULT"] = order
    env.update({"FAULT_" + key.upper(): str(value) for key, value in more.items()})
    return env


def counted(path):
    """How often each (call, path) was made."""
    text = pathlib.Path(path).read_text(errors="replace")
    return collections.Counter(tuple(line.split(" ", 1)) for line in text.splitlines())

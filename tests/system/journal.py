"""Reads a journal without any of lettershop's code: the second opinion of tests.

The form is in engine/results/journal_record.h. Only what a kill can leave is understood: a file ends
anywhere, all before that is whole."""
import pathlib
import struct

BEGIN, INTENT, RESULT, GROUP = 17, 18, 19, 21
EPOCH_MS = 1704067200000
SENT, DEFERRED, REFUSED, IN_DOUBT, SKIPPED = range(5)

_TABLE = []
for _n in range(256):
    for _ in range(8):
        _n = _n >> 1 ^ (0x82F63B78 if _n & 1 else 0)
    _TABLE.append(_n)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


class Body:
    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value


def opened(kind, body):
    """A group's record is that of its first row, behind the numbers and lines of the others."""
    if kind == GROUP:
        for _ in range(2 * body.number()):
            body.number()
        kind = body.byte()
    return kind, body


def records(path, check=True):
    """(type, body) of each whole record."""
    data = pathlib.Path(path).read_bytes()
    at, sequence = 8, 0
    assert data[:8] == b"lshop-1\n"[:len(data)], path
    while at + 12 <= len(data):
        crc, number, length = struct.unpack_from("<IIH", data, at)
        if at + 12 + length > len(data):
            break
        assert number == sequence, (path, at)
        assert not check or crc == crc32c(data[at + 4:at + 12 + length]), (path, at)
        yield opened(data[at + 12], Body(data[at + 13:at + 12 + length]))
        at += 12 + length
        sequence += 1


def in_doubt(results):
    """Rows whose newest attempt was begun and has no answer, or is in doubt by its answer, each with the
    run of that attempt (rows of one recipient; after a killed process)."""
    begun, ended = {}, {}
    for path in sorted(pathlib.Path(f"{results}.journal").glob("run-*")):
        run = int(path.name[4:8])
        for kind, body in records(path):
            if kind == INTENT:
                row, attempt = body.number(), body.number()
                begun[row] = max(begun.get(row, (0, 0)), (run, attempt))
            elif kind == RESULT:
                row, attempt = body.number(), body.number()
                body.number()  # recipients in all
                body.byte()    # which of them
                verdict = body.byte() & 15
                ended[row] = max(ended.get(row, (0, 0, 0)), (run, attempt, verdict))
    return {row: max(begun.get(row, (0, 0))[0], ended.get(row, (0, 0, 0))[0]) for row in begun.keys() | ended.keys()
            if begun.get(row, (0, 0)) > ended.get(row, (0, 0, 0))[:2] or ended.get(row, (0, 0, 0))[2] == IN_DOUBT}


def begins(results):
    """When places in a rate limit were taken, in milliseconds of the wall clock."""
    out = []
    for path in sorted(pathlib.Path(f"{results}.journal").glob("run-*")):
        for kind, body in records(path):
            if kind == BEGIN:
                twice = body.number()
                out.append((~(twice >> 1) if twice & 1 else twice >> 1) + EPOCH_MS)
    return out

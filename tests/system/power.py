"""What a disk may hold after a power cut: from the record of tests/fault/preload, for any moment.

Of a file there is, for certain, what was there at its last fsync or fdatasync. Of each write and cut since
then any 512-byte piece may be on the disk or not, in any order; pieces that were never written read as
zeros. A name that was made or changed since its folder was synced may be there or not."""
import collections
import posixpath

PIECE = 512

Event = collections.namedtuple("Event", "kind ns at path data")


def read_record(path):
    """Events in the order in which they took effect."""
    out = []
    with open(path, "rb") as f:
        for line in f:
            kind, ns, at, n, name = line.rstrip(b"\n").decode().split(" ", 4)
            out.append(Event(kind, int(ns), int(at), posixpath.normpath(name), f.read(int(n))))
    return out


class File:
    def __init__(self):
        self.durable = b""
        self.pending = []  # (kind, at, data) since the last sync

    def apply(self, changes):
        data = bytearray(self.durable)
        for kind, at, bytes_ in changes:
            if kind == "T":
                del data[at:]
                data += bytes(at - len(data))
            else:
                data += bytes(max(0, at + len(bytes_) - len(data)))
                data[at:at + len(bytes_)] = bytes_
        return bytes(data)

    def pieces(self):
        """Pending changes, writes cut where the disk's pieces end."""
        for kind, at, data in self.pending:
            if kind == "T":
                yield kind, at, data
                continue
            while data:
                n = PIECE - at % PIECE
                yield kind, at, data[:n]
                at, data = at + n, data[n:]


class Disk:
    """The state after some events; `names` as the program sees them, `known` as the disk does."""

    def __init__(self):
        self.names, self.known = {}, {}
        self.folders = {"."}

    def take(self, e):
        if e.kind == "M":
            self.folders.add(e.path)
        elif e.kind == "C":
            self.names[e.path] = File()
        elif e.kind in "WT" and e.path in self.names:
            self.names[e.path].pending.append((e.kind, e.at, e.data))
        elif e.kind == "R":
            self.names[posixpath.normpath(e.data.decode())] = self.names.pop(e.path)
        elif e.kind == "U":
            self.names.pop(e.path, None)
        elif e.kind == "S":
            self.sync(e.path)

    def sync(self, path):
        file = self.names.get(path)
        if file:
            file.durable, file.pending = file.apply(file.pending), []
            return
        for table in (self.names, self.known):
            for name in [n for n in table if posixpath.dirname(n) in (path, "" if path == "." else path)]:
                if table is self.names:
                    self.known[name] = self.names[name]
                elif name not in self.names:
                    del self.known[name]

    def image(self, keep, names_kept, rng):
        """Name -> bytes. keep: how likely a piece is there, 0 to 1; names_kept: how likely a change of a name."""
        table = dict(self.known)
        for name in self.names.keys() | self.known.keys():
            if self.names.get(name) is not self.known.get(name) and rng.random() < names_kept:
                table.pop(name, None)
                if name in self.names:
                    table[name] = self.names[name]
        return {name: file.apply([p for p in file.pieces() if rng.random() < keep]) for name, file in table.items()}


def moments(events, only):
    """(number, disk) before each event that `only` names, and at the end. The disk changes while you go on."""
    disk = Disk()
    for i, e in enumerate(events):
        if e.kind in only:
            yield i, disk
        disk.take(e)
    yield len(events), disk

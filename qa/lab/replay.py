"""What a disk holds after a power cut: QEMU's blklogwrites notes every write and flush of a guest (the format of the kernel's
dm-log-writes), and here they are done again up to any point. What was not flushed by then may be there or not, and a write may
be there in part."""

import struct
from dataclasses import dataclass
from functools import partial
from pathlib import Path

MAGIC, VERSION = 0x6A736677736872, 1
FLUSH, FUA, DISCARD = 1, 2, 4
SECTOR = 512


@dataclass
class Write:
    offset: int  # on the disk, in bytes
    length: int
    read: object  # gives the bytes: a log is larger than memory
    fua: bool = False

    def first(self, length):
        return Write(self.offset, length, lambda: self.read()[:length])


def layer(log):
    """For Drive.layer."""
    log.write_bytes(b"")
    return {"driver": "blklogwrites", "log": {"driver": "file", "filename": str(log)}, "log-sector-size": SECTOR}


def entries(log):
    """Writes and flushes (None) in the order in which the disk got them."""
    with Path(log).open("rb") as file:
        magic, version, count, sector = struct.unpack("<QQQI", file.read(28))
        assert (magic, version) == (MAGIC, VERSION), "no log of writes"
        file.seek(sector)
        for _ in range(count):
            start, sectors, flags, _ = struct.unpack("<QQQQ", file.read(32))
            file.seek(sector - 32, 1)
            if flags & DISCARD:
                continue  # what is there then is not said; nothing of ours relies on it
            at, length = file.tell(), sectors * sector
            file.seek(length, 1)
            if flags & FLUSH:
                yield None
            if length:
                yield Write(start * sector, length, partial(part_of, log, at, length), bool(flags & FUA))


def part_of(path, at, length):
    with Path(path).open("rb") as file:
        file.seek(at)
        return file.read(length)


class Replay:
    """An image to which the writes are done again. regions: names of parts of the disk, (offset, bytes), for who wants to know
    which of them changed: changed since that was last cleared, torn by what a cut left of writes that were not flushed."""

    def __init__(self, image, log, regions):
        self.file = Path(image).open("r+b")
        self.todo = list(entries(log))
        self.regions = regions
        self.unsafe = []
        self.changed, self.torn = set(), set()

    def _touched(self, writes):
        return {name for name, (start, size) in self.regions.items()
                if any(write.offset < start + size and write.offset + write.length > start for write in writes)}

    def step(self, entry):
        if entry is None:
            self._write(self.unsafe)
            self.changed |= self._touched(self.unsafe)
            self.unsafe = []
            return
        if entry.fua:
            self._write([entry])
            self.changed |= self._touched([entry])
        self.unsafe.append(entry)  # also then: what is older must not be written over it

    def _write(self, writes):
        for write in writes:
            self.file.seek(write.offset)
            self.file.write(write.read())
        self.file.flush()

    def _left(self, chance):
        """Of what was not flushed some, and of one write the first sectors."""
        left = [write for write in self.unsafe if write.fua or chance.random() < 0.6]
        at = chance.randrange(len(left)) if left else 0
        if left and not left[at].fua and chance.random() < 0.5:
            torn = left[at]
            left[at] = torn.first(chance.randrange(torn.length // SECTOR + 1) * SECTOR)
        return left

    def cut(self, chance, judge):
        """judge() on the image as a power cut now would leave it; then it is again as it was."""
        left = self._left(chance)
        before = []
        for write in left:
            self.file.seek(write.offset)
            old = self.file.read(write.length)
            before.append(Write(write.offset, len(old), lambda old=old: old))
            self._write([write])
        self.torn = self._touched(left)
        try:
            return judge()
        finally:
            self._write(reversed(before))
            self.torn = set()

    def cut_at(self, count, chance, judge):
        """So many cuts, half of them right before flushes: judge(number) of each."""
        flushes = [index for index, entry in enumerate(self.todo) if entry is None]
        others = [index for index, entry in enumerate(self.todo) if entry is not None]
        chosen = set(chance.sample(flushes, min(count // 2, len(flushes))))
        chosen |= set(chance.sample(others, min(count - len(chosen), len(others))))
        for index, entry in enumerate(self.todo):
            if index in chosen:
                self.cut(chance, judge)
            self.step(entry)
        self.step(None)
        self.file.close()
        return {"writes": len(others), "flushes": len(flushes), "points": len(chosen)}

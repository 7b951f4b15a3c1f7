"""What a disk holds after a power cut: QEMU's blklogwrites notes every write and flush of a guest (the format of the kernel's
dm-log-writes), and here they are done again up to any point. What was not flushed by then may be there or not, and a write may
be there in part."""

import struct
from dataclasses import dataclass
from pathlib import Path

MAGIC, VERSION = 0x6A736677736872, 1
FLUSH, FUA, DISCARD = 1, 2, 4
SECTOR = 512


@dataclass
class Write:
    offset: int  # bytes on the disk
    data: bytes
    fua: bool


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
            data = file.read(sectors * sector)
            if flags & FLUSH:
                yield None
            if data:
                yield Write(start * sector, data, bool(flags & FUA))


class Replay:
    """An image to which the writes are done again. At a cut, pending() are those that no flush has made safe yet."""

    def __init__(self, image, log):
        self.file = Path(image).open("r+b")
        self.todo = entries(log)
        self.unsafe = []
        self.flushes = 0

    def step(self):
        """One entry on; false at the end."""
        entry = next(self.todo, 0)
        if entry == 0:
            return False
        if entry is None:
            self.flushes += 1
            self._make_safe(self.unsafe)
            self.unsafe = []
        elif entry.fua:
            self._make_safe([entry])
        else:
            self.unsafe.append(entry)
        return True

    def _make_safe(self, writes):
        for write in writes:
            self.file.seek(write.offset)
            self.file.write(write.data)
        self.file.flush()

    def cut(self, chance, judge):
        """judge() on the image as a power cut now would leave it: some of what was not flushed is there, one write in part."""
        kept = [write for write in self.unsafe if chance.random() < 0.6]
        if kept and chance.random() < 0.5:
            torn = kept.pop(chance.randrange(len(kept)))
            sectors = chance.randrange(len(torn.data) // SECTOR + 1)
            kept.append(Write(torn.offset, torn.data[:sectors * SECTOR], False))
        before = []
        for write in kept:
            self.file.seek(write.offset)
            before.append(Write(write.offset, self.file.read(len(write.data)), False))
            self.file.seek(write.offset)
            self.file.write(write.data)
        self.file.flush()
        try:
            return judge([(write.offset, len(write.data)) for write in kept])
        finally:
            self._make_safe(reversed(before))

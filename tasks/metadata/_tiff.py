"""
The skeleton of a TIFF structure, walked with hard limits: how many pages, how large, and is it safe to read at length.

exifread follows whatever an IFD says, in Python, byte by byte: a crafted block of 64 KB keeps it busy for minutes. So
nothing reaches it whose IFDs loop or hold more entries than any camera writes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import BinaryIO

_ENTRY_LIMIT = 4_000  # over all IFDs; the fullest honest file in our corpus has 240
_IFD_LIMIT = 200  # a fax of 150 pages is a TIFF too
_DEPTH_LIMIT = 4
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_SUB_IFDS = {0x014A, 0x8769, 0x8825, 0xA005}
_TEXT_LIMIT_BYTES = 8 << 20  # exifread copies every text, whatever its size
_VALUE_LIMIT = 50_000  # numbers that exifread would read one by one
_VALUE_LIMIT_BYTES = 4 << 20


class HostileTiff(ValueError):
    """Loops, or more entries than anything honest: not to be handed on."""


@dataclass(slots=True)
class Entry:
    kind: int
    count: int
    at: int  # absolute position of the value


@dataclass(slots=True)
class Ifd:
    entries: dict[int, Entry] = field(default_factory=dict)
    chain: int = 0  # IFD0, IFD1, …; -1 for one inside another
    parent_tag: int = 0


class Tiff:
    """
    Reads the IFDs of a TIFF structure.

    Args:
        file: Positioned anywhere; *start* is where the byte order mark is.
        end: Where the structure ends at the latest.
    Raises:
        HostileTiff: See there. A structure that merely ends early is read as far as it goes.
    """

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file, self._start, self._end = file, start, end
        head = self._bytes(0, 16)
        self.order = "<" if head[:2] == b"II" else ">"
        self.big = head[2:4] in {b"\x2b\0", b"\0\x2b"}
        self.ifds: list[Ifd] = []
        self._left = _ENTRY_LIMIT
        self._text_left = _TEXT_LIMIT_BYTES
        self._values_left = _VALUE_LIMIT
        self._seen: dict[int, int] = {}
        first = self._number(head[8:16] if self.big else head[4:8])
        self._walk_chain(first, 0, 0)

    def values(self, entry: Entry | None, limit: int = 64) -> list[int]:
        """The unsigned whole numbers of an entry, at most *limit*; empty for other kinds."""
        if entry is None or entry.kind not in {1, 3, 4, 7, 13, 16}:
            return []
        size = _SIZES[entry.kind]
        raw = self._bytes(entry.at, min(entry.count, limit) * size)
        return [self._number(raw[at : at + size]) for at in range(0, len(raw) - size + 1, size)]

    def raw(self, entry: Entry | None) -> bytes:
        """The bytes of an entry, at most 4 MiB."""
        if entry is None:
            return b""
        return self._bytes(entry.at, min(entry.count * _SIZES.get(entry.kind, 1), _VALUE_LIMIT_BYTES))

    def pages(self) -> list[Ifd]:
        """The IFDs of the main chain that hold a picture of their own: not thumbnails, not masks."""
        chain = [ifd for ifd in self.ifds if ifd.chain >= 0 and 0x0100 in ifd.entries]
        return [ifd for ifd in chain if ifd.chain == 0 or not self._first(ifd, 0x00FE) & 5]

    def size(self, ifd: Ifd) -> tuple[int | None, int | None]:
        width, height = self._first(ifd, 0x0100), self._first(ifd, 0x0101)
        return (width, height) if width and height else (None, None)

    def main_picture(self) -> Ifd | None:
        """The IFD of the full picture: IFD0, unless that one is a reduced copy and a SubIFD holds the original."""
        if not self.ifds:
            return None
        full = [ifd for ifd in self.ifds if ifd.parent_tag == 0x014A and 0x00FE in ifd.entries]
        full = [ifd for ifd in full if self._first(ifd, 0x00FE) == 0 and None not in self.size(ifd)]
        if self._first(self.ifds[0], 0x00FE) & 1 and full:
            return max(full, key=lambda ifd: self._first(ifd, 0x0100))
        return self.ifds[0]

    def find(self, tag: int, parent_tag: int = 0) -> Entry | None:
        """The first such entry among the IFDs that hang on *parent_tag* (0: the main chain)."""
        ifds = (ifd for ifd in self.ifds if ifd.parent_tag == parent_tag)
        return next((ifd.entries[tag] for ifd in ifds if tag in ifd.entries), None)

    def _first(self, ifd: Ifd, tag: int) -> int:
        return next(iter(self.values(ifd.entries.get(tag), 1)), 0)

    def _walk_chain(self, at: int, depth: int, parent_tag: int) -> None:
        place = 0
        while at:
            if at in self._seen:
                if parent_tag == 0:
                    raise HostileTiff("its directories form a loop")
                self._charge(self._seen[at])  # exifread would walk it again
                return
            if len(self._seen) >= _IFD_LIMIT:
                raise HostileTiff(f"more than {_IFD_LIMIT} directories")
            at = self._read_ifd(at, place if parent_tag == 0 else -1, depth, parent_tag)
            place += 1

    def _read_ifd(self, at: int, chain: int, depth: int, parent_tag: int) -> int:
        """One directory and those inside it; returns where the next of its chain is, 0 for none."""
        wide, entry_size, pointer = (8, 20, 8) if self.big else (2, 12, 4)
        count = self._number(self._bytes(at, wide))
        self._seen[at] = count
        self._charge(count)
        ifd = Ifd(chain=chain, parent_tag=parent_tag)
        table = self._bytes(at + wide, count * entry_size)
        for place in range(0, len(table) - entry_size + 1, entry_size):
            tag, kind = struct.unpack_from(self.order + "HH", table, place)
            length = self._number(table[place + 4 : place + 4 + pointer])
            if tag in _SUB_IFDS and tag in ifd.entries:
                raise HostileTiff("two pointers of one kind in a directory")
            here = at + wide + place + 4 + pointer
            if length * _SIZES.get(kind, 1) > pointer:
                here = self._number(table[place + 4 + pointer : place + 4 + 2 * pointer])
            if kind == 2:
                self._charge(text_bytes=max(0, min(length, self._end - self._start - here)))
            elif length < 1_000:  # longer lists exifread skips
                self._charge(values=length)
            ifd.entries.setdefault(tag, Entry(kind, length, here))
        self.ifds.append(ifd)
        if depth < _DEPTH_LIMIT:
            for tag in sorted(_SUB_IFDS & ifd.entries.keys()):
                for below in self.values(ifd.entries[tag], 16):
                    self._walk_chain(below, depth + 1, tag)
        return self._number(self._bytes(at + wide + count * entry_size, pointer)) if parent_tag == 0 else 0

    def _charge(self, entries: int = 0, text_bytes: int = 0, values: int = 0) -> None:
        """Take from what an honest structure may hold. HostileTiff when nothing is left."""
        self._left -= entries
        self._text_left -= text_bytes
        self._values_left -= values
        if self._left < 0:
            raise HostileTiff(f"more than {_ENTRY_LIMIT} entries")
        if self._text_left < 0:
            raise HostileTiff(f"more than {_TEXT_LIMIT_BYTES >> 20} MiB of text")
        if self._values_left < 0:
            raise HostileTiff(f"more than {_VALUE_LIMIT} numbers")

    def _bytes(self, at: int, count: int) -> bytes:
        if at < 0 or count <= 0 or self._start + at >= self._end:
            return b""
        self._file.seek(self._start + at)
        return self._file.read(min(count, self._end - self._start - at))

    def _number(self, raw: bytes) -> int:
        return int.from_bytes(raw, "little" if self.order == "<" else "big")

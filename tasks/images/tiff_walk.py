"""Reading the directories (IFDs) of a TIFF structure: the bones of EXIF, of most RAW formats and of MPF."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

ORIENTATION = 0x0112
_MAGICS = {42, 43, 0x4F52, 0x5352, 0x55}  # TIFF, BigTIFF, Olympus IIRO and IIRS, Panasonic IIU
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_MAX_ENTRIES = 1024
_MAX_VALUES = 512  # nobody has more sub-directories or strips of a preview than this

Reader = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """One field: where its values lie (relative to the TIFF header) and how they are coded."""

    type_code: int
    count: int
    value_at: int

    @property
    def size_bytes(self) -> int:
        return _SIZES.get(self.type_code, 1) * self.count


@dataclass(frozen=True, slots=True)
class Directory:
    entries: dict[int, Entry]
    next_at: int


class Tiff:
    """
    Args:
        read: `read(offset, length)`, offsets counted from the TIFF header.
        order: "<" or ">".
    """

    def __init__(self, read: Reader, order: str, first_at: int, big: bool = False) -> None:
        self.read = read
        self.order = order
        self.first_at = first_at
        self._entry = struct.Struct(order + ("HHQQ" if big else "HHII"))
        self._count_bytes, self._link_bytes = (8, 8) if big else (2, 4)

    def directory(self, offset: int) -> Directory | None:
        """The directory at *offset*; None where there is none to be read."""
        count = self._integer(offset, self._count_bytes)
        if not count or count > _MAX_ENTRIES or offset <= 0:
            return None
        size = self._entry.size
        start = offset + self._count_bytes
        table = self.read(start, count * size + self._link_bytes)
        entries: dict[int, Entry] = {}
        for index in range(min(count, len(table) // size)):
            tag, type_code, values, value = self._entry.unpack_from(table, index * size)
            fits = _SIZES.get(type_code, 1) * values <= self._link_bytes
            inline_at = start + index * size + size - self._link_bytes
            entries.setdefault(tag, Entry(type_code, values, inline_at if fits else value))
        link = table[count * size :]
        return Directory(entries, int.from_bytes(link, "little" if self.order == "<" else "big"))

    def integers(self, entry: Entry | None) -> list[int]:
        """The values of *entry*; empty for a missing, textual or absurdly long one."""
        if entry is None or entry.type_code not in _INTEGERS or not 0 < entry.count <= _MAX_VALUES:
            return []
        raw = self.read(entry.value_at, entry.size_bytes)
        count = len(raw) // _SIZES[entry.type_code]
        code = _INTEGERS[entry.type_code]
        return list(struct.unpack_from(f"{self.order}{count}{code}", raw)) if count else []

    def integer(self, entry: Entry | None) -> int | None:
        """The first of `integers`."""
        values = self.integers(entry)
        return values[0] if values else None

    def chain(self, offset: int, limit: int = 16) -> Iterator[Directory]:
        """The directory at *offset* and those it links to; a loop ends where it closes."""
        seen: set[int] = set()
        while offset and offset not in seen and len(seen) < limit:
            seen.add(offset)
            found = self.directory(offset)
            if found is None:
                return
            yield found
            offset = found.next_at

    def _integer(self, offset: int, size: int) -> int:
        return int.from_bytes(self.read(offset, size), "little" if self.order == "<" else "big")


def open_tiff(read: Reader) -> Tiff | None:
    """None when there is no TIFF header at offset 0 of *read*."""
    head = read(0, 16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return None
    (magic,) = struct.unpack_from(order + "H", head, 2)
    if magic not in _MAGICS:
        return None
    if magic == 43 and len(head) == 16:
        return Tiff(read, order, struct.unpack_from(order + "Q", head, 8)[0], big=True)
    return Tiff(read, order, struct.unpack_from(order + "I", head, 4)[0])


def reader_of(data: bytes) -> Reader:
    """A reader over bytes in memory."""
    return lambda offset, length: data[offset : offset + length] if offset >= 0 else b""


def exif_orientation(exif: bytes) -> int | None:
    """The orientation (1 to 8) an EXIF block asks for; None where it says nothing usable. Never raises."""
    block = exif[6:] if exif.startswith(b"Exif\0\0") else exif
    tiff = open_tiff(reader_of(block))
    directory = tiff.directory(tiff.first_at) if tiff else None
    value = tiff.integer(directory.entries.get(ORIENTATION)) if tiff and directory else None
    return value if value is not None and 1 <= value <= 8 else None

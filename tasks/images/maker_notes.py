"""
Previews that cameras hide in their maker notes: Nikon, Olympus, Pentax, Minolta, Samsung, Sony.

A maker note is a TIFF directory with its own idea of where offsets count from. Source: the tables of exiftool's
documentation (Nikon PreviewIFD 0x0011, Olympus CameraSettings 0x2020, Pentax and Minolta PreviewImageStart …).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tasks.images.tiff_walk import Directory, Entry, Reader, Tiff, open_tiff

_PAIRS = {  # name: ((tag of the start, tag of the length), …), in the note's own directory
    "Pentax": ((0x0004, 0x0003),),
    "Minolta": ((0x0088, 0x0089),),
    "Olympus": ((0x0088, 0x0089),),
}
_SUB_DIRECTORIES = {  # name: ((tag of the directory, tag of the start, tag of the length), …)
    "Nikon": ((0x0011, 0x0201, 0x0202),),
    "Samsung": ((0x0035, 0x0201, 0x0202),),
    "Olympus": ((0x2020, 0x0101, 0x0102),),
}
_INLINE = {"Minolta": (0x0081,), "Sony": (0x2001,), "Olympus": (0x0100, 0x1003)}  # fields that hold the JPEG itself


class _Note(NamedTuple):
    name: str
    tiff: Tiff
    first_at: int
    base: int  # added to this note's offsets to count from the file's TIFF header


def maker_note_previews(tiff: Tiff, field: Entry) -> Iterator[tuple[int, int, str]]:
    """(offset counted from the TIFF header, length, layer) of every JPEG the maker note *field* points to."""
    for note in _readings(tiff, field):
        directory = note.tiff.directory(note.first_at)
        if directory is not None:
            yield from _pairs(note, directory)
            yield from _sub_directories(note, directory)
            yield from _inline(note, directory)


def _readings(tiff: Tiff, field: Entry) -> Iterator[_Note]:
    """The ways this note can be read, by how it begins."""
    at = field.value_at
    head = tiff.read(at, 16)
    if head.startswith(b"Nikon\0\x02"):
        inner = open_tiff(_shifted(tiff.read, at + 10))
        if inner is not None:
            yield _Note("Nikon", inner, inner.first_at, at + 10)
    elif head.startswith(b"OLYMP\0"):
        yield _Note("Olympus", tiff, at + 8, 0)
    elif head.startswith((b"OLYMPUS\0", b"OM SYSTEM\0")):
        start = 12 if head.startswith(b"OLYMPUS\0") else 16
        yield _Note("Olympus", _inner(tiff, at, head[start - 4 : start - 2]), start, at)
    elif head.startswith(b"AOC\0"):
        yield _Note("Pentax", tiff, at + 6, 0)
    elif head.startswith(b"PENTAX \0"):
        yield _Note("Pentax", _inner(tiff, at, head[8:10]), 10, at)
    elif head.startswith(b"SONY DSC \0"):
        yield _Note("Sony", tiff, at + 12, 0)
    else:  # a bare directory: Minolta, Samsung
        yield _Note("Minolta", tiff, at, 0)
        yield _Note("Samsung", tiff, at, 0)


def _pairs(note: _Note, directory: Directory) -> Iterator[tuple[int, int, str]]:
    for start_tag, length_tag in _PAIRS.get(note.name, ()):
        start, length = _both(note.tiff, directory, start_tag, length_tag)
        if start and length:
            yield note.base + start, length, f"{note.name}:PreviewImage"


def _sub_directories(note: _Note, directory: Directory) -> Iterator[tuple[int, int, str]]:
    for tag, start_tag, length_tag in _SUB_DIRECTORIES.get(note.name, ()):
        entry = directory.entries.get(tag)
        if entry is None:
            continue
        offset = entry.value_at if entry.type_code == 7 else note.tiff.integer(entry)  # old Olympus: inline
        inner = note.tiff.directory(offset or 0)
        if inner is not None:
            start, length = _both(note.tiff, inner, start_tag, length_tag)
            if start and length:
                yield note.base + start, length, f"{note.name}:PreviewImage"


def _inline(note: _Note, directory: Directory) -> Iterator[tuple[int, int, str]]:
    for tag in _INLINE.get(note.name, ()):
        entry = directory.entries.get(tag)
        if entry is not None and entry.size_bytes > 1000:
            yield note.base + entry.value_at, entry.size_bytes, f"{note.name}:PreviewImage"


def _both(tiff: Tiff, directory: Directory, start_tag: int, length_tag: int) -> tuple[int | None, int | None]:
    return tiff.integer(directory.entries.get(start_tag)), tiff.integer(directory.entries.get(length_tag))


def _inner(tiff: Tiff, at: int, order: bytes) -> Tiff:
    return Tiff(_shifted(tiff.read, at), "<" if order == b"II" else ">", 0)


def _shifted(read: Reader, base: int) -> Reader:
    return lambda offset, length: read(base + offset, length) if offset >= 0 else b""

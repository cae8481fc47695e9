"""
Faces in `.picasa.ini`, the file in which Picasa keeps what it knows of the pictures beside it.

    [Contacts2]
    d10a8325c557b085=Marie Curie;;
    [portrait.jpg]
    faces=rect64(3f845bcb59418507),d10a8325c557b085;rect64(9eb15e89b6b584c1),ffffffffffffffff

A rectangle is left, top, right, bottom, 16 bits each, as one hexadecimal number without its leading zeros. The contact
of all f's is a face without a name.

Source: ExifTool's picasa_faces.config, whose author compared with what Picasa itself writes as MWG regions: rectangles
lie on the stored pixels, but those of RAW files on the upright picture.
"""

from __future__ import annotations

import re
import stat
import unicodedata
from functools import lru_cache
from itertools import islice
from pathlib import Path

from tasks.faces.protocol import Box

FILE_NAMES = (".picasa.ini", "Picasa.ini")  # the second up to Picasa 2
SIZE_LIMIT_BYTES = 16 << 20
MOST_FACES = 500  # of one picture
_FACE = re.compile(r"rect64\(([0-9a-f]{1,16})\),([0-9a-f]{1,16})(?![0-9a-f])", re.IGNORECASE)
_SECTION = re.compile(r"\[(.+)\]")
_FULL = 0xFFFF
Faces = dict[str, tuple[tuple[str, Box], ...]]


def picasa_faces(picture: Path) -> tuple[tuple[str, Box], ...]:
    """Names and boxes (0 to 1) that the file beside *picture* gives it; none where there is no such file."""
    for name in FILE_NAMES:
        beside = picture.parent / name
        try:
            status = beside.stat()
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and status.st_size <= SIZE_LIMIT_BYTES:
            return _faces_in(beside, status.st_size, status.st_mtime_ns).get(_key(picture.name), ())
    return ()


@lru_cache(maxsize=16)
def _faces_in(path: Path, size_bytes: int, mtime_ns: int) -> Faces:  # noqa: ARG001  (the version it is kept for)
    """One file speaks for a folder of thousands of pictures: it is read once."""
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT_BYTES + 1)
    except OSError:  # gone meanwhile, or not ours to read: like a sidecar that cannot be read, it names nobody
        return {}
    return parse_picasa(content)


def parse_picasa(content: bytes) -> Faces:
    """By `_key` of the file name. Whatever is no face of a known contact is left out."""
    contacts: dict[str, str] = {}
    found: dict[str, list[tuple[str, Box]]] = {}
    section = ""
    for line in _text(content).splitlines():
        opened = _SECTION.fullmatch(line.strip())
        if opened:
            section = opened[1]
            continue
        key, _, value = line.partition("=")
        if section.casefold() == "contacts2":
            contacts[_contact(key)] = value.partition(";")[0].strip()
        elif key.strip().lower() == "faces":
            faces = [(_contact(match[2]), _box(match[1])) for match in islice(_FACE.finditer(value), MOST_FACES)]
            found[_key(section)] = [(contact, box) for contact, box in faces if box is not None]
    return {
        name: tuple((contacts[contact], box) for contact, box in faces if contacts.get(contact))
        for name, faces in found.items()
    }


def _text(content: bytes) -> str:
    """Late versions write UTF-8, early ones what Windows spoke."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _contact(text: str) -> str:
    """Contact numbers lose their leading zeros now and then."""
    return text.strip().lower().lstrip("0")


def _key(name: str) -> str:
    """Windows wrote it: in any case, composed."""
    return unicodedata.normalize("NFC", name).casefold()


def _box(digits: str) -> Box | None:
    number = int(digits, 16)
    left, top, right, bottom = ((number >> shift & _FULL) / _FULL for shift in (48, 32, 16, 0))
    return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None

"""Originals as the scan hands them over, and small crafted ones."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.files.media_file import MediaFile
from tasks.files.media_types import HEAD_BYTES, MediaKind, identify
from tasks.metadata import ExifTool
from tasks.metadata.xmp import find_sidecar


def media_file(path: Path, sidecar: Path | None = None) -> MediaFile:
    """*path* as the scan would describe it, its sidecar found the way the scan finds it."""
    with path.open("rb") as file:
        kind = identify(file.read(HEAD_BYTES), path.name) or MediaKind("photo", "application/octet-stream")
    if sidecar is None and (name := find_sidecar(path, [entry.name for entry in path.parent.iterdir()])):
        sidecar = path.parent / name
    stat = path.stat()
    return MediaFile(path, kind, stat.st_size, stat.st_mtime_ns, sidecar)


@pytest.fixture(scope="session")
def exiftool() -> Iterator[ExifTool]:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    with ExifTool() as running:
        yield running


@pytest.fixture(scope="session")
def ffprobe() -> str:
    found = shutil.which("ffprobe")
    if found is None:
        pytest.skip("ffprobe is not installed")
    return found


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """An executable shell script with the given body; its path."""

    def make(body: str) -> str:
        path = tmp_path / f"tool-{len(list(tmp_path.iterdir()))}.sh"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return str(path)

    return make


def jpeg(exif: bytes = b"", xmp: bytes = b"", width: int = 20, height: int = 10) -> bytes:
    """The smallest JPEG that has a size and carries these blocks."""
    segments = b""
    if exif:
        segments += _segment(0xE1, b"Exif\0\0" + exif)
    if xmp:
        segments += _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp)
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"\1\x11\0" * 3
    return b"\xff\xd8" + segments + _segment(0xC0, frame) + b"\xff\xda\0\2\xff\xd9"


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def tiff(*entries: tuple[int, int, int, bytes]) -> bytes:
    """A little-endian TIFF structure of one directory: (tag, kind, count, value bytes), longer values behind it."""
    table, values = b"", b""
    values_at = 8 + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        if len(value) <= 4:
            table += struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
        else:
            table += struct.pack("<HHII", tag, kind, count, values_at + len(values))
            values += value
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + table + b"\0\0\0\0" + values


def box(kind: bytes, body: bytes) -> bytes:
    """An ISO media box."""
    return struct.pack(">I4s", 8 + len(body), kind) + body


def xmp_packet(attributes: str = "", body: str = "") -> bytes:
    """An XMP packet with one description, all usual prefixes declared."""
    spaces = {
        "dc": "http://purl.org/dc/elements/1.1/",
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "exif": "http://ns.adobe.com/exif/1.0/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "GCamera": "http://ns.google.com/photos/1.0/camera/",
        "Container": "http://ns.google.com/photos/1.0/container/",
        "Item": "http://ns.google.com/photos/1.0/container/item/",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    }
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in spaces.items())
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {declared}>'
        f'<rdf:Description rdf:about="" {attributes}>{body}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()

"""Files that the picture tests draw for themselves."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.files.media_file import MediaFile
from tasks.files.media_types import HEAD_BYTES, identify


def media_file(path: Path) -> MediaFile:
    """What the scan would hand to a task."""
    with path.open("rb") as file:
        kind = identify(file.read(HEAD_BYTES), path.name)
    assert kind is not None, path
    stat = path.stat()
    return MediaFile(path, kind, stat.st_size, stat.st_mtime_ns)


def scene(width: int, height: int, seed: int = 1) -> Image.Image:
    """Soft coloured clouds: compresses like a photo, and no two seeds look alike."""
    rng = np.random.default_rng(seed)
    blobs = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(blobs).resize((width, height), Image.Resampling.BICUBIC)


def corners(width: int = 300, height: int = 200) -> Image.Image:
    """Red top left, green top right, blue bottom left, white bottom right: any turn shows."""
    image = Image.new("RGB", (width, height))
    half_x, half_y = width // 2, height // 2
    for place, colour in (((0, 0), "red"), ((half_x, 0), "lime"), ((0, half_y), "blue"), ((half_x, half_y), "white")):
        image.paste(colour, (*place, place[0] + half_x, place[1] + half_y))
    return image


def jpeg_bytes(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **{"quality": 90, **options})
    return buffer.getvalue()


def opened(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference of two pictures at 32 x 32, 0 to 255."""
    arrays = [np.asarray(image.convert("RGB").resize((32, 32)), dtype=np.int16) for image in (one, other)]
    return float(np.abs(arrays[0] - arrays[1]).mean())


def tiff_raw(orientation: int, previews: list[bytes], sensor: tuple[int, int] = (6000, 4000)) -> bytes:
    """A little-endian TIFF as cameras write their RAWs: IFD0 with JPEG previews in SubIFDs and no sensor data."""
    sub_at = 8 + 2 + 5 * 12 + 4
    list_at = sub_at + len(previews) * (2 + 4 * 12 + 4)
    data_at = list_at + 4 * len(previews)
    sub_offsets = [sub_at + number * 54 for number in range(len(previews))]
    single = len(previews) == 1
    entries = [
        (0x0100, 4, 1, sensor[0]), (0x0101, 4, 1, sensor[1]), (0x0103, 3, 1, 34713), (0x0112, 3, 1, orientation),
        (0x014A, 4, len(previews), sub_offsets[0] if single else list_at),
    ]  # fmt: skip
    out = b"II*\0" + struct.pack("<I", 8) + _directory(entries)
    at = data_at
    for preview in previews:
        fields = [(0x00FE, 4, 1, 1), (0x0103, 3, 1, 6), (0x0201, 4, 1, at), (0x0202, 4, 1, len(preview))]
        out += _directory(fields)
        at += len(preview)
    out += struct.pack(f"<{len(previews)}I", *sub_offsets)
    return out + b"".join(previews)


def _directory(entries: list[tuple[int, int, int, int]]) -> bytes:
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<H", len(entries)) + packed + struct.pack("<I", 0)

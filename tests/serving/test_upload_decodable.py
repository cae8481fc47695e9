"""POST /image takes what a decoder can show; the first bytes of a format are not enough."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving.upload.decodable import refuse_undecodable
from serving.upload.incoming_file import NotMedia, recognised

HEADS = {
    "a.jpg": b"\xff\xd8\xff",
    "b.jpg": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(200),
    "a.png": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "a.gif": b"GIF89a" + bytes(100),
    "a.bmp": b"BM" + bytes(100),
    "a.webp": b"RIFF\x64\0\0\0WEBP" + bytes(100),
    "a.tif": b"II*\0" + bytes(100),
    "a.psd": b"8BPS" + bytes(100),
    "a.jxl": b"\xff\x0a" + bytes(100),
    "a.jp2": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100),
    "a.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100),
    "a.avif": b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(100),
    "a.cr2": b"II*\0\x10\0\0\0CR\x02\0" + bytes(100),
    "a.raf": b"FUJIFILMCCD-RAW " + bytes(100),
    "a.mp4": b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(100),
    "a.mov": b"\0\0\0\x08wide\0\0\0\x08mdat" + bytes(100),
    "a.mkv": b"\x1a\x45\xdf\xa3" + bytes(100),
    "a.avi": b"RIFF\x64\0\0\0AVI " + bytes(100),
}


def check(folder: Path, name: str, content: bytes) -> None:
    arrived = folder / ".arriving"
    arrived.write_bytes(content)
    refuse_undecodable(arrived, recognised(content[:4096], name), name)


def photo(image_format: str) -> bytes:
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, image_format)
    return buffer.getvalue()


@pytest.mark.parametrize("name", HEADS)
def test_first_bytes_of_a_format_alone_are_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotMedia, match=rf"{name}' (cannot be shown: .{{5,}}|is neither a photo nor a video)"):
        check(tmp_path, name, HEADS[name])


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "JPEG2000"])
def test_whole_photo_is_taken(tmp_path: Path, image_format: str) -> None:
    name = {"JPEG2000": "a.jp2", "TIFF": "a.tif"}.get(image_format, f"a.{image_format.lower()}")
    check(tmp_path, name, photo(image_format))


def test_photo_whose_end_is_missing_is_taken(tmp_path: Path) -> None:
    whole = photo("JPEG")
    check(tmp_path, "a.jpg", whole[: len(whole) // 2])

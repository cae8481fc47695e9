"""PNG, WebP, GIF and PSD: chunk walks, bounded, that read headers and metadata and skip everything else."""

from __future__ import annotations

import binascii
import re
import struct
import zlib
from typing import BinaryIO

from tasks.metadata._blocks import EXIF_LIMIT_BYTES, Blocks, strip_exif_header
from tasks.metadata._jpeg import photoshop_resource

_CHUNK_LIMIT = 50_000
_TEXT_LIMIT_BYTES = 4 << 20
_PNG_TEXTS = {"Title": "title", "Description": "description", "Creation Time": "date", "date:create": "file_date"}
_PNG_TEXT_KINDS = {b"tEXt", b"zTXt", b"iTXt"}
_RAW_PROFILES = {f"Raw profile type {kind}": kind.lower() for kind in ("exif", "EXIF", "APP1", "xmp", "iptc")}
_PNG_WANTED = {"XML:com.adobe.xmp", *_PNG_TEXTS, *_RAW_PROFILES}
_GIF_FRAME_LIMIT = 100_000
_GIF_LIMIT_BYTES = 64 << 20  # larger ones are not walked: their blocks can be a byte long
_HEXADECIMAL = re.compile(rb"(?:[0-9a-fA-F]{2})*")  # some writers leave a NUL behind it


def read_png(file: BinaryIO) -> Blocks:
    """Source: PNG third edition; EXIF also in ImageMagick's 'Raw profile type' texts, XMP in 'XML:com.adobe.xmp'."""
    blocks = Blocks(page_count=1)
    delay, texts = 0.0, set[bytes]()
    file.seek(8)
    for _ in range(_CHUNK_LIMIT):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            break
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        wanted = kind in {b"IHDR", b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"acTL", b"fcTL"}
        body = file.read(min(size, _TEXT_LIMIT_BYTES)) if wanted else b""
        file.seek(size - len(body) + 4, 1)
        if kind == b"IHDR" and len(body) >= 8:
            blocks.width, blocks.height = struct.unpack(">II", body[:8])
        elif kind == b"eXIf":
            blocks.exif = strip_exif_header(body)
        elif kind == b"acTL" and len(body) >= 4:
            blocks.page_count = max(1, int.from_bytes(body[:4], "big"))
        elif kind == b"fcTL" and len(body) >= 24:
            above, below = struct.unpack(">HH", body[20:24])
            delay += above / (below or 100)
        elif body and kind in _PNG_TEXT_KINDS and (name := body[:79].partition(b"\0")[0]) not in texts:
            texts.add(name)  # each name once: a megabyte of text chunks can inflate to a terabyte
            _read_png_text(kind, body, blocks)
    else:
        blocks.trouble("PNG with too many chunks")
    blocks.duration_s = delay or None
    if not blocks.width or not blocks.height:
        blocks.trouble("PNG without a header")
    return blocks


def _read_png_text(kind: bytes, body: bytes, blocks: Blocks) -> None:
    keyword, _, rest = body.partition(b"\0")
    name = keyword.decode("latin-1")
    if name not in _PNG_WANTED:
        return
    if kind == b"tEXt":
        text = rest
    elif kind == b"zTXt":
        text = _inflate(rest[1:])
    else:
        language_on = rest[2:].split(b"\0", 2)
        text = language_on[2] if len(language_on) == 3 else b""
        text = _inflate(text) if rest[:1] == b"\1" else text
    if name == "XML:com.adobe.xmp":
        blocks.xmp = text
    elif name in _RAW_PROFILES:
        _read_raw_profile(_RAW_PROFILES[name], text, blocks)
    else:
        blocks.tags[_PNG_TEXTS[name]] = text.decode("utf-8" if kind == b"iTXt" else "latin-1", "replace")


def _read_raw_profile(kind: str, text: bytes, blocks: Blocks) -> None:
    """'\\nexif\\n   4136\\n45786966…': a name, a length and the bytes in hexadecimal, with line breaks."""
    lines = text.strip().split(b"\n", 2)
    if len(lines) < 3:
        return
    digits = _HEXADECIMAL.match(b"".join(lines[2].split()))
    try:
        profile = binascii.unhexlify(digits[0][: 2 * EXIF_LIMIT_BYTES] if digits else b"")
    except (binascii.Error, ValueError):
        blocks.trouble(f"PNG text 'Raw profile type {kind}' is not hexadecimal")
        return
    if kind in {"exif", "app1"} and blocks.exif is None and not profile.startswith(b"http"):
        blocks.exif = strip_exif_header(profile)
    elif kind == "xmp" or profile.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
        blocks.xmp = profile.removeprefix(b"http://ns.adobe.com/xap/1.0/\0")
    elif kind == "iptc":
        blocks.iptc = photoshop_resource(profile) or profile


def _inflate(packed: bytes) -> bytes:
    """At most `_TEXT_LIMIT_BYTES` of it: a kilobyte can hold a gigabyte of zeros."""
    try:
        return zlib.decompressobj().decompress(packed, _TEXT_LIMIT_BYTES)
    except zlib.error:
        return b""


def read_webp(file: BinaryIO, size_bytes: int) -> Blocks:
    """Source: RFC 9649."""
    blocks = Blocks(page_count=1)
    frames, milliseconds, at = 0, 0, 12
    for _ in range(_CHUNK_LIMIT):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or at >= size_bytes:
            break
        kind, size = head[:4], int.from_bytes(head[4:], "little")
        body = file.read(min(size, EXIF_LIMIT_BYTES if kind in {b"EXIF", b"XMP "} else 24))
        if kind == b"EXIF":
            blocks.exif = strip_exif_header(body)
        elif kind == b"XMP ":
            blocks.xmp = body
        elif kind == b"ANMF" and len(body) >= 16:
            frames, milliseconds = frames + 1, milliseconds + int.from_bytes(body[12:15], "little")
        elif blocks.width is None:
            blocks.width, blocks.height = _webp_size(kind, body)
        at += 8 + size + size % 2
    if frames:
        blocks.page_count, blocks.duration_s = frames, milliseconds / 1000 or None
    if blocks.width is None:
        blocks.trouble("WebP without a picture")
    return blocks


def _webp_size(kind: bytes, body: bytes) -> tuple[int | None, int | None]:
    if kind == b"VP8X" and len(body) >= 10:
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return None, None


def read_gif(file: BinaryIO, size_bytes: int) -> Blocks:
    """Source: GIF89a. Frames are counted over their blocks, none is decompressed."""
    file.seek(0)
    head = file.read(13)
    if len(head) < 13:
        blocks = Blocks()
        blocks.trouble("GIF ends inside its header")
        return blocks
    width, height = struct.unpack("<HH", head[6:10])
    blocks = Blocks(width=width or None, height=height or None)
    if size_bytes > _GIF_LIMIT_BYTES:
        blocks.whole = False
        return blocks
    _skip_palette(file, head[10])
    frames, hundredths = 0, 0
    while frames < _GIF_FRAME_LIMIT:
        introducer = file.read(1)
        if introducer == b"\x2c":
            descriptor = file.read(9)
            if len(descriptor) < 9:
                break
            _skip_palette(file, descriptor[8])
            file.seek(1, 1)
            frames += 1
            _sub_blocks(file, 0)
        elif introducer == b"\x21":
            hundredths += _read_gif_extension(file, blocks)
        else:
            break
    blocks.page_count = max(1, frames)
    blocks.duration_s = hundredths / 100 or None
    return blocks


def _read_gif_extension(file: BinaryIO, blocks: Blocks) -> int:
    """Takes note of XMP; returns a graphic control extension's delay in hundredths of a second, else 0."""
    label = file.read(1)
    if label == b"\xff":
        size = file.read(1)
        name = file.read(size[0] if size else 0)
        if name == b"XMP DataXMP":  # not in sub-blocks at all: text, then a 258-byte trailer that reads as blocks
            blocks.xmp = _gif_xmp(file)
            return 0
    body = _sub_blocks(file, 8)
    return int.from_bytes(body[1:3], "little") if label == b"\xf9" and len(body) >= 3 else 0


def _gif_xmp(file: BinaryIO) -> bytes:
    start = file.tell()
    raw = file.read(_TEXT_LIMIT_BYTES)
    end = raw.find(b"\x01\xff\xfe\xfd")
    file.seek(start + (end + 258 if end >= 0 else len(raw)))
    return raw[: max(0, end)]


def _sub_blocks(file: BinaryIO, keep_bytes: int) -> bytes:
    kept = b""
    while size := file.read(1):
        if size == b"\0":
            break
        if len(kept) < keep_bytes:
            kept += file.read(size[0])
        else:
            file.seek(size[0], 1)
    return kept


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), 1)


def read_psd(file: BinaryIO) -> Blocks:
    """Source: Adobe's Photoshop file format: a header and image resources with EXIF (1058), XMP (1060), IPTC."""
    file.seek(0)
    head = file.read(26)
    blocks = Blocks(page_count=1)
    if len(head) < 26:
        blocks.trouble("PSD ends inside its header")
        return blocks
    blocks.height, blocks.width = struct.unpack(">II", head[14:22])
    file.seek(int.from_bytes(file.read(4), "big"), 1)
    resources = file.read(min(int.from_bytes(file.read(4), "big"), _TEXT_LIMIT_BYTES))
    blocks.iptc = photoshop_resource(resources)
    blocks.xmp = photoshop_resource(resources, 1060)
    exif = photoshop_resource(resources, 1058)
    blocks.exif = strip_exif_header(exif) if exif else None
    return blocks

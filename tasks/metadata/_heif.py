"""
HEIF and AVIF: the primary item's size, turning and metadata items, from the `meta` box alone.

Source: ISO/IEC 23008-12. The picture is turned by irot and imir and cut by clap, whatever EXIF's Orientation says.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, TypeVar

from tasks.metadata._blocks import Blocks, strip_exif_header
from tasks.metadata._boxes import Box, find, payload, walk

_Result = TypeVar("_Result")

_ITEM_LIMIT = 20_000  # a 100-megapixel grid has 400
_EXTENT_LIMIT = 1_024
_ITEM_BYTES_LIMIT = 4 << 20
_PICTURES = {b"hvc1", b"av01", b"grid", b"iden", b"iovl", b"avc1", b"jpeg", b"unci", b"vvc1", b"tmap"}
_TURNS = {(0, None): 1, (1, None): 8, (2, None): 3, (3, None): 6,
          (0, 0): 4, (1, 0): 5, (2, 0): 2, (3, 0): 7, (0, 1): 2, (1, 1): 7, (2, 1): 4, (3, 1): 5}  # fmt: skip


@dataclass(slots=True)
class _Item:
    kind: bytes = b""
    content_type: bytes = b""
    hidden: bool = False
    extents: list[tuple[int, int]] = field(default_factory=list)
    in_idat: bool = False
    properties: list[int] = field(default_factory=list)  # 1-based, in order


def read_heif(file: BinaryIO, size_bytes: int) -> Blocks:
    """The blocks of a still, a burst or an image sequence. Never raises: what is missing is a problem in them."""
    blocks = Blocks(turn=1)
    meta = find(file, 0, size_bytes, b"meta")
    if meta is not None:
        try:
            _read_meta(file, meta, blocks)
        except (struct.error, IndexError) as exc:
            blocks.trouble(f"HEIF item tables are damaged: {exc}")
    _read_sequence(file, size_bytes, blocks)
    if blocks.width is None:
        blocks.trouble("HEIF without a primary picture")
    return blocks


def _read_meta(file: BinaryIO, meta: Box, blocks: Blocks) -> None:
    tables = {box.kind: box for box in walk(file, meta.start + 4, meta.end)}
    if not {b"iinf", b"iprp"} <= tables.keys():
        blocks.trouble("HEIF without item tables")
        return
    items = _read_item_infos(file, tables[b"iinf"])
    if b"iloc" in tables:
        _read_locations(payload(file, tables[b"iloc"]), items)
    properties = _read_properties(file, tables[b"iprp"], items)
    references = _read_references(payload(file, tables[b"iref"])) if b"iref" in tables else []
    primary = _primary_item(payload(file, tables[b"pitm"]) if b"pitm" in tables else b"", items)
    if primary is not None:
        _apply_properties(items[primary], properties, blocks)
    idat = tables.get(b"idat")
    described = {number: targets for kind, number, targets in references if kind == b"cdsc"}
    for number, item in items.items():
        if primary not in described.get(number, [primary]):
            continue  # about a thumbnail or a depth map
        if item.kind == b"Exif" and blocks.exif is None:
            blocks.exif = _tiff_of(_item_bytes(file, item, idat, blocks))
        elif item.kind == b"mime" and item.content_type == b"application/rdf+xml" and blocks.xmp is None:
            blocks.xmp = _item_bytes(file, item, idat, blocks) or None
    blocks.page_count = _count_pictures(items, references)


def _tiff_of(block: bytes) -> bytes | None:
    """An Exif item begins with the distance to its TIFF header, counted from behind that number."""
    skip = int.from_bytes(block[:4], "big") + 4
    return strip_exif_header(block[skip:]) or strip_exif_header(block)


def _read_item_infos(file: BinaryIO, iinf: Box) -> dict[int, _Item]:
    file.seek(iinf.start)
    version = file.read(1)[:1]
    items: dict[int, _Item] = {}
    for box in walk(file, iinf.start + (6 if version == b"\0" else 8), iinf.end):
        entry = payload(file, box, 512)
        if box.kind != b"infe" or len(entry) < 12 or entry[0] not in {2, 3}:
            continue
        wide = 4 if entry[0] == 3 else 2
        number = int.from_bytes(entry[4 : 4 + wide], "big")
        names = [*entry[10 + wide :].split(b"\0"), b"", b""]
        items[number] = _Item(entry[6 + wide : 10 + wide], names[1], bool(entry[3] & 1))
        if len(items) >= _ITEM_LIMIT:
            break
    return items


def _read_locations(table: bytes, items: dict[int, _Item]) -> None:
    version, sizes = table[0], table[4:6]
    offset_size, length_size, base_size = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index_size = sizes[1] & 15 if version in {1, 2} else 0
    wide = 4 if version == 2 else 2
    take = _Taker(table, 6)
    for _ in range(min(take(wide), _ITEM_LIMIT)):
        item = items.get(take(wide), _Item())
        item.in_idat = version in {1, 2} and take(2) & 15 == 1
        take(2)
        base = take(base_size)
        count = take(2)
        if count > _EXTENT_LIMIT:
            raise IndexError(f"{count} extents in one item")
        for _ in range(count):
            take(index_size)
            item.extents.append((base + take(offset_size), take(length_size)))


class _Taker:
    """Reads big-endian numbers one after another. IndexError at the end."""

    def __init__(self, table: bytes, at: int) -> None:
        self.table, self.at = table, at

    def __call__(self, size: int) -> int:
        if self.at + size > len(self.table):
            raise IndexError("table ends early")
        self.at += size
        return int.from_bytes(self.table[self.at - size : self.at], "big")


def _read_properties(file: BinaryIO, iprp: Box, items: dict[int, _Item]) -> list[tuple[bytes, bytes]]:
    """The shared properties (kind, first bytes) and, into the items, which of them each has."""
    properties: list[tuple[bytes, bytes]] = []
    for box in walk(file, iprp.start, iprp.end):
        if box.kind == b"ipco":
            properties = [(entry.kind, payload(file, entry, 64)) for entry in walk(file, box.start, box.end)]
        elif box.kind == b"ipma":
            _read_associations(payload(file, box), items)
    return properties


def _read_associations(table: bytes, items: dict[int, _Item]) -> None:
    version, wide_index = table[0], bool(table[3] & 1)
    take = _Taker(table, 4)
    for _ in range(min(take(4), _ITEM_LIMIT)):
        item = items.get(take(4 if version else 2), _Item())
        for _ in range(take(1)):
            item.properties.append(take(2) & 0x7FFF if wide_index else take(1) & 0x7F)


def _read_references(table: bytes) -> list[tuple[bytes, int, list[int]]]:
    """(kind, from item, to items) for each reference."""
    wide = 4 if table[0] else 2
    references: list[tuple[bytes, int, list[int]]] = []
    take = _Taker(table, 4)
    while take.at + 8 + wide + 2 <= len(table) and len(references) < _ITEM_LIMIT:
        end = take.at + take(4)
        kind = take(4).to_bytes(4, "big")
        number = take(wide)
        references.append((kind, number, [take(wide) for _ in range(take(2))]))
        if end <= take.at - 1:
            break
        take.at = end
    return references


def _primary_item(pitm: bytes, items: dict[int, _Item]) -> int | None:
    if len(pitm) >= 6:
        number = int.from_bytes(pitm[4:8] if pitm[0] else pitm[4:6], "big")
        if number in items:
            return number
    return next((number for number, item in items.items() if item.kind in _PICTURES and not item.hidden), None)


def _apply_properties(item: _Item, properties: list[tuple[bytes, bytes]], blocks: Blocks) -> None:
    angle, axis = 0, None
    for index in item.properties:
        if not 1 <= index <= len(properties):
            continue
        kind, body = properties[index - 1]
        if kind == b"ispe" and len(body) >= 12:
            blocks.width, blocks.height = struct.unpack(">II", body[4:12])
        elif kind == b"clap" and len(body) >= 16:
            _apply_crop(body, blocks)
        elif kind == b"irot" and body:
            angle = body[0] & 3
        elif kind == b"imir" and body:
            axis = body[0] & 1
    blocks.turn = _TURNS[angle, axis]


def _apply_crop(clap: bytes, blocks: Blocks) -> None:
    across, across_of, down, down_of = struct.unpack(">IIII", clap[:16])
    if across_of and down_of and across // across_of and down // down_of:
        blocks.width, blocks.height = across // across_of, down // down_of


def _item_bytes(file: BinaryIO, item: _Item, idat: Box | None, blocks: Blocks) -> bytes:
    parts, left = [], _ITEM_BYTES_LIMIT
    for offset, length in item.extents[:64]:
        file.seek(offset + (idat.start if item.in_idat and idat is not None else 0))
        part = file.read(min(length, left))
        if len(part) < min(length, left):
            blocks.trouble(f"HEIF ends inside its {item.kind.decode('latin-1')} block")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _count_pictures(items: dict[int, _Item], references: list[tuple[bytes, int, list[int]]]) -> int:
    """Top-level pictures: not tiles, thumbnails, alpha planes, depth or gain maps."""
    parts = {to for kind, _, targets in references if kind == b"dimg" for to in targets}
    helpers = {number for kind, number, _ in references if kind in {b"thmb", b"auxl"}}
    shown = [number for number, item in items.items() if item.kind in _PICTURES - {b"tmap"} and not item.hidden]
    return max(1, len([number for number in shown if number not in parts | helpers]))


def _read_sequence(file: BinaryIO, size_bytes: int, blocks: Blocks) -> None:
    """An animation's frames and length, and its size where there is no still, from the movie beside it."""
    movie = find(file, 0, size_bytes, b"moov")
    if movie is None:
        return
    tracks = [box for box in walk(file, movie.start, movie.end) if box.kind == b"trak"]
    counts = [_read_box(file, track, (b"mdia", b"minf", b"stbl", b"stsz"), _sample_count) for track in tracks[:16]]
    frames = max((count for count in counts if count), default=0)
    if frames:
        blocks.page_count = frames
    blocks.duration_s = _read_box(file, movie, (b"mvhd",), _movie_seconds)
    if blocks.width is None and tracks:
        size = _read_box(file, tracks[0], (b"tkhd",), _track_size)
        blocks.width, blocks.height = size or (None, None)


def _read_box(file: BinaryIO, parent: Box, path: tuple[bytes, ...], read: Callable[[bytes], _Result]) -> _Result | None:
    box = find(file, parent.start, parent.end, *path)
    if box is None:
        return None
    try:
        return read(payload(file, box, 256))
    except (struct.error, ZeroDivisionError):
        return None


def _sample_count(stsz: bytes) -> int:
    return int(struct.unpack_from(">I", stsz, 8)[0])


def _movie_seconds(mvhd: bytes) -> float:
    scale, length = struct.unpack_from(">IQ", mvhd, 20) if mvhd[:1] == b"\1" else struct.unpack_from(">II", mvhd, 12)
    return float(length / scale)


def _track_size(tkhd: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from(">II", tkhd, 88 if tkhd[:1] == b"\1" else 76)
    return (width >> 16, height >> 16) if width >> 16 and height >> 16 else None

"""Where a RAW file keeps its embedded JPEGs and which way up it is, found by reading its directories only."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.images.byte_source import ByteSource
from tasks.images.maker_notes import maker_note_previews
from tasks.images.raw_parts import RawLayout
from tasks.images.tiff_walk import ORIENTATION, Directory, Entry, Reader, Tiff, open_tiff

_WIDTH, _HEIGHT, _COMPRESSION, _STRIPS, _STRIP_SIZES = 0x0100, 0x0101, 0x0103, 0x0111, 0x0117
_TILES, _TILE_SIZES, _SUB_IFDS, _JPEG, _JPEG_SIZE = 0x0144, 0x0145, 0x014A, 0x0201, 0x0202
_PANASONIC_JPEG, _EXIF_IFD, _MAKER_NOTE = 0x002E, 0x8769, 0x927C
_JPEG_COMPRESSIONS = {6, 7}
_MAX_DIRECTORIES = 64


def tiff_layout(read: Reader, *, prefix: str = "", base: int = 0) -> RawLayout | None:
    """
    Walk IFD0, what it links to, all SubIFDs, the EXIF directory and the maker note.

    Args:
        read: Reads relative to the TIFF header.
        prefix: Put before the names of the layers.
        base: Where the TIFF header lies in the file; added to every offset that is returned.
    Returns:
        None when *read* holds no TIFF.
    """
    tiff = open_tiff(read)
    if tiff is None:
        return None
    walk = _Walk(tiff, RawLayout(), prefix, base)
    for number, directory in enumerate(tiff.chain(tiff.first_at)):
        walk.visit(directory, f"IFD{number}", main=number == 0)
    return walk.layout


@dataclass(slots=True)
class _Walk:
    tiff: Tiff
    layout: RawLayout
    prefix: str
    base: int
    seen: set[int] = field(default_factory=set)

    def visit(self, directory: Directory, name: str, *, main: bool) -> None:
        entries = directory.entries
        if main:
            self.layout.orientation = _orientation(self.tiff, entries)
        self._note_size(entries)
        self._add_jpeg(entries, name)
        self._add_single(entries, name, _STRIPS, _STRIP_SIZES)
        self._add_single(entries, name, _TILES, _TILE_SIZES)
        panasonic = entries.get(_PANASONIC_JPEG)
        if panasonic is not None and panasonic.size_bytes > 1000:
            self._add(panasonic.value_at, panasonic.size_bytes, f"{name}:JpgFromRaw")
        for number, offset in enumerate(self.tiff.integers(entries.get(_SUB_IFDS))):
            self._descend(offset, f"SubIFD{number}" if name == "IFD0" else f"{name}:SubIFD{number}")
        for offset in self.tiff.integers(entries.get(_EXIF_IFD)):
            self._visit_exif(offset)

    def _descend(self, offset: int, name: str) -> None:
        if offset in self.seen or len(self.seen) > _MAX_DIRECTORIES:
            return
        self.seen.add(offset)
        directory = self.tiff.directory(offset)
        if directory is not None:
            self.visit(directory, name, main=False)

    def _visit_exif(self, offset: int) -> None:
        exif = self.tiff.directory(offset)
        note = exif.entries.get(_MAKER_NOTE) if exif else None
        if note is not None:
            for start, length, name in maker_note_previews(self.tiff, note):
                self._add(start, length, name)

    def _note_size(self, entries: dict[int, Entry]) -> None:
        width, height = self.tiff.integer(entries.get(_WIDTH)), self.tiff.integer(entries.get(_HEIGHT))
        if width and height and width * height > self.layout.width * self.layout.height:
            self.layout.width, self.layout.height = width, height

    def _add_jpeg(self, entries: dict[int, Entry], name: str) -> None:
        offset, length = self.tiff.integer(entries.get(_JPEG)), self.tiff.integer(entries.get(_JPEG_SIZE))
        if offset and length:
            self._add(offset, length, name)

    def _add_single(self, entries: dict[int, Entry], name: str, at: int, sizes: int) -> None:
        """A preview that is one JPEG strip or tile; sensor data is told apart later, by its lossless coding."""
        if self.tiff.integer(entries.get(_COMPRESSION)) not in _JPEG_COMPRESSIONS:
            return
        offsets, lengths = self.tiff.integers(entries.get(at)), self.tiff.integers(entries.get(sizes))
        if len(offsets) == len(lengths) == 1:
            self._add(offsets[0], lengths[0], name)

    def _add(self, offset: int, length: int, name: str) -> None:
        self.layout.add(self.base + offset, length, self.prefix + name)


def _orientation(tiff: Tiff, entries: dict[int, Entry]) -> int:
    value = tiff.integer(entries.get(ORIENTATION)) or 1
    return value if 1 <= value <= 8 else 1


def tiff_layout_at(source: ByteSource, base: int, prefix: str = "") -> RawLayout | None:
    """`tiff_layout` of a TIFF that begins at *base*: how RAF, CR3 and MRW carry theirs."""
    return tiff_layout(lambda offset, length: source.at(base + offset, length), prefix=prefix, base=base)

"""What a container says without decoding a pixel: its size, and the EXIF, XMP and IPTC blocks inside it."""

from __future__ import annotations

from dataclasses import dataclass, field

EXIF_LIMIT_BYTES = 1 << 20  # exifread walks it in Python; honest blocks with maker notes stay under 200 KB


@dataclass(slots=True)
class Blocks:
    """
    Args:
        width, height: As stored, before any turning; with `turn` applied they are upright.
        turn: 1..8 in EXIF's numbering, as the format's own rule has it (HEIF irot/imir, JXL); None where the format
            leaves it to EXIF.
        exif: A TIFF structure, from its byte order mark on.
        more_exif: Further ones (CR3 keeps three).
        tags: Where the container names things itself (PNG text), by our own names: 'title', 'description', 'date'.
        whole: Everything was there and made sense; else a more patient tool should look.
        problems: What did not, in words.
    """

    width: int | None = None
    height: int | None = None
    turn: int | None = None
    exif: bytes | None = None
    more_exif: list[bytes] = field(default_factory=list)
    xmp: bytes | None = None
    iptc: bytes | None = None
    page_count: int | None = None
    duration_s: float | None = None
    tags: dict[str, str] = field(default_factory=dict)
    whole: bool = True
    problems: list[str] = field(default_factory=list)

    def trouble(self, reason: str) -> None:
        self.whole = False
        self.problems.append(reason)

    def upright_size(self, exif_orientation: int | None) -> tuple[int | None, int | None]:
        """Width and height of the picture as it is to be shown."""
        turn = self.turn if self.turn is not None else exif_orientation
        if turn is not None and 5 <= turn <= 8:
            return self.height, self.width
        return self.width, self.height


def strip_exif_header(block: bytes) -> bytes | None:
    """The TIFF structure in a block as containers hold it, 'Exif\\0\\0' and the like before it; None without one."""
    for start in (0, 6, 4, 10):
        if block[start : start + 4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
            return block[start : start + EXIF_LIMIT_BYTES]
    found = min((at for mark in (b"II*\0", b"MM\0*") if (at := block.find(mark, 0, 64)) >= 0), default=-1)
    return block[found : found + EXIF_LIMIT_BYTES] if found >= 0 else None

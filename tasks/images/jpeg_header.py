"""What the markers before a JPEG's pixels say: size, coding, orientation, the other pictures in the file."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.images.tiff_walk import exif_orientation

_NO_PAYLOAD = {0x01, *range(0xD0, 0xD9)}  # TEM, RSTn, SOI
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # SOFn, without DHT, JPG and DAC
_SHOWABLE = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}  # baseline, extended, progressive, and the two arithmetic ones
_PROGRESSIVE = {0xC2, 0xCA}


@dataclass(slots=True)
class JpegHeader:
    """
    Args:
        width, height: Pixels as stored, before the orientation turns them.
        frame_marker: 0xC0 baseline, 0xC2 progressive, 0xC3 lossless (what RAW data inside a DNG is coded with) …
        sampling: (horizontal, vertical) factor of every component.
        first_scan_components: Fewer than there are components means the decoder must hold the whole picture.
        orientation: EXIF 1 to 8; None where the JPEG does not say.
        exif: The block from its TIFF header on; empty without one.
        has_profile: Whether an ICC profile comes with it.
        multi_picture: Offset of the MPF block's TIFF header, which its own offsets count from; None without one.
        scan_offset: Where the pixels begin.
    """

    width: int = 0
    height: int = 0
    frame_marker: int = 0
    sampling: list[tuple[int, int]] = field(default_factory=list)
    first_scan_components: int = 0
    orientation: int | None = None
    exif: bytes = b""
    has_profile: bool = False
    multi_picture: int | None = None
    scan_offset: int = 0

    @property
    def showable(self) -> bool:
        """Whether this is a picture for people, and no sensor data in a JPEG's clothes."""
        return self.frame_marker in _SHOWABLE and self.width > 0 and self.height > 0

    @property
    def coefficient_bytes(self) -> int:
        """What the decoder must hold at once, at two bytes a coefficient; 0 for a picture that arrives row by row."""
        whole_at_once = self.frame_marker in _PROGRESSIVE or self.first_scan_components < len(self.sampling)
        if not whole_at_once or not self.sampling:
            return 0
        widest = max(horizontal for horizontal, _ in self.sampling) * max(vertical for _, vertical in self.sampling)
        samples = sum(horizontal * vertical for horizontal, vertical in self.sampling) / max(widest, 1)
        return int(self.width * self.height * samples * 2)


def read_jpeg_header(data: bytes) -> JpegHeader | None:
    """None when *data* (the whole JPEG, or enough of its beginning) does not reach a scan in an orderly way."""
    if data[:2] != b"\xff\xd8":
        return None
    header = JpegHeader()
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or marker in _NO_PAYLOAD:  # fill byte, or a marker that stands alone
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xD9 or length < 2:
            return None
        payload = at + 4
        if marker == 0xDA:
            header.first_scan_components = data[payload] if payload < len(data) else 0
            header.scan_offset = at
            return header
        _read_segment(header, marker, data, payload, at + 2 + length)
        at += 2 + length
    return None


def is_whole(data: bytes, header: JpegHeader) -> bool:
    """Whether the end marker is there: inside a scan 0xFFD9 cannot occur, so a cut-off JPEG has none after it."""
    return data.rfind(b"\xff\xd9", header.scan_offset) != -1


def _read_segment(header: JpegHeader, marker: int, data: bytes, start: int, end: int) -> None:
    if marker in _FRAMES:
        _read_frame(header, marker, data[start:end])
    elif marker == 0xE1 and data[start : start + 6] == b"Exif\0\0" and not header.exif:
        header.exif = data[start + 6 : end]
        header.orientation = exif_orientation(header.exif)
    elif marker == 0xE2 and data[start : start + 12] == b"ICC_PROFILE\0":
        header.has_profile = True
    elif marker == 0xE2 and data[start : start + 4] == b"MPF\0":
        header.multi_picture = start + 4


def _read_frame(header: JpegHeader, marker: int, payload: bytes) -> None:
    header.frame_marker = marker
    header.height = int.from_bytes(payload[1:3], "big")
    header.width = int.from_bytes(payload[3:5], "big")
    header.sampling = [(payload[at] >> 4, payload[at] & 15) for at in range(7, len(payload), 3)]

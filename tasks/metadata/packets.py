"""The XMP packets of an original, undigested, and which way up it is: for readers of what v_assets leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from tasks.errors import UnreadableFile
from tasks.files.media_file import MediaFile
from tasks.images.tiff_walk import exif_orientation
from tasks.metadata._containers import read_container
from tasks.metadata.fields import Findings
from tasks.metadata.xmp import SIZE_LIMIT_BYTES


@dataclass(frozen=True, slots=True)
class Packets:
    """
    Args:
        embedded, sidecar: XMP; None where there is none.
        orientation: 1 to 8: how the stored pixels are turned to stand upright.
        stored_width, stored_height: Pixels before turning.
    """

    embedded: bytes | None = None
    sidecar: bytes | None = None
    orientation: int = 1
    stored_width: int | None = None
    stored_height: int | None = None


def read_packets(media: MediaFile) -> Packets:
    """
    Raises:
        UnreadableFile: The original cannot be read; a sidecar that cannot is left out.
    """
    try:
        source = media.path.open("rb")
    except OSError as exc:
        raise UnreadableFile(media.path, f"cannot be read: {exc.strerror}") from exc
    with source:
        try:
            return _read(media, source)
        except OSError as exc:
            raise UnreadableFile(media.path, f"cannot be read: {exc.strerror or exc}") from exc


def _read(media: MediaFile, source: BinaryIO) -> Packets:
    found = Findings()
    head = source.read(32)
    blocks = read_container(source, head, media.size_bytes, found) if head else None
    if blocks is None:
        return Packets(sidecar=_sidecar(media))
    orientation = blocks.turn or found.orientation or (exif_orientation(blocks.exif) if blocks.exif else None) or 1
    packet = blocks.xmp if blocks.xmp and blocks.xmp.strip(b"\0 \r\n") else None
    return Packets(packet, _sidecar(media), orientation, blocks.width, blocks.height)


def _sidecar(media: MediaFile) -> bytes | None:
    if media.sidecar is None:
        return None
    try:
        with media.sidecar.open("rb") as file:
            return file.read(SIZE_LIMIT_BYTES + 1)
    except OSError:  # gone since the scan, or not ours to read: the metadata pass reports it
        return None

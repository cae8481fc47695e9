"""The reading that needs no other program: containers, EXIF, XMP, IPTC, the sidecar, the file's name and date."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import BinaryIO

from tasks.errors import AssetError, CorruptMedia, UnreadableFile, UnsupportedMedia
from tasks.files.media_file import MediaFile
from tasks.metadata._blocks import Blocks
from tasks.metadata._containers import read_container
from tasks.metadata._iptc import iptc_findings
from tasks.metadata._tiff import HostileTiff
from tasks.metadata._xmp_findings import xmp_findings
from tasks.metadata.dates import RANKS, local_candidate, with_fraction
from tasks.metadata.exif import exif_findings, has_maker_note
from tasks.metadata.fields import DateCandidate, Findings, clean_keywords
from tasks.metadata.file_name_dates import file_name_candidate
from tasks.metadata.motion import Motion, find_motion
from tasks.metadata.xmp import InvalidXmp, XmpFields, parse_xmp

_SIDECAR_LIMIT_BYTES = 8 << 20
# Who hides the lens behind a number in the maker note, which exiftool has the tables for.
_NUMBERED_LENSES = ("canon", "nikon", "sony", "pentax", "ricoh", "olympus", "om digital", "panasonic", "sigma",
                    "minolta", "konica", "fujifilm", "leica", "samsung techwin", "hasselblad", "leaf",
                    "phase one")  # fmt: skip


@dataclass(slots=True)
class Reading:
    """What was found in process, before the date is chosen; the sidecar apart, since it outranks the file."""

    file: Findings = field(default_factory=Findings)
    sidecar: Findings | None = None
    motion: Motion | None = None
    complete: bool = True
    recognised: bool = True
    tools: list[str] = field(default_factory=list)
    problems: list[AssetError] = field(default_factory=list)

    def trouble(self, problem: AssetError) -> None:
        self.complete = False
        self.problems.append(problem)


def read_in_process(media: MediaFile, content: bytes | None) -> Reading:
    """
    Everything that can be had without decoding a pixel or starting a program. Never raises an `AssetError`.

    Args:
        content: The whole file, where the caller holds it.
    """
    reading = Reading()
    try:
        source = io.BytesIO(content) if content is not None else media.path.open("rb")
    except OSError as exc:
        reading.trouble(UnreadableFile(media.path, f"cannot be read: {exc.strerror}"))
        reading.recognised = False
        return reading
    with source:
        try:
            _read_source(media, source, len(content) if content is not None else media.size_bytes, reading)
        except OSError as exc:
            reading.trouble(UnreadableFile(media.path, f"cannot be read: {exc.strerror or exc}"))
    _read_sidecar(media, reading)
    reading.file.dates += _outer_dates(media)
    return reading


def _read_source(media: MediaFile, source: BinaryIO, size_bytes: int, reading: Reading) -> None:
    if size_bytes == 0:
        reading.recognised = False
        reading.trouble(CorruptMedia(media.path, "the file is empty"))
        return
    if media.kind.media_type == "video":
        reading.complete = False
        return
    source.seek(0)
    head = source.read(32)
    blocks = read_container(source, head, size_bytes, reading.file)
    if blocks is None:
        reading.complete = False
        if media.kind.media_type == "photo":  # a RAW of its own kind (CRW, X3F, MRW) is exiftool's business
            reading.recognised = False
            reading.trouble(UnsupportedMedia(media.path, "its first bytes are of no picture format we read"))
        return
    xmp = _parse_packet(media, blocks, reading)
    _use_blocks(media, blocks, xmp, reading)
    is_photo = media.kind.media_type == "photo"
    if is_photo:
        reading.motion = find_motion(source, size_bytes, xmp, is_heif=head[4:8] == b"ftyp")
    else:
        reading.file.page_count = None  # the previews inside a RAW are no pages
    for problem in blocks.problems:
        reading.trouble(CorruptMedia(media.path, problem))
    reading.complete = reading.complete and is_photo and not _worth_another_look(blocks, reading)


def _parse_packet(media: MediaFile, blocks: Blocks, reading: Reading) -> XmpFields | None:
    if not blocks.xmp or not blocks.xmp.strip(b"\0 \r\n"):
        return None
    try:
        return parse_xmp(blocks.xmp)
    except InvalidXmp as exc:
        reading.trouble(CorruptMedia(media.path, f"embedded XMP: {exc}"))
        return None


def _use_blocks(media: MediaFile, blocks: Blocks, xmp: XmpFields | None, reading: Reading) -> None:
    """EXIF first, then what XMP and IPTC add; titles and words the other way round, as people edit those."""
    found = reading.file
    for block in [blocks.exif, *blocks.more_exif]:
        if block is None:
            continue
        try:
            found.fill_from(exif_findings(block))
        except (HostileTiff, ValueError) as exc:
            reading.trouble(CorruptMedia(media.path, f"EXIF: {exc}"))
    if blocks.exif or found.dates or found.camera_make:
        reading.tools.append("exifread")
    found.width, found.height = blocks.upright_size(
        found.orientation
    )  # before XMP's, which turns nothing in any viewer
    if xmp is not None:
        reading.tools.append("xmp")
        edited = xmp_findings(xmp)
        for name in ("rating", "title", "description", "keywords"):
            value = getattr(edited, name)
            setattr(found, name, getattr(found, name) if value is None else value)
        found.dates = [_with_xmp_fraction(date, xmp) for date in found.dates]
        found.fill_from(edited)
    if blocks.iptc:
        filed = iptc_findings(blocks.iptc)
        filed.keywords = clean_keywords([*(found.keywords or ()), *(filed.keywords or ())])
        found.keywords = None
        found.fill_from(filed)
    found.title = found.title or blocks.tags.get("title")
    found.description = found.description or blocks.tags.get("description")
    if date := local_candidate("PNG:CreationTime", blocks.tags.get("date"), "CreateDate"):
        found.dates.append(date)
    found.page_count, found.duration_s = blocks.page_count, blocks.duration_s


def _with_xmp_fraction(date: DateCandidate, xmp: XmpFields) -> DateCandidate:
    """Editors that rewrite EXIF drop its SubSecTimeOriginal and keep it in XMP."""
    if date.source != "EXIF:DateTimeOriginal":
        return date
    return with_fraction(date, xmp.values.get("exif:SubSecTimeOriginal"))


def _worth_another_look(blocks: Blocks, reading: Reading) -> bool:
    """Would exiftool find more? Nothing was found, something did not make sense, or the lens is behind a number."""
    found = reading.file
    if not blocks.whole or found.width is None or not (reading.tools or blocks.iptc):
        return True
    if found.lens_model:
        return False
    make = (found.camera_make or "").lower()
    hidden = blocks.exif is not None and make.startswith(_NUMBERED_LENSES) and has_maker_note(blocks.exif)
    return hidden or found.lens_guess is not None


def _read_sidecar(media: MediaFile, reading: Reading) -> None:
    if media.sidecar is None:
        return
    try:
        with media.sidecar.open("rb") as file:
            packet = file.read(_SIDECAR_LIMIT_BYTES + 1)
    except OSError as exc:
        reading.problems.append(UnreadableFile(media.sidecar, f"sidecar cannot be read: {exc.strerror}"))
        return
    try:
        fields = parse_xmp(packet)
    except InvalidXmp as exc:
        reading.problems.append(CorruptMedia(media.sidecar, f"sidecar: {exc}"))
        return
    reading.tools.append("sidecar")
    reading.sidecar = xmp_findings(fields, sidecar=True)


def _outer_dates(media: MediaFile) -> list[DateCandidate]:
    modified = media.modified_at.replace(tzinfo=None)
    mtime = DateCandidate("mtime", modified.isoformat(sep=" "), None, modified, None, RANKS["mtime"])
    named = file_name_candidate(media.path)
    return [named, mtime] if named else [mtime]

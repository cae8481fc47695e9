"""
What is known about an original: where all readers' answers are put together.

`read_quick` asks what can be asked in this process, `read_full` also exiftool and ffprobe. Both end in one `Metadata`:
the file's facts, over them what a person wrote into the sidecar, and the one date that `dates.choose` believes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import exifread

from tasks.errors import AssetError, CorruptMedia, UnreadableFile
from tasks.files.media_file import MediaFile
from tasks.metadata._exiftool_findings import TAGS, exiftool_error, exiftool_findings
from tasks.metadata._ffprobe_findings import ffprobe_findings
from tasks.metadata.dates import choose, with_zone
from tasks.metadata.exiftool import ExifTool, ExifToolTags
from tasks.metadata.ffprobe import ffprobe_version, probe
from tasks.metadata.fields import DateCandidate, Findings, Metadata
from tasks.metadata.gps import zone_at
from tasks.metadata.quick import Reading, read_in_process
from tasks.metadata.recipe import METADATA_RECIPE

_WITHOUT_LENGTH = {"avi", "mpegts"}  # ffprobe then says the longest stream's, often a tail of sound
_SIDECAR_WINS = ("rating", "title", "description", "keywords")
_PIXEL_FACTS = ("width", "height", "page_count")
_FOUND = {entry.name for entry in dataclasses.fields(Findings)}
_SHARED = [entry.name for entry in dataclasses.fields(Metadata) if entry.name in _FOUND]

__all__ = ["METADATA_RECIPE", "DateCandidate", "ExifTool", "Metadata", "QuickRead", "read_full", "read_quick"]


@dataclasses.dataclass(frozen=True, slots=True)
class QuickRead:
    """
    Args:
        metadata: None when the file could not be read at all.
        complete: False: a slower tool would find more (RAW, video, nothing found, a lens behind a number).
        problems: What was wrong with the file or its sidecar; none of them kept the rest from being read.
    """

    metadata: Metadata | None
    complete: bool
    problems: tuple[AssetError, ...]


def read_quick(file: MediaFile, content: bytes | None = None) -> QuickRead:
    """
    Metadata without starting a program or decoding a pixel. Never raises an `AssetError`: see `problems`.

    Args:
        content: The whole file, where the caller already holds it; else it is opened and only its headers are read.
    """
    reading = read_in_process(file, content)
    metadata = _conclude(reading, reading.file, [("exifread", exifread.__version__)])
    return QuickRead(metadata if reading.recognised else None, reading.complete, tuple(reading.problems))


def read_full(
    files: Sequence[MediaFile], exiftool: ExifTool | None, ffprobe: str | None
) -> list[Metadata | AssetError]:
    """
    Metadata by every means there is, one answer per file, in order.

    Args:
        exiftool: A running one, or None where it is not installed.
        ffprobe: Name or path of the program, or None.
    Raises:
        ToolMissing: A tool that was given cannot be started.
    """
    asked: list[ExifToolTags | AssetError | None] = [None] * len(files)
    if exiftool is not None:
        asked = list(exiftool.read([file.path for file in files], TAGS))
    return [_read_one(file, answer, exiftool, ffprobe) for file, answer in zip(files, asked, strict=True)]


def _read_one(
    file: MediaFile, answer: ExifToolTags | AssetError | None, exiftool: ExifTool | None, ffprobe: str | None
) -> Metadata | AssetError:
    reading = read_in_process(file, None)
    unreadable = next((problem for problem in reading.problems if isinstance(problem, UnreadableFile)), None)
    if unreadable is not None and not reading.recognised:
        return unreadable
    if isinstance(answer, AssetError):
        return answer
    found, tools = Findings(), []
    failure: AssetError | None = None
    guessed_length = False
    if ffprobe is not None and file.kind.media_type == "video":
        try:
            probed = probe(file.path, ffprobe)
        except AssetError as exc:
            failure = exc
        else:
            found.fill_from(ffprobe_findings(probed))
            tools.append(("ffprobe", ffprobe_version(ffprobe)))
            guessed_length = probed.container in _WITHOUT_LENGTH
    if answer is not None and exiftool is not None:
        asked = exiftool_findings(answer)
        if file.kind.media_type == "photo":
            _keep_in_process_facts(asked, reading.file)
        if guessed_length and asked.duration_s is not None:
            found.duration_s = asked.duration_s
        found.fill_from(asked)
        tools.append(("exiftool", exiftool.version))
        failure = failure or _exiftool_failure(file, answer)
    found.fill_from(reading.file)
    if not _says_anything(found) and (problem := failure or next(iter(reading.problems), None)):
        return problem
    return _conclude(reading, found, [("exifread", exifread.__version__), *tools])


def _keep_in_process_facts(asked: Findings, own: Findings) -> None:
    """A photo's size is ours: exiftool's ignores HEIF's and JPEG XL's own turning, and clean apertures."""
    if own.width is not None:
        for name in _PIXEL_FACTS:
            setattr(asked, name, getattr(own, name))


def _exiftool_failure(file: MediaFile, answer: ExifToolTags) -> AssetError | None:
    error = exiftool_error(answer)
    return CorruptMedia(file.path, f"exiftool: {error}") if error else None


def _says_anything(found: Findings) -> bool:
    """Does the file say one thing about itself? Its name and its date on disk do not count."""
    inner = [date for date in found.dates if date.source not in {"filename", "mtime"}]
    return bool(inner) or any(getattr(found, name) is not None for name in ("width", "duration_s", "camera_make"))


def _conclude(reading: Reading, found: Findings, tools: list[tuple[str, str]]) -> Metadata:
    """Sidecar over file, a zone for the dates, the choice among them."""
    if reading.sidecar is not None:
        _apply_sidecar(found, reading.sidecar)
    dates = with_zone(found.dates, None)
    chosen = choose(dates)
    if chosen.time_zone is None and found.latitude is not None:  # only then: the polygons cost 30 MB and 0.2 s to load
        dates = with_zone(found.dates, zone_at(found.latitude, found.longitude))
        chosen = choose(dates)
    known = {name: getattr(found, name) for name in _SHARED}
    known["keywords"] = found.keywords or ()
    known["lens_model"] = found.lens_model or found.lens_guess
    if "exifread" not in reading.tools and len(tools) > 1:
        tools = tools[1:]  # it had nothing to read; where nobody had, it is still the one that was asked
    names = [name for name, _ in tools] + [name for name in reading.tools if name != "exifread"]
    motion = reading.motion
    return Metadata(
        **known,
        taken_at=chosen.taken_at,
        taken_at_utc=chosen.taken_at_utc,
        time_zone=chosen.time_zone,
        taken_at_source=chosen.source,
        motion_kind=motion.kind if motion else None,
        motion_video_offset=motion.offset if motion else None,
        motion_video_bytes=motion.size_bytes if motion else None,
        date_candidates=tuple(dates),
        tool="+".join(names),
        tool_version="+".join(version for _, version in tools),
    )


def _apply_sidecar(found: Findings, sidecar: Findings) -> None:
    """What people write (words, stars, place, date) wins over the file; what cameras measure only fills gaps."""
    for name in _SIDECAR_WINS:
        value = getattr(sidecar, name)
        setattr(found, name, getattr(found, name) if value is None else value)
    if sidecar.latitude is not None:
        found.latitude, found.longitude = sidecar.latitude, sidecar.longitude
        found.altitude_m = sidecar.altitude_m if sidecar.altitude_m is not None else found.altitude_m
    found.fill_from(sidecar)

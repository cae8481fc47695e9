"""What is known about one original: the answer (`Metadata`), and what each reader found on the way (`Findings`)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, fields
from datetime import datetime

TEXT_LIMIT = 4_000
KEYWORD_LIMIT = 500
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class DateCandidate:
    """
    One date somebody wrote down for an original, whether it can be understood or not.

    Args:
        source: Where it stood: 'EXIF:DateTimeOriginal', 'filename', 'mtime', …; 'sidecar:' before an XMP file's.
        text: As it was written there.
        local: Wall time at the camera; None when unreadable, or when only UTC is known.
        utc: None when no zone is known.
        time_zone: IANA name or '+02:00'.
        rank: The lower, the sooner `dates.choose` believes it.
    """

    source: str
    text: str
    local: datetime | None
    utc: datetime | None
    time_zone: str | None
    rank: int

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for what two readers say about one tag, whatever they make of its fraction and zone."""
        if self.local is not None:
            return self.source, self.local.replace(microsecond=0)
        return self.source, None, self.utc and self.utc.replace(microsecond=0), self.utc is None and self.text

    @property
    def precision(self) -> int:
        """How many of fraction and zone are known."""
        moment = self.local or self.utc
        return (self.time_zone is not None) + bool(moment and moment.microsecond)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Everything `v_assets` says about a picture or video. None means unknown; datetimes carry no tzinfo."""

    width: int | None = None  # upright pixels
    height: int | None = None
    orientation: int | None = None  # EXIF 1..8 as found; not what is still to be done (HEIF ignores it, for one)
    taken_at: datetime | None = None  # local wall time
    taken_at_utc: datetime | None = None
    time_zone: str | None = None  # 'Europe/Paris' from the position, or '+02:00' as written
    taken_at_source: str | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    lens_model: str | None = None
    focal_length_mm: float | None = None
    f_number: float | None = None
    exposure_time_s: float | None = None
    iso: int | None = None
    latitude: float | None = None  # degrees, north and east positive
    longitude: float | None = None
    altitude_m: float | None = None  # above sea level
    rating: int | None = None  # -1 rejected, 0 unrated, 1..5
    title: str | None = None
    description: str | None = None
    keywords: tuple[str, ...] = ()
    duration_s: float | None = None  # of a video or an animation
    video_codec: str | None = None  # ffprobe's name
    audio_codec: str | None = None
    frame_rate: float | None = None  # frames per second, the average
    rotation: int | None = None  # of a video: clockwise degrees it has to be turned, 0, 90, 180 or 270
    motion_kind: str | None = None
    motion_video_offset: int | None = None  # bytes from the start of the file
    motion_video_bytes: int | None = None  # 0: the photo says that it has a video, and it is not there
    content_id: str | None = None  # the same on a Live Photo's HEIC and MOV
    burst_id: str | None = None
    page_count: int | None = None  # pages, frames or images in the file
    date_candidates: tuple[DateCandidate, ...] = ()
    tool: str = ""  # 'exifread', 'exifread+exiftool+ffprobe', …
    tool_version: str = ""


@dataclass(slots=True)
class Findings:
    """What one reader found. The names are `Metadata`'s; `lens_guess` is a lens that a better reader may name."""

    width: int | None = None
    height: int | None = None
    orientation: int | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    lens_model: str | None = None
    lens_guess: str | None = None
    focal_length_mm: float | None = None
    f_number: float | None = None
    exposure_time_s: float | None = None
    iso: int | None = None
    latitude: float | None = None
    longitude: float | None = None
    altitude_m: float | None = None
    rating: int | None = None
    title: str | None = None
    description: str | None = None
    keywords: tuple[str, ...] | None = None
    duration_s: float | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    frame_rate: float | None = None
    rotation: int | None = None
    content_id: str | None = None
    burst_id: str | None = None
    page_count: int | None = None
    dates: list[DateCandidate] = field(default_factory=list)

    def fill_from(self, other: Findings) -> None:
        """Take from *other* what is not known here. A position is taken whole or not at all; dates add up."""
        mine = self.latitude
        for name in _MERGED:
            if getattr(self, name) is None:
                setattr(self, name, getattr(other, name))
        if mine is None and other.latitude is not None:
            self.latitude, self.longitude, self.altitude_m = other.latitude, other.longitude, other.altitude_m
        known = {date.key: at for at, date in enumerate(self.dates)}
        for date in other.dates:
            if date.key not in known:
                self.dates.append(date)
            elif date.precision > self.dates[known[date.key]].precision:
                self.dates[known[date.key]] = date


_POSITION = {"latitude", "longitude", "altitude_m"}
_MERGED = tuple(entry.name for entry in fields(Findings) if entry.name not in {*_POSITION, "dates"})


def clean_text(value: object, limit: int = TEXT_LIMIT) -> str | None:
    """Text as a person would read it: no NULs or control characters, trimmed, capped; None when nothing is left."""
    if value is None:
        return None
    text = decode_text(value) if isinstance(value, bytes) else str(value)
    text = _CONTROL.sub("", text.split("\0", 1)[0] if "\0" in text.rstrip("\0") else text).strip()
    return text[:limit].rstrip() or None


def decode_text(raw: bytes) -> str:
    """Bytes of no declared encoding: UTF-8 where they are valid UTF-8, else Latin-1, which takes anything."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def clean_keywords(values: list[str] | tuple[str, ...]) -> tuple[str, ...] | None:
    """Each keyword once, in the order found; None for none at all."""
    cleaned = (clean_text(value) for value in values[:KEYWORD_LIMIT])
    return tuple(dict.fromkeys(word for word in cleaned if word)) or None


def finite(value: object) -> float | None:
    """A finite float, or None for inf, NaN, text and nothing."""
    if not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def positive(value: object) -> float | None:
    """A finite float above zero: an f-number, a length or an exposure of 0 is how cameras write 'unknown'."""
    number = finite(value)
    return number if number is not None and number > 0 else None


def whole(value: object, lowest: int, highest: int) -> int | None:
    """A number in range, rounded to a whole one, from text such as '4' or '1.0' too; None otherwise."""
    number = finite(value)
    if number is None or not lowest <= number <= highest:
        return None
    return round(number)

"""
When was it taken? Reads dates in every spelling cameras use, and picks one of the candidates.

A candidate that cannot be understood (0000:00:00, the year 42603, 30 February) is kept with `local=None`: it is a
fact about the file, it just decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tasks.metadata.fields import DateCandidate, clean_text

# The one rule: the lowest rank wins.
RANKS = {
    "DateTimeOriginal": 10,  # the shutter; EXIF, then a RAW's or camcorder's own tag, then XMP
    "CameraDateTimeOriginal": 12,
    "XmpDateTimeOriginal": 14,
    "CreationDate": 18,  # QuickTime's, with the zone of the phone
    "CreateDate": 20,  # EXIF DateTimeDigitized
    "XmpDateCreated": 30,
    "IptcDateCreated": 32,
    "XmpCreateDate": 34,
    "MovieDate": 40,  # mvhd, Matroska: UTC, and often when recording stopped
    "GPSDateTime": 50,
    "ModifyDate": 65,  # after the file name: any editor rewrites it
    "filename": 60,
    "mtime": 70,
}
_SIDECAR_STEP = 100  # whatever a sidecar says, it says last: it is where people correct dates
_DATE_ONLY_RANK = 55  # a day without a time is better than a file name, worse than any time
EARLIEST_YEAR, LATEST_YEAR = 1800, 2199
_NEVER_SET = {datetime(1904, 1, 1), datetime(1970, 1, 1)}  # where QuickTime and Unix clocks start counting

_DATE = re.compile(
    r"\s*(\d{4})\s*[:/.-]\s*(\d{1,2})\s*[:/.-]\s*(\d{1,2})"
    r"(?:[ T]+(\d{1,2})\s*:\s*(\d{1,2})(?:\s*:\s*(\d{1,2})(?:[.,](\d*))?)?"
    r"\s*(Z|UTC|[+-]\d{1,2}:?\d{2})?(?:\s*DST)?)?\s*",
    re.ASCII,
)
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})")
_LONGEST_OFFSET = timedelta(hours=15)


class ParsedDate(NamedTuple):
    """`offset` is '+02:00' style, 'Z' becomes '+00:00'; `has_time` is False for a bare day (local is its midnight)."""

    local: datetime
    offset: str | None
    has_time: bool


class Chosen(NamedTuple):
    """`local` and `utc` as in `Metadata`; all None when no candidate could be understood."""

    taken_at: datetime | None
    taken_at_utc: datetime | None
    time_zone: str | None
    source: str | None


def parse_date(text: str) -> ParsedDate | None:
    """'2019:07:04 15:30:12.25+02:00', '2019-07-04T15:30', '2019:04:24 22:24:00+02:00 DST', … or None."""
    found = _DATE.fullmatch(text[:80])
    if not found or not EARLIEST_YEAR <= int(found[1]) <= LATEST_YEAR:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    microsecond = int(((found[7] or "") + "000000")[:6])
    try:
        local = datetime(year, month, day, hour, minute, second, microsecond)
    except ValueError:
        return None
    return ParsedDate(local, parse_offset(found[8] or ""), found[4] is not None)


def parse_offset(text: str) -> str | None:
    """'+0200', '-7:00', 'Z' to '+02:00', '-07:00', '+00:00'; None for anything else or over 15 hours."""
    text = text.strip(" \0")
    if text in {"Z", "UTC"}:
        return "+00:00"
    found = _OFFSET.fullmatch(text)
    if not found or int(found[3]) > 59 or timedelta(hours=int(found[2]), minutes=int(found[3])) > _LONGEST_OFFSET:
        return None
    return f"{found[1]}{int(found[2]):02}:{found[3]}"


def offset_of(zone: str) -> timedelta | None:
    """The difference to UTC of a '+02:00' style zone; None for a name."""
    found = _OFFSET.fullmatch(zone)
    if not found:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return -offset if found[1] == "-" else offset


def local_candidate(
    source: str, text: object, kind: str, *, offset: str | None = None, subsecond: str | None = None
) -> DateCandidate | None:
    """
    A candidate from a tag that holds wall time.

    Args:
        kind: A key of `RANKS`.
        offset: What a tag of its own says about the zone; one inside *text* wins.
        subsecond: EXIF's SubSecTime: the digits behind the decimal point.
    Returns:
        None when the tag is empty. A tag that cannot be understood is a candidate with `local=None`.
    """
    written = clean_text(text, 100)
    if not written or not any(char.isdigit() for char in written):
        return None
    parsed = parse_date(written)
    if parsed is None:
        return DateCandidate(source, written, None, None, None, RANKS[kind])
    zone = parsed.offset or parse_offset(offset or "")
    rank = RANKS[kind] if parsed.has_time else max(RANKS[kind], _DATE_ONLY_RANK)
    candidate = DateCandidate(source, written, parsed.local, to_utc(parsed.local, zone), zone, rank)
    return with_fraction(candidate, subsecond)


def with_fraction(candidate: DateCandidate, subsecond: str | None) -> DateCandidate:
    """The date with the decimals that EXIF and XMP keep in a tag of their own, where it has none yet."""
    digits = (subsecond or "").strip()
    if not (digits.isascii() and digits.isdigit()) or candidate.local is None or candidate.local.microsecond:
        return candidate
    local = candidate.local.replace(microsecond=int((digits + "000000")[:6]))
    text = f"{candidate.text}.{digits[:9]}"
    return replace(candidate, text=text, local=local, utc=to_utc(local, candidate.time_zone))


def utc_candidate(source: str, text: object, kind: str) -> DateCandidate | None:
    """A candidate from a tag that holds UTC: QuickTime headers, GPS time, Pixel file names, mtime."""
    written = clean_text(text, 100)
    if not written or not any(char.isdigit() for char in written):
        return None
    parsed = parse_date(written)
    utc = to_utc(parsed.local, parsed.offset or "+00:00") if parsed and parsed.has_time else None
    if utc in _NEVER_SET:
        utc = None
    return DateCandidate(source, written, None, utc, None, RANKS[kind])


def as_sidecar(candidate: DateCandidate) -> DateCandidate:
    """The same date, found in an XMP file beside the original, which is believed before the original."""
    return replace(candidate, source=f"sidecar:{candidate.source}", rank=candidate.rank - _SIDECAR_STEP)


def to_utc(local: datetime, zone: str | None) -> datetime | None:
    """Naive wall time in *zone* (either spelling) to naive UTC; None without a usable zone."""
    if zone is None:
        return None
    offset = offset_of(zone)
    try:
        if offset is not None:
            return local - offset
        return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
    except (OverflowError, ValueError, KeyError):  # KeyError: this machine's zone data lacks the name
        return None


def to_local(utc: datetime, zone: str | None) -> datetime | None:
    """The inverse of `to_utc`."""
    if zone is None:
        return None
    offset = offset_of(zone)
    try:
        if offset is not None:
            return utc + offset
        return utc.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    except (OverflowError, ValueError, KeyError):
        return None


def with_zone(candidates: Iterable[DateCandidate], zone: str | None) -> list[DateCandidate]:
    """Complete what lacks a zone with that of the position, and sort: most believed first."""
    completed = [_complete(candidate, zone) for candidate in candidates]
    return sorted(completed, key=lambda candidate: candidate.rank)


def _complete(candidate: DateCandidate, zone: str | None) -> DateCandidate:
    if zone is None or candidate.time_zone is not None:
        return candidate
    if candidate.local is not None:
        utc = to_utc(candidate.local, zone)
        return candidate if utc is None else replace(candidate, utc=utc, time_zone=zone)
    if candidate.utc is not None:
        local = to_local(candidate.utc, zone)
        return candidate if local is None else replace(candidate, local=local, time_zone=zone)
    return candidate


def choose(candidates: Iterable[DateCandidate]) -> Chosen:
    """
    The date to believe, of candidates in the order of `with_zone`.

    A sidecar often repeats the camera's date without its fraction or zone: where the two agree to the second, the
    more precise one is taken. A moment known only in UTC stands in for wall time, since a timeline needs a place.
    """
    usable = [candidate for candidate in candidates if candidate.local or candidate.utc]
    if not usable:
        return Chosen(None, None, None, None)
    best = usable[0]
    agreeing = [other for other in usable if _same_second(best, other)]
    if best.source.startswith("sidecar:") and not (best.local and best.local.microsecond):
        best = next((other for other in agreeing if _is_finer(other)), best)
    if best.time_zone is None:
        best = next((replace(best, utc=to_utc(best.local, other.time_zone), time_zone=other.time_zone)
                     for other in agreeing if other.time_zone and best.local), best)  # fmt: skip
    return Chosen(best.local or best.utc, best.utc, best.time_zone, best.source)


def _is_finer(other: DateCandidate) -> bool:
    """Only the camera's own fractions: Adobe writes EXIF's '15' hundredths into XMP as .015."""
    camera = 0 <= other.rank <= RANKS["CreateDate"]
    return camera and other.local is not None and other.local.microsecond != 0


def _same_second(one: DateCandidate, other: DateCandidate) -> bool:
    if one.local is None or other.local is None or other.rank >= RANKS["GPSDateTime"]:
        return False
    return one.local.replace(microsecond=0) == other.local.replace(microsecond=0)

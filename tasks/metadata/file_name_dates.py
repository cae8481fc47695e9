"""Dates that phones, messengers and screenshot tools write into file names. Folder names are never asked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import PurePath

from tasks.metadata.dates import RANKS, parse_date
from tasks.metadata.fields import DateCandidate

# Year 1970 to 2099, real months and days, and no digit before or behind: a serial number is not a date.
_DAY = r"(?<!\d)(?P<year>19[7-9]\d|20\d\d)(?P<sep>[-_.: ]?)(?P<month>0[1-9]|1[0-2])(?P=sep)(?P<day>0[1-9]|[12]\d|3[01])"
_TIME = (
    r"(?P<hour>[01]\d|2[0-3])(?P<tsep>[-_.:h]?)(?P<minute>[0-5]\d)(?:(?P=tsep)|[.:m])(?P<second>[0-5]\d)"
    r"(?:[-.]?(?P<fraction>\d{3}))?(?!\d)"
)
_AFTERNOON = r"(?:\s?(?P<half>[AaPp])\.?[Mm]\b)?"
_DAY_AND_TIME = re.compile(rf"{_DAY}(?:\s+(?:at|um|à)\s+|[-_.T ,]{{0,2}}){_TIME}{_AFTERNOON}", re.ASCII)
_DAY_ALONE = re.compile(rf"{_DAY}(?!\d)", re.ASCII)
_TWELVE_HOURS = re.compile(rf"{_DAY} at (?P<hour>\d)\.(?P<minute>[0-5]\d)\.(?P<second>[0-5]\d){_AFTERNOON}")
_EPOCH = re.compile(r"(?:FB_IMG_|mmexport|wx_camera_)(1\d{12})(?!\d)")  # milliseconds since 1970, UTC
_UTC_NAME = re.compile(r"PXL_\d{8}_\d{6}")  # Google's Pixel camera names its files in UTC


def file_name_candidate(path: PurePath) -> DateCandidate | None:
    """The date in a file's name, None when there is none. A day alone stands for its midnight."""
    name = path.name
    if epoch := _EPOCH.search(name):
        utc = datetime.fromtimestamp(int(epoch[1]) // 1000, UTC).replace(tzinfo=None)
        return DateCandidate("filename", epoch[0], None, utc, None, RANKS["filename"])
    found = _DAY_AND_TIME.search(name) or _TWELVE_HOURS.search(name) or _DAY_ALONE.search(name)
    if not found:
        return None
    moment = _moment(found)
    if moment is None:
        return DateCandidate("filename", found[0], None, None, None, RANKS["filename"])
    if _UTC_NAME.search(name):
        return DateCandidate("filename", found[0], None, moment, None, RANKS["filename"])
    return DateCandidate("filename", found[0], moment, None, None, RANKS["filename"])


def _moment(found: re.Match[str]) -> datetime | None:
    parts = {key: value or "0" for key, value in found.groupdict().items()}
    parsed = parse_date(
        f"{parts['year']}:{parts['month']}:{parts['day']} {parts.get('hour', '0')}:{parts.get('minute', '00')}"
        f":{parts.get('second', '00')}.{parts.get('fraction', '0')}"
    )
    if parsed is None:
        return None
    half = parts.get("half", "0").lower()
    if half == "p" and parsed.local.hour < 12:
        return parsed.local + timedelta(hours=12)
    if half == "a" and parsed.local.hour == 12:
        return parsed.local - timedelta(hours=12)
    return parsed.local

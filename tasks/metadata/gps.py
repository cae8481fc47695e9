"""Where was it taken: coordinates in every spelling, made null when they are not a place, and the zone there."""

from __future__ import annotations

import math
import re
import threading
from functools import lru_cache
from typing import Any, NamedTuple

from tasks.metadata.fields import finite

_LOADING = threading.Lock()
_XMP_COORDINATE = re.compile(r"\s*([+-]?[\d.]+)(?:,\s*([\d.]+))?(?:,\s*([\d.]+))?\s*([NSEW]?)\s*", re.IGNORECASE)
_ISO_6709 = re.compile(r"\s*([+-][\d.]+)([+-][\d.]+)([+-][\d.]+)?")
_HIGHEST_M = 100_000  # above it there is no camera; below the deepest trench neither
_LOWEST_M = -12_000


class Position(NamedTuple):
    """Degrees (north and east positive) and metres above sea level; latitude and longitude together or neither."""

    latitude: float | None = None
    longitude: float | None = None
    altitude_m: float | None = None


def position(latitude: object, longitude: object, altitude_m: object = None) -> Position:
    """Only what can be a place: numbers in range, and not exactly 0, 0, which is how phones write 'no fix yet'."""
    north, east, up = finite(latitude), finite(longitude), finite(altitude_m)
    if north is None or east is None or abs(north) > 90 or abs(east) > 180 or (north == 0 and east == 0):
        return Position()
    return Position(north, east, up if up is not None and _LOWEST_M <= up <= _HIGHEST_M else None)


def degrees(parts: object, reference: str | None) -> float | None:
    """
    EXIF's degrees, minutes, seconds to signed degrees.

    Args:
        parts: Up to three numbers; None among them (a rational over zero) spoils it only in the first place.
        reference: 'N', 'S', 'E' or 'W', in either case or spelled out; anything else means the positive side.
    """
    if not isinstance(parts, list | tuple) or not parts or len(parts) > 3:
        return None
    numbers = [finite(part) for part in parts]
    if numbers[0] is None or any(number is not None and number < 0 for number in numbers[1:]):
        return None
    total = math.fsum((number or 0.0) / 60.0**power for power, number in enumerate(numbers))
    negative = (reference or "").strip(" \0")[:1].upper() in {"S", "W"}
    return -abs(total) if negative else total


def xmp_degrees(text: str | None) -> float | None:
    """XMP's '52,27.5814N' or '52,27,34N', and the plain decimals that some write instead."""
    found = _XMP_COORDINATE.fullmatch((text or "")[:60])
    if not found:
        return None
    return degrees([part for part in found.groups()[:3] if part is not None], found[4])


def iso_6709(text: str | None) -> Position:
    """QuickTime's '+52.4597+013.3220+051.178/'."""
    found = _ISO_6709.match((text or "")[:100])
    return position(*found.groups()) if found else Position()


def zone_at(latitude: float | None, longitude: float | None) -> str | None:
    """
    The IANA zone at a position, None for none.

    Source: timezonefinder's polygons. Read from disk as needed (`in_memory=False`); loaded at the first question.
    """
    if latitude is None or longitude is None:
        return None
    return _zone_at(round(latitude, 4), round(longitude, 4))


@lru_cache(maxsize=4096)  # photos come in bursts from one place
def _zone_at(latitude: float, longitude: float) -> str | None:
    with _LOADING:
        found = _finder().timezone_at(lng=longitude, lat=latitude)
    return str(found) if found else None


@lru_cache(maxsize=1)
def _finder() -> Any:
    from timezonefinder import TimezoneFinder

    return TimezoneFinder(in_memory=False)

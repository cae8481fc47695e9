"""EXIF blocks to findings: decoded by exifread (maker notes off), with Pillow's reader as the second opinion."""

from __future__ import annotations

import io
import logging
import struct
import warnings
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, BinaryIO

import exifread
from PIL.Image import Exif
from PIL.TiffImagePlugin import IFDRational

from tasks.metadata._tiff import HostileTiff, Tiff
from tasks.metadata.dates import local_candidate, utc_candidate
from tasks.metadata.fields import DateCandidate, Findings, clean_keywords, clean_text, finite, positive, whole
from tasks.metadata.gps import Position, degrees, position

warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")  # likewise, on stderr
logging.getLogger("exifread").setLevel(logging.CRITICAL)  # it warns about every odd byte of every file

_APPLE = b"Apple iOS\0"
_APPLE_BURST, _APPLE_CONTENT = 0x000B, 0x0011
_SAID_BY_THE_CAMERA = {"olympus digital camera", "sony dsc", "samsung camera pictures", "digital still camera",
                       "minolta digital camera", "kodak digital still camera", "default", "dcim"}  # fmt: skip
Tags = Mapping[str, Any]  # 'DateTimeOriginal' -> list of numbers, or str


def exif_findings(tiff_block: bytes) -> Findings:
    """
    What a TIFF structure's IFD0, Exif and GPS directories say.

    Raises:
        HostileTiff: The block is built to hang readers; nothing of it was decoded.
        ValueError: Neither reader can make anything of it.
    """
    skeleton = Tiff(io.BytesIO(tiff_block), 0, len(tiff_block))
    return findings_of(skeleton, io.BytesIO(tiff_block))


def findings_of(skeleton: Tiff, file: BinaryIO) -> Findings:
    """As `exif_findings`, for a file that *is* a TIFF structure (TIFF, DNG, NEF, …) and stays where it is."""
    tags = _read_with_exifread(file)
    if not tags:
        file.seek(0)
        tags = _read_with_pillow(file)
    findings = Findings(
        orientation=whole(_first(tags, "Orientation"), 1, 8),
        camera_make=clean_text(_text(tags, "Make")),
        camera_model=clean_text(_text(tags, "Model")),
        lens_model=_lens(tags),
        focal_length_mm=positive(_first(tags, "FocalLength")),
        f_number=positive(_first(tags, "FNumber")),
        exposure_time_s=positive(_first(tags, "ExposureTime")),
        iso=_iso(tags),
        rating=whole(_first(tags, "Rating"), -1, 5),
        title=_windows_text(skeleton, 0x9C9B),
        description=_description(tags, skeleton),
        keywords=clean_keywords((_windows_text(skeleton, 0x9C9E) or "").split(";")),
        dates=_dates(tags),
    )
    findings.latitude, findings.longitude, findings.altitude_m = _position(tags)
    findings.burst_id, findings.content_id = _apple_ids(skeleton)
    return findings


def has_maker_note(tiff_block: bytes) -> bool:
    """Is there a maker note, in which a slower tool may find the lens?"""
    skeleton = Tiff(io.BytesIO(tiff_block), 0, len(tiff_block))
    return skeleton.find(0x927C, 0x8769) is not None


def _read_with_exifread(file: BinaryIO) -> Tags:
    """exifread's tags without their directory: the Exif directory's win over IFD0's, thumbnails' are left out."""
    try:
        found = exifread.process_file(file, details=False, extract_thumbnail=False)
    except Exception as exc:  # noqa: BLE001  (it is known to raise nearly anything on damaged blocks)
        logging.getLogger(__name__).debug("exifread gave up: %r", exc)
        return {}
    tags: dict[str, Any] = {}
    for key, tag in found.items():
        directory, _, name = key.partition(" ")
        if directory in {"Image", "EXIF", "GPS"} and (directory == "EXIF" or name not in tags):
            tags[name] = tag.values
    return tags


_PILLOW_NAMES = {
    0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0112: "Orientation", 0x0132: "DateTime",
    0x4746: "Rating", 0x829A: "ExposureTime", 0x829D: "FNumber", 0x8827: "ISOSpeedRatings", 0x9003: "DateTimeOriginal",
    0x9004: "DateTimeDigitized", 0x9010: "OffsetTime", 0x9011: "OffsetTimeOriginal", 0x9012: "OffsetTimeDigitized",
    0x9290: "SubSecTime", 0x9291: "SubSecTimeOriginal", 0x9292: "SubSecTimeDigitized", 0x920A: "FocalLength",
    0xA434: "LensModel",
}  # fmt: skip
_PILLOW_GPS_NAMES = {1: "GPSLatitudeRef", 2: "GPSLatitude", 3: "GPSLongitudeRef", 4: "GPSLongitude",
                     5: "GPSAltitudeRef", 6: "GPSAltitude", 7: "GPSTimeStamp", 29: "GPSDate"}  # fmt: skip


def _read_with_pillow(file: BinaryIO) -> Tags:
    exif = Exif()
    try:
        exif.load_from_fp(file)
        directories = [(exif, _PILLOW_NAMES), (exif.get_ifd(0x8769), _PILLOW_NAMES)]
        directories.append((exif.get_ifd(0x8825), _PILLOW_GPS_NAMES))
    except Exception as exc:  # likewise
        raise ValueError(f"EXIF cannot be read: {exc}") from exc
    tags: dict[str, Any] = {}
    for directory, names in directories:
        for number, name in names.items():
            if (value := directory.get(number)) is not None:
                tags[name] = list(value) if isinstance(value, tuple) else value if isinstance(value, str) else [value]
    return tags


def _first(tags: Tags, name: str) -> float | None:
    return _number(next(iter(_values(tags, name)), None))


def _values(tags: Tags, name: str) -> list[Any]:
    value = tags.get(name)
    return list(value) if isinstance(value, list | tuple) else []


def _number(value: object) -> float | None:
    """exifread's ratios, Pillow's rationals, its one-element tuples for floats, plain numbers; x/0 is None."""
    if isinstance(value, tuple) and value:
        value = value[0]
    if isinstance(value, Fraction | IFDRational):
        return finite(float(value)) if value.denominator else None
    numerator, denominator = getattr(value, "num", None), getattr(value, "den", None)
    if numerator is not None and denominator is not None:
        return finite(numerator / denominator) if denominator else None
    return finite(value)


def _text(tags: Tags, name: str) -> str | None:
    value = tags.get(name)
    if isinstance(value, list) and value and all(isinstance(part, int) and 0 <= part < 256 for part in value):
        return clean_text(bytes(value))
    return clean_text(value) if isinstance(value, str | bytes) else None


def _lens(tags: Tags) -> str | None:
    """LensModel; the placeholder '----' and an empty focal range mean that the camera did not know."""
    lens = _text(tags, "LensModel")
    return lens if lens and lens.strip("-. 0mf/") else None


def _iso(tags: Tags) -> int | None:
    for name in ("ISOSpeedRatings", "PhotographicSensitivity", "RecommendedExposureIndex", "ISOSpeed"):
        number = whole(_first(tags, name), 1, 50_000_000)
        if number is not None and not (number == 65_535 and name == "ISOSpeedRatings"):  # 16 bits are full: see next
            return number
    return None


def _description(tags: Tags, skeleton: Tiff) -> str | None:
    text = _text(tags, "ImageDescription")
    if text and text.strip().lower() not in _SAID_BY_THE_CAMERA:
        return text
    return _windows_text(skeleton, 0x9C9C)


def _windows_text(skeleton: Tiff, tag: int) -> str | None:
    """XPTitle, XPComment, XPKeywords: UTF-16 in a byte array."""
    raw = skeleton.raw(skeleton.find(tag))[:16_000]
    return clean_text(raw.decode("utf-16-le", "replace")) if raw else None


def _dates(tags: Tags) -> list[DateCandidate]:
    written = {"DateTimeOriginal": ("DateTimeOriginal", "Original"), "CreateDate": ("DateTimeDigitized", "Digitized"),
               "ModifyDate": ("DateTime", "")}  # fmt: skip
    found = [
        local_candidate(
            f"EXIF:{kind}",
            _text(tags, name),
            kind,
            offset=_text(tags, f"OffsetTime{which}") or _text(tags, "OffsetTime"),
            subsecond=_text(tags, f"SubSecTime{which}"),
        )
        for kind, (name, which) in written.items()
    ]
    numbers = [_number(part) for part in _values(tags, "GPSTimeStamp")[:3]]
    found.append(utc_candidate("GPS:GPSDateTime", gps_time(_text(tags, "GPSDate"), numbers), "GPSDateTime"))
    return [candidate for candidate in found if candidate is not None]


def gps_time(day: str | None, numbers: list[float | None]) -> str | None:
    """GPSDateStamp and GPSTimeStamp as one text; None unless both are there."""
    if not day or len(numbers) != 3 or None in numbers:
        return None
    hour, minute, second = (number or 0.0 for number in numbers)
    return f"{day} {hour:02.0f}:{minute:02.0f}:{second:06.3f}".removesuffix(".000")


def _position(tags: Tags) -> Position:
    altitude = _first(tags, "GPSAltitude")
    if altitude is not None and _first(tags, "GPSAltitudeRef") == 1:
        altitude = -altitude
    return position(
        degrees([_number(part) for part in _values(tags, "GPSLatitude")], _text(tags, "GPSLatitudeRef")),
        degrees([_number(part) for part in _values(tags, "GPSLongitude")], _text(tags, "GPSLongitudeRef")),
        altitude,
    )


def _apple_ids(skeleton: Tiff) -> tuple[str | None, str | None]:
    """(burst id, content id) of an iPhone's maker note: one directory, offsets counted from its own start."""
    note = skeleton.raw(skeleton.find(0x927C, 0x8769))
    if not note.startswith(_APPLE) or len(note) < 16:
        return None, None
    found: dict[int, str] = {}
    (count,) = struct.unpack_from(">H", note, 14)
    for at in range(16, min(16 + 12 * min(count, 200), len(note) - 11), 12):
        tag, kind, length, where = struct.unpack_from(">HHII", note, at)
        if tag in {_APPLE_BURST, _APPLE_CONTENT} and kind == 2 and 4 < length <= 200:
            text = clean_text(note[where : where + length])
            if text:
                found[tag] = text
    return found.get(_APPLE_BURST), found.get(_APPLE_CONTENT)


__all__ = ["HostileTiff", "exif_findings", "findings_of", "gps_time", "has_maker_note"]

"""XMP's texts to numbers, places and dates: for the packet inside a file and for the sidecar beside it."""

from __future__ import annotations

from tasks.metadata.dates import as_sidecar, local_candidate, utc_candidate
from tasks.metadata.fields import DateCandidate, Findings, clean_text, finite, positive, whole
from tasks.metadata.gps import position, xmp_degrees
from tasks.metadata.xmp import XmpFields

_DATES = {"exif:DateTimeOriginal": "XmpDateTimeOriginal", "photoshop:DateCreated": "XmpDateCreated",
          "exif:DateTimeDigitized": "XmpCreateDate", "xmp:CreateDate": "XmpCreateDate"}  # fmt: skip


def xmp_findings(xmp: XmpFields, *, sidecar: bool = False) -> Findings:
    """
    What a packet says about the picture.

    Args:
        sidecar: Its dates are then believed before the file's. Sizes are never taken from XMP: editors leave them as
            they were before the last crop.
    """
    values = xmp.values
    findings = Findings(
        orientation=whole(values.get("tiff:Orientation"), 1, 8),
        camera_make=clean_text(values.get("tiff:Make")),
        camera_model=clean_text(values.get("tiff:Model")),
        lens_model=clean_text(values.get("exifEX:LensModel")),
        lens_guess=clean_text(values.get("aux:Lens")),
        focal_length_mm=positive(fraction(values.get("exif:FocalLength"))),
        f_number=positive(fraction(values.get("exif:FNumber"))),
        exposure_time_s=positive(fraction(values.get("exif:ExposureTime"))),
        iso=whole(values.get("exif:ISOSpeedRatings") or values.get("exifEX:PhotographicSensitivity"), 1, 50_000_000),
        rating=whole(values.get("xmp:Rating"), -1, 5),
        title=xmp.title,
        description=xmp.description,
        keywords=xmp.keywords or None,
        dates=_dates(values, sidecar),
    )
    altitude = fraction(values.get("exif:GPSAltitude"))
    if altitude is not None and values.get("exif:GPSAltitudeRef", "").strip() == "1":
        altitude = -altitude
    findings.latitude, findings.longitude, findings.altitude_m = position(
        xmp_degrees(values.get("exif:GPSLatitude")), xmp_degrees(values.get("exif:GPSLongitude")), altitude
    )
    return findings


def fraction(text: str | None) -> float | None:
    """'28/5', '0.004', '-3': XMP writes numbers either way. None over zero."""
    above, slash, below = (text or "").partition("/")
    number, divisor = finite(above), finite(below) if slash else 1.0
    return number / divisor if number is not None and divisor else None


def _dates(values: dict[str, str], sidecar: bool) -> list[DateCandidate]:
    found = [local_candidate(f"XMP:{name}", values.get(name), kind) for name, kind in _DATES.items()]
    found.append(utc_candidate("XMP:exif:GPSTimeStamp", values.get("exif:GPSTimeStamp"), "GPSDateTime"))
    dates = [candidate for candidate in found if candidate is not None]
    return [as_sidecar(candidate) for candidate in dates] if sidecar else dates

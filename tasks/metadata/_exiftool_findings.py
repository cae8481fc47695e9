"""exiftool's tags to findings. `TAGS` is what is asked for; '#' asks for the number behind the printed text."""

from __future__ import annotations

from collections.abc import Iterable

from tasks.metadata.dates import local_candidate, utc_candidate
from tasks.metadata.exiftool import ExifToolTags, TagValue
from tasks.metadata.fields import DateCandidate, Findings, clean_keywords, clean_text, finite, positive, whole
from tasks.metadata.gps import position

_NUMBERS = ("ImageWidth", "ImageHeight", "Orientation", "Rotation", "FocalLength", "FNumber", "ExposureTime",
            "Rating", "Duration", "GPSLatitude", "GPSLongitude", "GPSAltitude")  # fmt: skip
_TEXTS = ("ISO", "Make", "Model", "LensModel", "CameraLensModel", "LensID", "Lens", "Title", "ObjectName", "XPTitle",
          "Description", "Caption-Abstract", "ImageDescription", "Subject", "Keywords", "BurstUUID", "MediaGroupUUID",
          "ContentIdentifier", "DateTimeOriginal", "SubSecDateTimeOriginal", "CreateDate", "SubSecCreateDate",
          "CreationDate", "DateCreated", "DateTimeCreated", "OffsetTime", "OffsetTimeOriginal", "OffsetTimeDigitized",
          "ModifyDate", "GPSDateTime", "Error", "Warning")  # fmt: skip
TAGS = (*(f"-{name}#" for name in _NUMBERS), *(f"-{name}" for name in _TEXTS))

# ISO without '#': behind a Pentax's printed '100' is the number 6.

_EXIF_GROUPS = ("ExifIFD", "IFD0")
_QUICKTIME_GROUPS = ("Keys", "ItemList", "UserData")
_NO_LENS = {"unknown", "n/a", "none", "no lens", "unknown (0)", "0", "65535"}


class TagTable:
    """
    Finds a tag among groups.

    Without `-a` exiftool shows one tag of each name, its best; with it the others are marked 'CopyN'. `best` is that
    one, `of` any from a given group.
    """

    def __init__(self, tags: ExifToolTags) -> None:
        self._best: dict[str, tuple[str, TagValue]] = {}
        self._by_group: dict[tuple[str, str], TagValue] = {}
        for key, value in tags.items():
            groups, _, name = key.rpartition(":")
            group, _, copy = groups.partition(":")
            self._by_group.setdefault((group, name), value)
            if not copy:
                self._best.setdefault(name, (group, value))

    def best(self, name: str) -> TagValue:
        return self._best.get(name, ("", None))[1]

    def best_group(self, name: str) -> str:
        return self._best.get(name, ("", None))[0]

    def of(self, name: str, *groups: str) -> TagValue:
        return next((value for group in groups if (value := self._by_group.get((group, name))) is not None), None)

    def group_of(self, name: str, unlike: Iterable[str]) -> str | None:
        """A group that has *name* and begins like none of *unlike*."""
        skipped = tuple(unlike)
        return next((group for group, tag in self._by_group if tag == name and not group.startswith(skipped)), None)


def exiftool_findings(tags: ExifToolTags) -> Findings:
    """Width and height are turned upright by the orientation, or by a video's rotation."""
    table = TagTable(tags)
    orientation = whole(table.best("Orientation"), 1, 8)
    rotation = whole(table.of("Rotation", "Composite"), 0, 359)
    width, height = whole(table.best("ImageWidth"), 1, 1 << 31), whole(table.best("ImageHeight"), 1, 1 << 31)
    if (orientation is not None and orientation >= 5) or rotation in {90, 270}:
        width, height = height, width
    findings = Findings(
        width=width,
        height=height,
        orientation=orientation,
        camera_make=clean_text(table.best("Make")),
        camera_model=clean_text(table.best("Model")),
        lens_model=_lens(table),
        lens_guess=clean_text(table.of("Lens", "XMP-aux")),
        focal_length_mm=positive(table.best("FocalLength")),
        f_number=positive(table.best("FNumber")),
        exposure_time_s=positive(table.best("ExposureTime")),
        iso=_iso(table.best("ISO")),
        rating=whole(table.best("Rating"), -1, 5),
        title=_first_text(table.best("Title"), table.best("ObjectName"), table.best("XPTitle")),
        description=_first_text(table.best("Description"), table.best("Caption-Abstract")),
        keywords=clean_keywords(_words(table.of("Subject", "XMP-dc")) + _words(table.of("Keywords", "IPTC", "Keys"))),
        duration_s=positive(table.best("Duration")),
        content_id=_first_text(table.best("ContentIdentifier"), table.best("MediaGroupUUID")),
        burst_id=clean_text(table.best("BurstUUID")),
        dates=_dates(table),
    )
    findings.latitude, findings.longitude, findings.altitude_m = position(
        _number_of(table, "GPSLatitude"), _number_of(table, "GPSLongitude"), _altitude(table)
    )
    return findings


def exiftool_error(tags: ExifToolTags) -> str | None:
    """Why it could not be read, in exiftool's words; None when it could."""
    return clean_text(TagTable(tags).best("Error"))


def _number_of(table: TagTable, name: str) -> TagValue:
    """The composite carries the sign that EXIF keeps in a tag of its own; XMP's carries it itself."""
    return table.of(name, "Composite", "XMP-exif")


def _altitude(table: TagTable) -> float | None:
    """exiftool makes no composite where the reference is missing; EXIF then means above sea level."""
    composite = finite(_number_of(table, "GPSAltitude"))
    return composite if composite is not None else finite(table.of("GPSAltitude", "GPS"))


def _lens(table: TagTable) -> str | None:
    """
    The lens as the camera names it, else as exiftool recognises it from the maker note's number and its focal range.

    XMP-aux:Lens is not used here: it says '16.0-35.0 mm f/4.0' where the number says which 16-35 it was.
    """
    candidates = (
        table.of("LensModel", "ExifIFD", "IFD0"),
        table.best("LensModel"),
        table.best("CameraLensModel"),
        table.of("LensID", "Composite"),
        table.of("Lens", "Composite"),
    )
    names = (_first_text(candidate) for candidate in candidates)
    return next((name for name in names if name and _is_lens(name)), None)


def _is_lens(name: str) -> bool:
    """Not '----', not '0.0 mm f/0.0', not exiftool's 'Unknown 7-21mm'."""
    return bool(name.strip("-. 0mf/")) and name.lower() not in _NO_LENS and not name.startswith("Unknown")


def _iso(value: TagValue) -> int | None:
    """Some cameras write two numbers, '0, 200' or [200, 200]: the first that is one."""
    parts = value if isinstance(value, list) else str(value or "").replace(",", " ").split()
    return next((iso for part in parts if (iso := whole(part, 1, 50_000_000)) is not None), None)


def _words(value: TagValue) -> list[str]:
    if isinstance(value, list):
        return [word for word in value if isinstance(word, str)]
    return [value] if isinstance(value, str) else []


def _first_text(*values: TagValue) -> str | None:
    texts = (clean_text(value) for value in values if isinstance(value, str))
    return next((text for text in texts if text), None)


def _dates(table: TagTable) -> list[DateCandidate]:
    text = {name: _first_text(table.of(name, "Composite")) for name in ("SubSecDateTimeOriginal", "SubSecCreateDate")}
    offset = _first_text(table.of("OffsetTime", *_EXIF_GROUPS))
    zones = {name: _first_text(table.of(name, *_EXIF_GROUPS)) for name in ("OffsetTimeOriginal", "OffsetTimeDigitized")}
    found: list[DateCandidate | None] = [
        local_candidate("EXIF:DateTimeOriginal", text["SubSecDateTimeOriginal"] or
                        table.of("DateTimeOriginal", *_EXIF_GROUPS), "DateTimeOriginal",
                        offset=zones["OffsetTimeOriginal"] or offset),
        local_candidate("EXIF:CreateDate", text["SubSecCreateDate"] or table.of("CreateDate", *_EXIF_GROUPS),
                        "CreateDate", offset=zones["OffsetTimeDigitized"] or offset),
        local_candidate("EXIF:ModifyDate", table.of("ModifyDate", *_EXIF_GROUPS), "ModifyDate", offset=offset),
        local_candidate("XMP:exif:DateTimeOriginal", table.of("DateTimeOriginal", "XMP-exif"), "XmpDateTimeOriginal"),
        local_candidate("XMP:photoshop:DateCreated", table.of("DateCreated", "XMP-photoshop"), "XmpDateCreated"),
        local_candidate("XMP:xmp:CreateDate", table.of("CreateDate", "XMP-xmp"), "XmpCreateDate"),
        local_candidate("IPTC:DateCreated", table.of("DateTimeCreated", "Composite"), "IptcDateCreated"),
        utc_candidate("GPS:GPSDateTime", table.of("GPSDateTime", "Composite"), "GPSDateTime"),
        *_quicktime_dates(table),
        _camera_date(table),
    ]  # fmt: skip
    return [candidate for candidate in found if candidate is not None]


def _quicktime_dates(table: TagTable) -> list[DateCandidate | None]:
    """Apple's CreationDate knows its zone; the movie header's date is UTC; Matroska's says so itself ('Z')."""
    matroska = table.of("DateTimeOriginal", "Matroska")
    return [
        local_candidate("QuickTime:CreationDate", table.of("CreationDate", *_QUICKTIME_GROUPS), "CreationDate"),
        utc_candidate("QuickTime:CreateDate", table.of("CreateDate", "QuickTime"), "MovieDate"),
        utc_candidate("Matroska:DateTimeOriginal", matroska, "MovieDate"),
    ]


def _camera_date(table: TagTable) -> DateCandidate | None:
    """What a RAW or camcorder format of its own calls DateTimeOriginal: CanonRaw, SigmaRaw, H264, RIFF, …"""
    others = (*_EXIF_GROUPS, "XMP", "Composite", "Matroska", "IPTC", "Track", "QuickTime", "IFD", "SubIFD")
    group = table.group_of("DateTimeOriginal", others)
    if group is None:
        return None
    return local_candidate(f"{group}:DateTimeOriginal", table.of("DateTimeOriginal", group), "CameraDateTimeOriginal")

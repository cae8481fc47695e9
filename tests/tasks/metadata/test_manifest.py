"""The whole corpus against its ground truth, field by field."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tasks.errors import AssetError, CorruptMedia, UnsupportedMedia
from tasks.files.media_file import MediaFile
from tasks.files.media_types import is_sidecar
from tasks.metadata import ExifTool, Metadata, read_full, read_quick
from tasks.metadata.dates import parse_date

from .conftest import media_file

COLUMNS = {
    "width": "width", "height": "height", "orientation": "orientation", "make": "camera_make", "model": "camera_model",
    "lens": "lens_model", "iso": "iso", "f_number": "f_number", "exposure_time": "exposure_time_s",
    "focal_length": "focal_length_mm", "gps_lat": "latitude", "gps_lon": "longitude", "gps_alt": "altitude_m",
    "rating": "rating", "title": "title", "duration_s": "duration_s", "ffprobe_vcodec": "video_codec",
    "audio_codec": "audio_codec", "rotation": "rotation", "n_images": "page_count", "motion_kind": "motion_kind",
    "motion_video_offset": "motion_video_offset", "motion_video_bytes": "motion_video_bytes",
    "content_id": "content_id", "burst_id": "burst_id", "offset_time": "time_zone",
}  # fmt: skip

NULL_ISLAND = "0, 0 is how devices write 'no fix yet'"
UNKNOWN_AS_ZERO = "EXIF has no ISO 0 and no orientation 0: cameras and editors write it for 'unknown'"
DEFENDED = {
    **{
        (name, column): NULL_ISLAND
        for name in ("formats/avif/paris_icc_exif_xmp.avif", "formats/png/paris_icc_exif_xmp.png",
                     "phone/android/image-2011.jpg", "video/isom-avc1.mp4")
        for column in ("gps_lat", "gps_lon", "gps_alt")
    },
    ("2020/panorama/panorama360.jpg", "gps_alt"): "'undef' is 0/0",
    ("odd/truncated.jpg", "gps_alt"): "'undef' is 0/0",
    ("2002/Casio EX-S1.jpg", "iso"): UNKNOWN_AS_ZERO,
    ("2020/digikam.jpg", "orientation"): UNKNOWN_AS_ZERO,
    ("odd/broken.jpg", "orientation"): UNKNOWN_AS_ZERO,
    ("formats/psd/exiv2-photoshop.psd", "n_images"): "no layers, but one picture",
}  # fmt: skip
UNREADABLE = {
    "odd/._IMG_4120.JPG": UnsupportedMedia,
    "odd/text-renamed.jpg": UnsupportedMedia,
    "odd/broken.mp4": CorruptMedia,
    "odd/truncated_no_moov.mp4": CorruptMedia,
    "odd/corrupted.heic": CorruptMedia,
    "odd/empty.heic": CorruptMedia,
    "odd/zero-byte.jpg": CorruptMedia,
}


@pytest.fixture(scope="module")
def rows(media: Path) -> list[dict[str, str]]:
    with (media / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    return [row for row in listed if not is_sidecar(row["path"]) and not row["path"].endswith(".docx")]


@pytest.fixture(scope="module")
def originals(media: Path, rows: list[dict[str, str]]) -> list[MediaFile]:
    return [media_file(media / row["path"]) for row in rows]


def differences(row: dict[str, str], found: Metadata) -> list[str]:
    """'column: want … got …' for each manifest value that ours does not equal."""
    complaints = []
    for column, name in COLUMNS.items():
        wanted, ours = row[column], getattr(found, name)
        if not wanted or (row["path"], column) in DEFENDED or (column == "rotation" and found.video_codec is None):
            continue
        if not _equal(wanted, ours, 0.01 if column == "duration_s" else 1e-4):
            complaints.append(f"{row['path']} {column}: want {wanted!r} got {ours!r}")
    return complaints + _date_differences(row, found)


def _equal(wanted: str, ours: object, tolerance: float) -> bool:
    if isinstance(ours, int | float):
        return float(wanted) == pytest.approx(ours, rel=tolerance, abs=1e-6)
    return wanted == ours


def _date_differences(row: dict[str, str], found: Metadata) -> list[str]:
    """The camera's date is wall time; a video header's is UTC, whatever the wall said."""
    local = row["subsec_datetime_original"] or row["datetime_original"] or row["creation_date"]
    wanted = parse_date(local or row["create_date"])
    if wanted is None:
        return []
    utc = not local and found.video_codec is not None
    ours = found.taken_at_utc if utc else found.taken_at
    agrees = ours is not None and (
        ours == wanted.local or (not wanted.local.microsecond and ours.replace(microsecond=0) == wanted.local)
    )
    return [] if agrees else [f"{row['path']} date: want {wanted.local} got {ours} from {found.taken_at_source}"]


def test_every_field_equals_the_manifest_where_it_has_a_value(
    rows: list[dict[str, str]], originals: list[MediaFile], exiftool: ExifTool, ffprobe: str
) -> None:
    answers = read_full(originals, exiftool, ffprobe)
    complaints = []
    for row, answer in zip(rows, answers, strict=True):
        if isinstance(answer, AssetError):
            complaints += [] if type(answer) is UNREADABLE.get(row["path"]) else [f"{row['path']}: {answer!r}"]
        else:
            complaints += differences(row, answer)
    assert complaints == []


def test_a_quick_read_that_calls_itself_complete_equals_the_manifest_too(
    rows: list[dict[str, str]], originals: list[MediaFile]
) -> None:
    complaints, complete = [], 0
    for row, original in zip(rows, originals, strict=True):
        answer = read_quick(original)
        if answer.complete and answer.metadata is not None:
            complete += 1
            complaints += differences(row, answer.metadata)
    assert complaints == []
    assert complete > len(rows) / 3  # else nothing is gained by it


def test_without_any_tool_every_file_still_gets_an_answer(originals: list[MediaFile]) -> None:
    answers = read_full(originals, None, None)
    assert all(isinstance(answer, Metadata | AssetError) for answer in answers)
    videos = [answer for file, answer in zip(originals, answers, strict=True) if file.kind.media_type == "video"]
    assert all(isinstance(answer, Metadata) and answer.taken_at for answer in videos)


def test_every_defended_difference_is_still_one(rows: list[dict[str, str]]) -> None:
    listed = {(row["path"], column) for row in rows for column in COLUMNS if row[column]}
    assert set(DEFENDED) <= listed


def test_reading_reports_its_problem_not_its_guess_for_a_file_that_vanished(tmp_path: Path, exiftool: ExifTool) -> None:
    path = tmp_path / "gone.jpg"
    path.write_bytes(b"\xff\xd8\xff\xd9")
    original = media_file(path)
    path.unlink()
    (answer,) = read_full([original], exiftool, None)
    assert isinstance(answer, AssetError)
    assert "cannot be read" in answer.reason

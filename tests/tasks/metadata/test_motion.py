"""The videos in motion photos: found where they are, and only if they are there."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest

from tasks.metadata import read_quick
from tasks.metadata.motion import Motion, find_motion
from tasks.metadata.xmp import XmpFields, parse_xmp

from .conftest import box, jpeg, media_file, xmp_packet

VIDEO = box(b"ftyp", b"mp42\0\0\0\0mp42") + box(b"mdat", b"\0" * 500)


def found_in(content: bytes, xmp: XmpFields | None, *, is_heif: bool = False) -> Motion | None:
    return find_motion(io.BytesIO(content), len(content), xmp, is_heif=is_heif)


def container(*items: tuple[str, str, int, int]) -> XmpFields:
    """Container:Directory of (mime, semantic, length, padding)."""
    listed = "".join(
        f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="{mime}" Item:Semantic="{semantic}" '
        f'Item:Length="{length}" Item:Padding="{padding}"/></rdf:li>'
        for mime, semantic, length, padding in items
    )
    body = f"<Container:Directory><rdf:Seq>{listed}</rdf:Seq></Container:Directory>"
    return parse_xmp(xmp_packet('GCamera:MotionPhoto="1"', body))


def samsung_trailer(video: bytes) -> bytes:
    """A part named MotionPhoto_Data and the table of contents that points at it."""
    name = b"MotionPhoto_Data"
    part = struct.pack("<HHI", 0, 0x0A30, len(name)) + name + video
    table = b"SEFH" + struct.pack("<II", 107, 1) + struct.pack("<HHII", 0, 0x0A30, len(part), len(part))
    return part + table + struct.pack("<I", len(table)) + b"SEFT"


def test_googles_first_kind_is_counted_from_the_end() -> None:
    photo = jpeg()
    xmp = parse_xmp(xmp_packet(f'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="{len(VIDEO)}"'))
    assert found_in(photo + VIDEO, xmp) == Motion("google-microvideo", len(photo), len(VIDEO))


def test_googles_second_kind_is_found_behind_a_gain_map() -> None:
    photo, gain_map = jpeg(), jpeg()
    xmp = container(("image/jpeg", "Primary", 0, 8), ("image/jpeg", "GainMap", len(gain_map), 0),
                    ("video/mp4", "MotionPhoto", len(VIDEO), 0))  # fmt: skip
    whole = photo + b"\0" * 8 + gain_map + VIDEO
    assert found_in(whole, xmp) == Motion("google-motionphoto", len(whole) - len(VIDEO), len(VIDEO))


def test_a_video_before_the_last_part_is_found_too() -> None:
    xmp = container(("image/jpeg", "Primary", 0, 0), ("video/mp4", "MotionPhoto", len(VIDEO), 0),
                    ("image/jpeg", "Original", 40, 0))  # fmt: skip
    photo = jpeg()
    assert found_in(photo + VIDEO + b"x" * 40, xmp) == Motion("google-motionphoto", len(photo), len(VIDEO))


def test_samsungs_trailer_names_the_video() -> None:
    photo = jpeg()
    found = found_in(photo + samsung_trailer(VIDEO), None)
    assert found == Motion("samsung-motionphoto", len(photo) + 8 + 16, len(VIDEO))


def test_the_box_of_a_heic_is_found() -> None:
    photo = box(b"ftyp", b"heic\0\0\0\0mif1") + box(b"mdat", b"x" * 64)
    found = found_in(photo + box(b"mpvd", VIDEO), None, is_heif=True)
    assert found == Motion("google-motionphoto-heic(mpvd)", len(photo) + 8, len(VIDEO))


@pytest.mark.parametrize("cut", [1, 100, len(VIDEO)])
def test_a_photo_whose_video_was_cut_off_says_so_and_points_nowhere(cut: int) -> None:
    whole = (jpeg() + VIDEO)[:-cut]
    xmp = container(("image/jpeg", "Primary", 0, 0), ("video/mp4", "MotionPhoto", len(VIDEO), 0))
    assert found_in(whole, xmp) == Motion("google-motionphoto", None, 0)


@pytest.mark.parametrize("length", ["-5", "999999999999", "nan", "text", "0"])
def test_lengths_that_leave_the_file_point_nowhere(length: str) -> None:
    xmp = parse_xmp(xmp_packet(f'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="{length}"'))
    assert found_in(jpeg() + VIDEO, xmp) == Motion("google-microvideo", None, 0)


@pytest.mark.parametrize("at", range(1, 60, 3))
def test_a_damaged_samsung_trailer_is_no_crash(at: int) -> None:
    whole = bytearray(jpeg() + samsung_trailer(VIDEO))
    whole[-at] ^= 0xFF
    found = found_in(bytes(whole), None)
    assert found is None or found.kind == "samsung-motionphoto"


def test_ordinary_photos_have_none(media: Path) -> None:
    for name in (
        "2009/mongolels.jpg",
        "phone/pixel/seine_sdr_gainmap_srgb.jpg",
        "phone/iphone/livephoto/IMG_3589.HEIC",
    ):
        found = read_quick(media_file(media / name)).metadata
        assert found is not None
        assert found.motion_kind is None


def test_every_motion_photo_of_the_corpus_holds_a_video_where_it_says(media: Path) -> None:
    checked = 0
    for path in (media / "phone/motion").iterdir():
        found = read_quick(media_file(path)).metadata
        if found is not None and found.motion_video_offset is not None:
            assert path.read_bytes()[found.motion_video_offset + 4 :][:4] == b"ftyp"
            checked += 1
    assert checked >= 5

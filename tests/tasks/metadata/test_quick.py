"""Reading without any program: real files, sidecars, and files made to hurt."""

from __future__ import annotations

import io
import random
import struct
import zlib
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from tasks.errors import AssetError, CorruptMedia, UnreadableFile, UnsupportedMedia
from tasks.files.media_file import MediaFile
from tasks.files.media_types import MediaKind
from tasks.metadata import ExifTool, Metadata, QuickRead, read_full, read_quick

from .conftest import box, jpeg, media_file, tiff, xmp_packet

pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Tag data larger")
PHOTO = MediaKind("photo", "image/jpeg")


def quick(content: bytes, name: str = "a.jpg", kind: MediaKind = PHOTO) -> QuickRead:
    return read_quick(MediaFile(Path("/nowhere", name), kind, len(content), 0), content)


def known(content: bytes, name: str = "a.jpg") -> Metadata:
    found = quick(content, name).metadata
    assert found is not None
    return found


def rationals(*pairs: tuple[int, int]) -> bytes:
    return b"".join(struct.pack("<II", *pair) for pair in pairs)


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    head = (b"IHDR", struct.pack(">IIBBBBB", 30, 40, 8, 2, 0, 0, 0))
    listed = (head, *chunks, (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in listed
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_width_and_height_are_those_of_the_upright_picture(orientation: int) -> None:
    found = known(jpeg(tiff((0x0112, 3, 1, struct.pack("<H", orientation)))))
    assert found.orientation == orientation
    assert (found.width, found.height) == ((20, 10) if orientation < 5 else (10, 20))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_none(orientation: int) -> None:
    found = known(jpeg(tiff((0x0112, 3, 1, struct.pack("<H", orientation)))))
    assert (found.orientation, found.width, found.height) == (None, 20, 10)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("orientation/heic_orientation6.heic", (480, 160)),
        ("orientation/avif_rotated090.avif", (480, 160)),
        ("orientation/jxl_orientation6.jxl", (480, 160)),
        ("formats/jxl/bench_oriented_brg.jxl", (606, 500)),
        ("orientation/png_exif6.png", (960, 1395)),
        ("orientation/tiff_6.tiff", (43, 65)),
        ("formats/webp/Nikon Coolpix P7000.webp", (2736, 3648)),
        ("phone/iphone/2018/iphone_7.heic", (4032, 3024)),  # EXIF says 6, but in HEIF only irot turns
        ("formats/avif/sofa_grid1x5_420.avif", (1024, 770)),
        ("odd/bomb_50000x50000.png", (50_000, 50_000)),
    ],
)
def test_each_format_turns_by_its_own_rule(name: str, size: tuple[int, int], media: Path) -> None:
    found = read_quick(media_file(media / name)).metadata
    assert found is not None
    assert (found.width, found.height) == size


def test_content_in_hand_says_the_same_as_the_file_on_disk(media: Path) -> None:
    for name in ("2018/IMG_4120/IMG_4120.JPG", "phone/motion/samsung-one-ui-6.heic", "raw/nikon/D7100_head.NEF"):
        original = media_file(media / name)
        assert read_quick(original, original.path.read_bytes()) == read_quick(original)


def test_an_ordinary_photo_is_complete_and_a_raw_or_video_is_not(media: Path) -> None:
    assert read_quick(media_file(media / "2018/IMG_4120/IMG_4120.JPG")).complete
    for name in (
        "raw/nikon/D7100_head.NEF",
        "video/video.mp4",
        "noexif/no-exif-data.jpg",
        "2004/canon-s40/IMG_0108.JPG",
    ):
        assert not read_quick(media_file(media / name)).complete


def test_names_and_mtime_date_a_file_that_says_nothing(media: Path) -> None:
    found = read_quick(media_file(media / "2019/telegram_2020-01-30_09-57-18.jpg")).metadata
    assert found is not None
    assert (found.taken_at, found.taken_at_source) == (datetime(2020, 1, 30, 9, 57, 18), "filename")
    assert [date.source for date in found.date_candidates] == ["filename", "mtime"]


def test_a_sidecars_words_stars_place_and_date_win_and_its_optics_do_not(media: Path, tmp_path: Path) -> None:
    photo = tmp_path / "ship.jpg"
    photo.write_bytes((media / "2020/ship.jpg").read_bytes())
    photo.with_name("ship.jpg.xmp").write_bytes(
        xmp_packet('xmp:Rating="5" exif:DateTimeOriginal="2001-02-03T04:05:06" exif:GPSLatitude="45,30N" '
                   'exif:GPSLongitude="9,0E" exif:FocalLength="99/1"')
    )  # fmt: skip
    found = read_quick(media_file(photo)).metadata
    assert found is not None
    assert (found.rating, found.latitude, found.longitude) == (5, 45.5, 9.0)
    assert found.taken_at == datetime(2001, 2, 3, 4, 5, 6)
    assert found.time_zone == "Europe/Rome"
    assert found.taken_at_source == "sidecar:XMP:exif:DateTimeOriginal"
    assert found.focal_length_mm == 5.99


def test_a_broken_sidecar_is_a_problem_and_the_photo_is_read_all_the_same(media: Path, tmp_path: Path) -> None:
    photo = tmp_path / "ship.jpg"
    photo.write_bytes((media / "2020/ship.jpg").read_bytes())
    photo.with_suffix(".xmp").write_bytes(b"<!DOCTYPE a [<!ENTITY b 'x'>]><a>&b;</a>")
    answer = read_quick(media_file(photo))
    assert [type(problem) for problem in answer.problems] == [CorruptMedia]
    assert answer.metadata is not None
    assert answer.metadata.camera_model == "Mi A1"


def test_numbers_over_zero_and_beyond_reason_become_null() -> None:
    exif = tiff(
        (0x829A, 5, 1, rationals((1, 0))), (0x829D, 5, 1, rationals((0, 0))), (0x8827, 3, 1, b"\0\0"),
        (0x920A, 5, 1, rationals((0, 1))),
    )  # fmt: skip
    found = known(jpeg(exif))
    assert (found.exposure_time_s, found.f_number, found.iso, found.focal_length_mm) == (None,) * 4


def test_keywords_of_xmp_and_iptc_are_joined_and_a_rating_of_none_in_xmp_counts() -> None:
    words = xmp_packet('xmp:Rating="0"', "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>")
    iptc = b"".join(b"\x1c\x02\x19" + struct.pack(">H", len(word)) + word for word in (b"sea", b"harbour"))
    resource = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc
    content = jpeg(tiff((0x4746, 3, 1, b"\x05\0")), words)
    content = content[:2] + b"\xff\xed" + struct.pack(">H", len(resource) + 2) + resource + content[2:]
    found = known(content)
    assert (found.keywords, found.rating) == (("sea", "harbour"), 0)


def test_text_loses_its_nuls_and_control_characters_and_stays_short() -> None:
    exif = tiff((0x010F, 2, 12, b"Ca\x07non\0xyz\0\0\0"), (0x010E, 2, 9_000, b"d" * 8_999 + b"\0"))
    found = known(jpeg(exif))
    assert found.camera_make == "Canon"
    assert found.description == "d" * 4_000


def test_latin_1_bytes_are_read_as_such() -> None:
    assert known(jpeg(tiff((0x010F, 2, 8, b"Caf\xe9 AG\0")))).camera_make == "Café AG"


def loop_of_directories() -> bytes:
    return b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0x0112, 3, 1, 1, 8)


def directory(*entries: tuple[int, int, int, int]) -> bytes:
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + table + b"\0\0\0\0"


@pytest.mark.parametrize(
    "exif",
    [
        loop_of_directories(),
        directory((0x8769, 4, 1, 8)),  # the Exif directory is IFD0 again
        directory(*[(0x8825, 4, 1, 200)] * 3_900),
        directory(*[(0x1000 + at, 5, 999, 8) for at in range(3_900)]),
        directory(*[(0x1000 + at, 2, 60_000, 8) for at in range(3_900)]),
        directory((0x010F, 2, 0xFFFFFFFF, 0xFFFFFFF0), (0x0112, 3, 0xFFFFFFFF, 8)),
        b"II*\0\x08\0\0\0\xff\xff",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0",
        b"",
    ],
)
def test_exif_made_to_hang_its_reader_costs_the_exif_only(exif: bytes) -> None:
    found = known(jpeg(exif[:65_000]))
    assert (found.width, found.height) == (20, 10)


def test_a_png_of_inflation_bombs_is_read_at_once() -> None:
    bomb = b"\0\0" + zlib.compress(b"0" * (64 << 20))
    content = png(*[(b"zTXt", b"Raw profile type exif" + bomb)] * 200)
    found = known(content, "a.png")
    assert (found.width, found.height) == (30, 40)


def test_png_text_chunks_carry_exif_xmp_and_a_title() -> None:
    exif = b"\nexif\n  99\n" + (b"Exif\0\0" + tiff((0x010F, 2, 6, b"Canon\0"))).hex().encode() + b"\n\0"
    content = png(
        (b"tEXt", b"Raw profile type exif\0" + exif), (b"tEXt", b"Title\0Harbour"),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp_packet('xmp:Rating="3"'))),
    )  # fmt: skip
    found = known(content, "a.png")
    assert (found.camera_make, found.title, found.rating) == ("Canon", "Harbour", 3)


def test_frames_and_length_of_animations_are_counted_without_decoding() -> None:
    for kind, length in (("GIF", 0.6), ("WEBP", 0.6), ("PNG", 0.6)):
        frames = [Image.new("RGB", (16, 8), (shade, 0, 255 - shade)) for shade in (0, 100, 200)]
        held = io.BytesIO()
        frames[0].save(held, kind, save_all=True, append_images=frames[1:], duration=200)
        found = known(held.getvalue(), f"a.{kind.lower()}")
        assert (found.width, found.height, found.page_count) == (16, 8, 3)
        assert found.duration_s == pytest.approx(length)


def test_a_heif_with_loops_and_lies_in_its_tables_is_no_crash(media: Path) -> None:
    original = (media / "phone/motion/sample_MP.heic").read_bytes()
    shuffle = random.Random(7)
    for _ in range(300):
        content = bytearray(original)
        for _ in range(shuffle.choice((1, 4, 30))):
            content[shuffle.randrange(1_500)] = shuffle.choice((0, 255, shuffle.randrange(256)))
        answer = quick(bytes(content), "a.heic", MediaKind("photo", "image/heic"))
        assert answer.metadata is not None or answer.problems


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_any_file_cut_short_gets_metadata_or_a_problem(share: float, media: Path) -> None:
    for path in sorted(media.rglob("*")):
        if path.is_file() and path.suffix.lower() in {
            ".jpg",
            ".heic",
            ".avif",
            ".png",
            ".webp",
            ".jxl",
            ".tif",
            ".dng",
        }:
            content = path.read_bytes()
            answer = read_quick(media_file(path), content[: int(len(content) * share)])
            assert answer.metadata is not None or answer.problems


def test_what_is_no_picture_says_so() -> None:
    assert [type(problem) for problem in quick(b"hello " * 100).problems] == [UnsupportedMedia]
    assert [type(problem) for problem in quick(b"").problems] == [CorruptMedia]
    assert quick(b"hello " * 100).metadata is None


def test_a_file_nobody_may_read_is_unreadable_not_corrupt(tmp_path: Path) -> None:
    answer = read_quick(MediaFile(tmp_path / "gone.jpg", PHOTO, 10, 0))
    assert [type(problem) for problem in answer.problems] == [UnreadableFile]


def test_every_odd_file_gets_an_answer_with_every_tool(media: Path, exiftool: ExifTool, ffprobe: str) -> None:
    originals = [media_file(path) for path in sorted((media / "odd").iterdir())]
    answers = read_full(originals, exiftool, ffprobe)
    assert len(answers) == len(originals)
    for answer in answers:
        assert isinstance(answer, Metadata) or (isinstance(answer, AssetError) and answer.reason)


def test_one_bad_file_never_stops_the_rest(media: Path, tmp_path: Path, exiftool: ExifTool, ffprobe: str) -> None:
    bad = tmp_path / "bad.heic"
    bad.write_bytes(box(b"ftyp", b"heic\0\0\0\0") + box(b"meta", b"\0" * 4 + box(b"iloc", b"\xff" * 40)))
    good = media_file(media / "2020/ship.jpg")
    answers = read_full([good, media_file(bad), good], exiftool, ffprobe)
    assert isinstance(answers[1], AssetError)
    assert answers[0] == answers[2]
    assert isinstance(answers[0], Metadata)


def test_the_tools_that_answered_are_named_with_their_versions(media: Path, exiftool: ExifTool, ffprobe: str) -> None:
    photo, video = read_full(
        [media_file(media / "2020/photoshop/photoshop.jpg"), media_file(media / "video/video.mp4")], exiftool, ffprobe
    )
    assert isinstance(photo, Metadata)
    assert isinstance(video, Metadata)
    assert photo.tool == "exifread+exiftool+xmp+sidecar"
    assert video.tool == "ffprobe+exiftool"
    assert photo.tool_version.endswith(exiftool.version)

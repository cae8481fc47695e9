"""The camera's own JPEG inside a RAW file: found, chosen, checked, turned."""

from __future__ import annotations

import csv
import struct
from pathlib import Path

import pytest
from PIL import Image

from tasks.errors import AssetError, CorruptMedia, UnsupportedMedia
from tasks.images.byte_source import open_source
from tasks.images.raw import demosaic, extract_raw_preview
from tasks.images.raw_containers import find_layout
from tasks.images.thumbnail import Tools, render_large, render_quick, render_thumbnail
from tasks.video.ffmpeg import find_ffmpeg
from tests.tasks.images.picture_files import corners, difference, jpeg_bytes, media_file, opened, scene, tiff_raw

NO_TOOLS = Tools()


class Previews:
    """An exiftool that knows what we tell it."""

    def __init__(self, *found: bytes) -> None:
        self.found = list(found)
        self.asked = 0

    def extract_previews(self, path: Path) -> list[bytes]:
        self.asked += 1
        return self.found


def test_previews_of_real_raws_are_at_least_as_large_as_the_manifest_says(media: Path) -> None:
    worse = []
    with (media / "MANIFEST.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if not row["preview_width"] or "TIFF" in row["preview_tag"]:
                continue  # "ThumbnailTIFF" is no JPEG
            preview = extract_raw_preview(media / row["path"])
            if preview.width * preview.height < int(row["preview_width"]) * int(row["preview_height"]):
                worse.append((row["path"], preview.layer, preview.width, preview.height))
    assert worse == []


def test_reading_a_preview_does_not_read_the_raw(media: Path) -> None:
    path = media / "raw/nikon/D7100_head.NEF"
    with open_source(path) as source:
        assert find_layout(source) is not None
    assert extract_raw_preview(path).layer == "raw:SubIFD0"
    assert extract_raw_preview(path, path.read_bytes()) == extract_raw_preview(path)


def test_every_real_raw_gives_a_thumbnail_or_a_reason(media: Path) -> None:
    tools = Tools(ffmpeg=find_ffmpeg())
    shown, refused = [], []
    for path in [*sorted((media / "raw").rglob("*.*")), media / "2004/canon-s40/CRW_0105.CRW"]:
        if path.suffix.lower() in {".xmp", ".jpg"} or path.is_dir():
            continue
        try:
            shown.append(render_thumbnail(media_file(path), None, 480, tools))
        except AssetError as exc:
            refused.append((path.name, exc.reason))
    assert {name for name, _ in refused} == {
        "EOS350D_minimal.CR2", "DiMAGE_A2_minimal.MRW", "D70_minimal.nef", "SD10_minimal.X3F", "GOPR8513.GPR",
    }  # fmt: skip  # neither a preview nor sensor data in them, or (GPR) a compression nobody here knows
    assert all(max(one.width, one.height) <= 480 for one in shown)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_preview_without_orientation_is_turned_like_its_raw(tmp_path: Path, orientation: int) -> None:
    undo = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    stored = corners(600, 400) if orientation < 5 else corners(400, 600)
    stored = stored if undo is None else stored.transpose(Image.Transpose(undo))
    (tmp_path / "shot.nef").write_bytes(tiff_raw(orientation, [jpeg_bytes(stored)]))
    made = render_thumbnail(media_file(tmp_path / "shot.nef"), None, 480, NO_TOOLS)
    expected = corners(600, 400) if orientation < 5 else corners(400, 600)
    assert (made.source_width, made.source_height) == expected.size
    assert difference(opened(made.jpeg), expected) < 6


def test_a_preview_that_stands_already_is_not_turned_again(tmp_path: Path) -> None:
    (tmp_path / "shot.nef").write_bytes(tiff_raw(6, [jpeg_bytes(corners(400, 600))]))
    made = render_thumbnail(media_file(tmp_path / "shot.nef"), None, 480, NO_TOOLS)
    assert difference(opened(made.jpeg), corners(400, 600)) < 6


def test_a_previews_own_orientation_wins_over_the_raws(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 1
    (tmp_path / "shot.nef").write_bytes(tiff_raw(6, [jpeg_bytes(corners(600, 400), exif=exif)]))
    made = render_thumbnail(media_file(tmp_path / "shot.nef"), None, 480, NO_TOOLS)
    assert (made.source_width, made.source_height) == (600, 400)


def test_the_thumbnail_takes_the_smallest_sufficient_preview_and_large_the_largest(tmp_path: Path) -> None:
    sizes = [(160, 120), (3000, 2000), (750, 500)]
    (tmp_path / "shot.nef").write_bytes(tiff_raw(1, [jpeg_bytes(scene(*size)) for size in sizes]))
    file = media_file(tmp_path / "shot.nef")
    assert extract_raw_preview(file.path).width == 3000
    assert render_thumbnail(file, None, 480, NO_TOOLS).layer == "raw:SubIFD2"
    large = render_large(file, None, NO_TOOLS)
    assert (large.layer, large.width) == ("raw:SubIFD1", 2048)


def test_a_preview_cut_short_loses_to_a_smaller_whole_one(tmp_path: Path) -> None:
    data = tiff_raw(1, [jpeg_bytes(scene(160, 120)), jpeg_bytes(scene(3000, 2000))])
    (tmp_path / "cut.nef").write_bytes(data[:-5000])
    assert extract_raw_preview(tmp_path / "cut.nef").width == 160


def test_sensor_data_coded_as_lossless_jpeg_is_no_preview(tmp_path: Path) -> None:
    lossless = bytearray(jpeg_bytes(scene(3000, 2000)))
    lossless[lossless.index(b"\xff\xc0") + 1] = 0xC3
    (tmp_path / "shot.dng").write_bytes(tiff_raw(1, [bytes(lossless), jpeg_bytes(scene(320, 240))]))
    assert extract_raw_preview(tmp_path / "shot.dng").width == 320


def test_exiftool_is_asked_only_when_nothing_else_is_large_enough(tmp_path: Path) -> None:
    hidden = Previews(jpeg_bytes(scene(1600, 1200)))
    (tmp_path / "small.nef").write_bytes(tiff_raw(1, [jpeg_bytes(scene(160, 120))]))
    (tmp_path / "large.nef").write_bytes(tiff_raw(1, [jpeg_bytes(scene(1620, 1080))]))
    tools = Tools(exiftool=hidden)
    assert render_thumbnail(media_file(tmp_path / "large.nef"), None, 480, tools).layer == "raw:SubIFD0"
    assert hidden.asked == 0
    assert render_thumbnail(media_file(tmp_path / "small.nef"), None, 480, tools).layer == "raw:exiftool"
    assert hidden.asked == 1


def test_what_exiftool_calls_a_preview_is_checked_like_any_other(tmp_path: Path) -> None:
    hidden = Previews(b"", b"no jpeg", jpeg_bytes(scene(1600, 1200))[:4000], jpeg_bytes(scene(200, 150)))
    (tmp_path / "small.nef").write_bytes(tiff_raw(1, [jpeg_bytes(scene(160, 120))]))
    preview = extract_raw_preview(tmp_path / "small.nef", None, hidden, large_enough_px=480)
    assert (preview.width, preview.layer) == (200, "raw:exiftool")


def test_quick_leaves_a_raw_without_a_large_enough_preview_to_the_drain(tmp_path: Path, media: Path) -> None:
    (tmp_path / "small.nef").write_bytes(tiff_raw(1, [jpeg_bytes(scene(160, 120))]))
    assert render_quick(media_file(tmp_path / "small.nef"), None, 480) is None
    made = render_quick(media_file(media / "raw/canon/IMG_R6-pruned.CR3"), None, 480)
    assert made is not None
    assert made.layer == "raw:CR3:PRVW"


def test_the_only_picture_is_shown_however_small(tmp_path: Path) -> None:
    (tmp_path / "small.nef").write_bytes(tiff_raw(1, [jpeg_bytes(scene(160, 120))]))
    made = render_thumbnail(media_file(tmp_path / "small.nef"), None, 480, NO_TOOLS)
    assert (made.width, made.height, made.layer) == (160, 120, "raw:SubIFD0")


def test_a_raw_without_previews_is_developed_from_its_sensor_data(media: Path) -> None:
    made = render_thumbnail(media_file(media / "raw/kodak/P003908.KDC"), None, 480, NO_TOOLS)
    assert made.layer == "raw:rawpy-half"
    assert max(made.width, made.height) == 480


def test_sensor_data_that_is_not_there_is_not_developed_into_noise(media: Path) -> None:
    with pytest.raises(CorruptMedia, match="missing"):
        demosaic(media / "raw/panasonic/LX3_minimal.RW2", None, 480)


def test_loops_and_wild_offsets_in_the_directories_end(tmp_path: Path) -> None:
    data = bytearray(tiff_raw(1, [jpeg_bytes(scene(160, 120))]))
    loop = struct.pack("<I", 8)
    data[70:74] = loop  # the next directory of IFD0 is IFD0
    (tmp_path / "loop.nef").write_bytes(data)
    assert extract_raw_preview(tmp_path / "loop.nef").width == 160
    for at in range(0, 130):
        hurt = bytearray(data)
        hurt[at : at + 4] = b"\xff\xff\xff\x7f"
        (tmp_path / "wild.nef").write_bytes(hurt)
        try:
            extract_raw_preview(tmp_path / "wild.nef")
        except UnsupportedMedia:
            continue


def test_damaged_real_raws_end_in_our_errors_only(tmp_path: Path, media: Path) -> None:
    names = (
        "canon/IMG_R6-pruned.CR3",
        "fuji/S5Pro_minimal.RAF",
        "sigma/SD10_minimal.X3F",
        "minolta/DiMAGE_A2_minimal.MRW",
        "panasonic/LX3_minimal.RW2",
        "pentax/jølstravatnet.pef",
        "../2004/canon-s40/CRW_0105.CRW",
    )
    refused: list[str] = []
    for name in names:
        whole = (media / "raw" / name).read_bytes()
        for number in range(60):
            hurt = bytearray(whole)
            at = number * 7 if number < 40 else len(whole) - 8 * (number - 39)
            hurt[at : at + 4] = b"\xff\xff\xff\xff" if number % 2 else b"\x7f\0\0\0"
            try:
                extract_raw_preview(tmp_path / name.rpartition("/")[2], bytes(hurt))
            except AssetError:
                refused.append(name)
    assert set(refused) == set(names), "nothing that was done to some of them hurt it"

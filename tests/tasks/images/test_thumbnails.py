"""Recipes, placeholders, sentinels, the camera's smaller copies, and many threads at once."""

from __future__ import annotations

import io
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import thumbhash
from PIL import Image

from tasks.errors import InvalidPath, StorageUnavailable
from tasks.files.atomic_write import atomic_write
from tasks.images.sentinel import clear_mark, is_marked, mark_unsupported, mirrored_path, sentinel_path
from tasks.images.thumbhash import encode_thumbhash, hash_pixels
from tasks.images.thumbnail import (
    Tools,
    render_large,
    render_quick,
    render_thumbnail,
    thumbnail_recipe,
)
from tests.tasks.images.picture_files import difference, jpeg_bytes, media_file, opened, scene

NO_TOOLS = Tools()
LARGE_THUMBNAIL, DISPARITY, GAIN_MAP = 0x010002, 0x020002, 0x000000


def test_the_recipe_says_what_decides_the_pixels() -> None:
    assert thumbnail_recipe(480) == "thumb-480-q80-v1"
    assert thumbnail_recipe(200) != thumbnail_recipe(480)


def test_large_is_larger_and_a_thumbnail_has_its_long_edge(tmp_path: Path) -> None:
    scene(3000, 2000).save(tmp_path / "photo.jpg")
    file = media_file(tmp_path / "photo.jpg")
    assert (render_large(file, None, NO_TOOLS).width, render_thumbnail(file, None, 480, NO_TOOLS).width) == (2048, 480)


def test_scaling_while_decoding_looks_like_a_full_decode(media: Path) -> None:
    path = media / "phone/android/empty_gps.jpg"
    full = Image.open(path).convert("RGB").resize((480, 359), Image.Resampling.LANCZOS)
    made = opened(render_thumbnail(media_file(path), None, 480, NO_TOOLS).jpeg)
    assert made.size == full.size
    error = np.asarray(made, dtype=np.float64) - np.asarray(full, dtype=np.float64)
    assert 10 * np.log10(255**2 / (error**2).mean()) > 30  # dB


# -- placeholders ---------------------------------------------------------------------------------------------------


def test_the_placeholder_is_byte_for_byte_that_of_the_reference(media: Path) -> None:
    for path in sorted((media / "2015").rglob("*.jpg")) + sorted((media / "orientation").glob("landscape_*.jpg")):
        small = Image.open(path).convert("RGB")
        small.thumbnail((32, 32))
        flat = np.asarray(small.convert("RGBA")).reshape(-1).tolist()
        assert hash_pixels(np.asarray(small)) == bytes(thumbhash.rgba_to_thumb_hash(*small.size, flat))


@pytest.mark.parametrize("size", [(1, 1), (480, 1), (1, 480), (7, 480), (480, 360), (360, 480), (33, 32)])
def test_every_shape_has_a_placeholder_that_can_be_painted(size: tuple[int, int]) -> None:
    code = encode_thumbhash(scene(*size))
    assert 5 <= len(code) <= 30
    assert len(thumbhash.thumb_hash_to_average_rgba(list(code))) == 4


def test_the_placeholder_has_the_pictures_average_colour() -> None:
    red, green, blue, alpha = thumbhash.thumb_hash_to_average_rgba(
        list(encode_thumbhash(Image.new("RGB", (300, 200), (200, 100, 50))))
    )
    assert (abs(red * 255 - 200), abs(green * 255 - 100), abs(blue * 255 - 50)) < (10, 10, 10)
    assert alpha == 1


# -- where derivatives lie ------------------------------------------------------------------------------------------


def test_derivatives_mirror_the_tree_and_keep_the_extension(tmp_path: Path) -> None:
    assert mirrored_path(tmp_path, "2020/a b/foo.arw") == tmp_path / "2020/a b/foo.arw"
    for outside in ("/etc/passwd", "../x.jpg", "a/../../x.jpg", ""):
        with pytest.raises(InvalidPath):
            mirrored_path(tmp_path, outside)


def test_a_mark_is_an_empty_file_and_deleting_it_unmarks(tmp_path: Path) -> None:
    thumbnail = tmp_path / "2020/foo.arw"
    assert not is_marked(thumbnail)
    mark = mark_unsupported(thumbnail)
    assert (mark.name, mark.stat().st_size, is_marked(thumbnail)) == ("foo.arw.unsupported", 0, True)
    clear_mark(thumbnail)
    clear_mark(thumbnail)
    assert not is_marked(thumbnail)


def test_names_of_255_bytes_can_be_marked_and_are_kept_apart(tmp_path: Path) -> None:
    for stem in ("a" * 251, "é" * 125 + "a", "🐍" * 62 + "abc"):
        one, other = tmp_path / f"{stem}.jpg", tmp_path / f"{stem}.png"
        mark_unsupported(one)
        assert is_marked(one)
        assert not is_marked(other)
        assert len(str(sentinel_path(one).name).encode()) <= 255
        assert sentinel_path(one).name.endswith(".unsupported")


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    scene(50, 50).save(tmp_path / "photo.jpg")
    made = render_thumbnail(media_file(tmp_path / "photo.jpg"), None, 480, NO_TOOLS)
    with pytest.raises(StorageUnavailable):
        atomic_write(tmp_path / "file" / "photo.jpg", made.jpeg)
    atomic_write(tmp_path / "new/folder/photo.jpg", made.jpeg)
    assert (tmp_path / "new/folder/photo.jpg").read_bytes() == made.jpeg


# -- the camera's smaller copy --------------------------------------------------------------------------------------


def _with_copy(
    main: Image.Image, copy: Image.Image, kind: int, thumbnail: Image.Image | None, orientation: int = 1
) -> bytes:
    """A JPEG as Sony and Panasonic write them: EXIF with IFD1, an MPF list, and a second JPEG behind the first."""
    small = jpeg_bytes(thumbnail) if thumbnail else b""
    ifd0 = (
        struct.pack("<H", 1) + struct.pack("<HHII", 0x0112, 3, 1, orientation) + struct.pack("<I", 26 if small else 0)
    )
    ifd1 = (
        struct.pack("<H", 2) + struct.pack("<HHII", 0x0201, 4, 1, 56) + struct.pack("<HHII", 0x0202, 4, 1, len(small))
    )
    exif = b"Exif\0\0II*\0" + struct.pack("<I", 8) + ifd0 + (ifd1 + struct.pack("<I", 0) + small if small else b"")
    first, second = jpeg_bytes(main), jpeg_bytes(copy)
    app1 = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    table_at = 8 + 2 + 12 + 4
    mpf_length = 2 + 4 + table_at + 32
    base = 2 + len(app1) + 4 + 4  # of the MPF's TIFF header in the file
    total = 2 + len(app1) + 2 + mpf_length + len(first) - 2
    table = struct.pack("<IIIHH", 0x20030000, total, 0, 0, 0) + struct.pack(
        "<IIIHH", kind, len(second), total - base, 0, 0
    )
    index = struct.pack("<H", 1) + struct.pack("<HHII", 0xB002, 7, 32, table_at) + struct.pack("<I", 0)
    mpf = b"MPF\0II*\0" + struct.pack("<I", 8) + index + table
    app2 = b"\xff\xe2" + struct.pack(">H", mpf_length) + mpf
    return b"\xff\xd8" + app1 + app2 + first[2:] + second


def test_the_cameras_smaller_copy_is_decoded_instead(tmp_path: Path) -> None:
    main = scene(4000, 3000)
    data = _with_copy(main, main.resize((1440, 1080)), LARGE_THUMBNAIL, main.resize((160, 120)), orientation=6)
    (tmp_path / "photo.jpg").write_bytes(data)
    file = media_file(tmp_path / "photo.jpg")
    made = render_thumbnail(file, None, 480, NO_TOOLS)
    assert (made.layer, made.source_width, made.source_height) == ("pillow:mpf", 3000, 4000)
    assert (made.width, made.height) == (360, 480)
    assert difference(opened(made.jpeg), main.transpose(Image.Transpose.ROTATE_270)) < 4
    assert render_large(file, None, NO_TOOLS).layer == "pillow"  # for which the copy is too small


@pytest.mark.parametrize(
    "why", ["disparity", "gain map", "other scene", "other shape", "no witness", "cut short", "small"]
)
def test_a_second_picture_that_is_no_copy_is_left_alone(tmp_path: Path, why: str) -> None:
    main = scene(4000, 3000)
    copy = {
        "other scene": scene(1440, 1080, seed=9),
        "other shape": main.resize((1920, 1080)),
        "small": main.resize((320, 240)),
    }
    kind = {"disparity": DISPARITY, "gain map": GAIN_MAP}.get(why, LARGE_THUMBNAIL)
    witness = None if why == "no witness" else main.resize((160, 120))
    data = _with_copy(main, copy.get(why, main.resize((1440, 1080))), kind, witness)
    (tmp_path / "photo.jpg").write_bytes(data[:-3000] if why == "cut short" else data)
    made = render_thumbnail(media_file(tmp_path / "photo.jpg"), None, 480, NO_TOOLS)
    assert made.layer == "pillow"
    assert difference(opened(made.jpeg), main) < 4


def test_letterboxed_exif_thumbnails_still_vouch_for_the_copy(tmp_path: Path) -> None:
    main = scene(4200, 2800)
    boxed = Image.new("RGB", (160, 120))
    boxed.paste(main.resize((160, 107)), (0, 6))
    (tmp_path / "photo.jpg").write_bytes(_with_copy(main, main.resize((1620, 1080)), LARGE_THUMBNAIL, boxed))
    assert render_thumbnail(media_file(tmp_path / "photo.jpg"), None, 480, NO_TOOLS).layer == "pillow:mpf"


# -- many at once ---------------------------------------------------------------------------------------------------


def test_many_threads_make_the_same_thumbnails_as_one(media: Path) -> None:
    """Profiles, HEIC, MPF, PNG and RAW in one pool: nothing is shared that must not be."""
    names = [
        "phone/iphone/2020-xr/IMG_3580.JPG",
        "phone/iphone/2023/iphone_15_pro.heic",
        "raw/canon/IMG_R6-pruned.CR3",
        "formats/png/paris_icc_exif_xmp.png",
        "formats/mpo/frozenpond.mpo",
        "odd/truncated.jpg",
        "formats/avif/paris_icc_exif_xmp.avif",
        "formats/jxl/bench_oriented_brg.jxl",
        "2015/safari/elephants.jpg",
    ]
    files = [media_file(media / name) for name in names]
    alone = [render_quick(file, None, 240) for file in files]
    start = threading.Barrier(4)

    def work(_: int) -> list[object]:
        start.wait(30)
        return [render_quick(file, None, 240) for file in files]

    with ThreadPoolExecutor(4) as pool:
        assert all(result == alone for result in pool.map(work, range(4)))


def test_a_comment_in_the_original_does_not_travel(tmp_path: Path) -> None:
    image = io.BytesIO()
    scene(300, 200).save(image, "JPEG", comment=b"secret place")
    (tmp_path / "photo.jpg").write_bytes(image.getvalue())
    assert b"secret" not in render_thumbnail(media_file(tmp_path / "photo.jpg"), None, 480, NO_TOOLS).jpeg

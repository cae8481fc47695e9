"""Which way up a derivative is, what colours it has, and what it must not carry."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from tasks.images.thumbnail import Tools, render_large, render_thumbnail
from tests.tasks.images.picture_files import corners, difference, jpeg_bytes, media_file, opened, scene

NO_TOOLS = Tools()


def _thumbnail(path: Path, long_edge_px: int = 480) -> Image.Image:
    return opened(render_thumbnail(media_file(path), None, long_edge_px, NO_TOOLS).jpeg)


def _turned(path: Path, orientation: int) -> Path:
    """A file that shows `corners()` upright once its orientation is applied."""
    undo = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_90",
            7: "TRANSVERSE", 8: "ROTATE_270"}  # fmt: skip
    image = corners()
    if orientation in undo:
        image = image.transpose(Image.Transpose[undo[orientation]])
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(path, exif=exif)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
def test_every_orientation_comes_out_upright_exactly_once(tmp_path: Path, suffix: str, orientation: int) -> None:
    shown = _thumbnail(_turned(tmp_path / f"turned.{suffix}", orientation))
    assert shown.size == (300, 200)
    assert difference(shown, corners()) < 6


@pytest.mark.parametrize(
    "name", ["avif_rotated090.avif", "heic_orientation6.heic", "heic_orientation8.heic", "jxl_orientation6.jxl"]
)
def test_pictures_turned_by_their_container_are_turned_once(media: Path, name: str) -> None:
    shown = _thumbnail(media / "orientation" / name)
    assert shown.size == (480, 160)
    assert difference(shown, _thumbnail(media / "orientation/heic_orientation6.heic")) < 8


def test_exif_does_not_turn_a_heic_a_second_time(tmp_path: Path) -> None:
    """The HEIF standard: only the container's own boxes turn the picture."""
    shown = _thumbnail(_turned(tmp_path / "sideways.heic", 6))
    assert shown.size == (200, 300)


def test_a_jpeg_packed_into_a_jpeg_xl_is_turned_by_its_exif(media: Path) -> None:
    made = render_thumbnail(media_file(media / "formats/jxl/bench_oriented_brg.jxl"), None, 480, NO_TOOLS)
    assert (made.source_width, made.source_height) == (606, 500)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(tmp_path: Path, value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    corners().save(tmp_path / "odd.jpg", exif=exif)
    assert difference(_thumbnail(tmp_path / "odd.jpg"), corners()) < 6


def test_the_eight_real_landscapes_look_the_same(media: Path) -> None:
    shown = [_thumbnail(media / f"orientation/landscape_{number}.jpg") for number in range(1, 9)]
    assert {image.size for image in shown} == {(480, 360)}
    assert all(difference(image, shown[0]) < 8 for image in shown)


def test_real_pictures_have_the_upright_size_the_manifest_gives(media: Path) -> None:
    """Every photo Pillow can show; RAWs are about previews and have tests of their own."""
    wrong = []
    with (media / "MANIFEST.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["opens"] != "pillow:ok" or not row["width"] or row["path"].endswith(".THM"):
                continue
            made = render_thumbnail(media_file(media / row["path"]), None, 480, NO_TOOLS)
            if (str(made.source_width), str(made.source_height)) != (row["width"], row["height"]):
                wrong.append((row["path"], made.source_width, made.source_height))
    assert wrong == []


def test_a_derivative_carries_no_metadata(tmp_path: Path, media: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x010F] = "Camera"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    scene(800, 600).save(tmp_path / "full.jpg", exif=exif, comment=b"at home", icc_profile=profile, xmp=b"<x:xmpmeta/>")
    for path in (tmp_path / "full.jpg", media / "phone/iphone/2018/iphone_7.heic", media / "2012/summer/ladybug.jpg"):
        for made in (
            render_thumbnail(media_file(path), None, 480, NO_TOOLS),
            render_large(media_file(path), None, NO_TOOLS),
        ):
            assert set(opened(made.jpeg).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
            assert b"Exif" not in made.jpeg
            assert b"http" not in made.jpeg


def test_a_small_picture_is_never_enlarged(tmp_path: Path) -> None:
    scene(90, 60).save(tmp_path / "small.png")
    made = render_thumbnail(media_file(tmp_path / "small.png"), None, 480, NO_TOOLS)
    assert (made.width, made.height, made.source_width, made.source_height) == (90, 60, 90, 60)


def test_a_very_long_picture_keeps_at_least_one_pixel(tmp_path: Path) -> None:
    scene(5000, 3).save(tmp_path / "line.png")
    made = render_thumbnail(media_file(tmp_path / "line.png"), None, 480, NO_TOOLS)
    assert (made.width, made.height) == (480, 1)


def test_transparency_becomes_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 50, 100))
    for name, image in {"rgba.png": clear, "palette.png": clear.quantize(8), "la.png": clear.convert("LA")}.items():
        image.save(tmp_path / name)
        shown = _thumbnail(tmp_path / name)
        assert min(shown.getpixel((90, 50))) > 245, name  # type: ignore[arg-type]
        assert min(shown.getpixel((10, 50))) < 60, name  # type: ignore[arg-type]


def test_cmyk_comes_out_in_its_colours_inverted_by_adobe_or_not(tmp_path: Path) -> None:
    corners().convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    corners().convert("CMYK").save(tmp_path / "cmyk.tif")
    for name in ("cmyk.jpg", "cmyk.tif"):
        assert difference(_thumbnail(tmp_path / name), corners()) < 8, name


def test_a_profile_that_is_none_or_does_not_fit_is_ignored(tmp_path: Path) -> None:
    colour = Image.new("RGB", (64, 64), (200, 60, 60))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (b"not a profile at all" * 20, lab):
        colour.save(tmp_path / "odd.png", icc_profile=profile)
        assert difference(_thumbnail(tmp_path / "odd.png"), colour) < 3


def test_display_p3_becomes_srgb(tmp_path: Path, media: Path) -> None:
    """The same numbers mean a stronger red in Display P3, the profile of every iPhone picture."""
    profile = Image.open(media / "phone/iphone/2020-xr/IMG_3580.JPG").info["icc_profile"]
    for name in ("p3.jpg", "p3.png", "p3.webp", "p3.tif"):
        Image.new("RGB", (64, 64), (200, 60, 60)).save(tmp_path / name, icc_profile=profile)
        red, green, blue = np.asarray(_thumbnail(tmp_path / name)).reshape(-1, 3).mean(axis=0)
        assert red > 208, name
        assert green < 54, name
        assert blue < 60, name


@pytest.mark.parametrize("kind", ["grey16", "float", "int32", "bilevel", "lab"])
def test_unusual_pixels_become_ordinary_ones(tmp_path: Path, kind: str) -> None:
    ramp = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (64, 1))
    images = {
        "grey16": Image.fromarray((ramp * 65535).astype(np.uint16)),
        "float": Image.fromarray(ramp),
        "int32": Image.fromarray((ramp * 65535).astype(np.int32)),
        "bilevel": Image.fromarray((ramp * 255).astype(np.uint8)).convert("1"),
        "lab": Image.merge(
            "LAB", (Image.fromarray((ramp * 255).astype(np.uint8)), *[Image.new("L", (256, 64), 128)] * 2)
        ),
    }
    images[kind].save(tmp_path / "ramp.tif")
    shown = np.asarray(_thumbnail(tmp_path / "ramp.tif").convert("L"), dtype=np.int16)
    assert shown[:, :16].mean() < 30
    assert shown[:, -16:].mean() > 225
    assert abs(float(shown[:, 120:136].mean()) - 128) < 25


def test_a_sixteen_bit_png_is_not_blown_out(media: Path) -> None:
    assert (
        difference(
            _thumbnail(media / "formats/png/RGB_16__128x128.png"), _thumbnail(media / "formats/heic/rgb10_128x128.heif")
        )
        < 12
    )


def test_the_first_page_frame_or_eye_is_shown(tmp_path: Path) -> None:
    first, second = scene(200, 150, seed=1), scene(200, 150, seed=2)
    first.save(tmp_path / "pages.tif", save_all=True, append_images=[second])
    first.save(tmp_path / "moving.gif", save_all=True, append_images=[second])
    first.save(tmp_path / "moving.webp", save_all=True, append_images=[second], quality=90)
    first.save(tmp_path / "stereo.mpo", save_all=True, append_images=[second])
    for name in ("pages.tif", "moving.gif", "moving.webp", "stereo.mpo"):
        shown = _thumbnail(tmp_path / name)
        assert difference(shown, first) < 8, name
        assert difference(shown, second) > 30, name


def test_a_heic_grid_comes_out_whole(media: Path) -> None:
    shown = np.asarray(_thumbnail(media / "phone/iphone/2018/iphone_7.heic").convert("L"), dtype=np.int16)
    assert shown.shape == (360, 480)
    assert all(
        quarter.std() > 3 for quarter in (shown[:180, :240], shown[:180, 240:], shown[180:, :240], shown[180:, 240:])
    )


def test_png_with_a_malformed_exif_profile_is_shown(media: Path) -> None:
    assert _thumbnail(media / "formats/png/paris_icc_exif_xmp.png").size == (403, 302)


def test_jpeg_as_a_path_and_as_bytes_give_the_same_thumbnail(tmp_path: Path) -> None:
    (tmp_path / "one.jpg").write_bytes(jpeg_bytes(scene(900, 700)))
    file = media_file(tmp_path / "one.jpg")
    content = (tmp_path / "one.jpg").read_bytes()
    assert render_thumbnail(file, content, 480, NO_TOOLS) == render_thumbnail(file, None, 480, NO_TOOLS)

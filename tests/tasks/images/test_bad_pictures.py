"""Broken, hostile and mislabelled pictures: each ends in a thumbnail or in a reason, soon and in little memory."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

from tasks.errors import AssetError, CorruptMedia, MediaTooLarge, UnreadableFile, UnsupportedMedia
from tasks.files.media_types import HEAD_BYTES, identify
from tasks.images.thumbnail import Rendered, Tools, render_quick, render_thumbnail
from tasks.video.ffmpeg import find_ffmpeg
from tests.tasks.images.picture_files import difference, jpeg_bytes, media_file, opened, scene, tiff_raw

TOOLS = Tools(ffmpeg=find_ffmpeg())
CHILD = """
import resource, sys, time
from pathlib import Path
from tasks.errors import AssetError
from tasks.images.thumbnail import Tools, render_thumbnail
from tasks.video.ffmpeg import find_ffmpeg
from tests.tasks.images.picture_files import media_file
started = time.monotonic()
try:
    render_thumbnail(media_file(Path(sys.argv[1])), None, 480, Tools(ffmpeg=find_ffmpeg()))
except AssetError:
    pass
# VmHWM, not our own ru_maxrss: that begins with the memory of the process that started us
own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss), time.monotonic() - started)
"""


def _render(path: Path) -> Rendered:
    return render_thumbnail(media_file(path), None, 480, TOOLS)


def _png_of_size(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def test_every_odd_file_gives_a_thumbnail_or_a_reason_in_little_memory_and_time(media: Path) -> None:
    """One process a file, so that the peak is that file's own; children (ffmpeg) count too."""
    for path in sorted((media / "odd").iterdir()):
        with path.open("rb") as file:
            if identify(file.read(HEAD_BYTES), path.name) is None:
                continue
        done = subprocess.run(
            [sys.executable, "-c", CHILD, path], capture_output=True, text=True, timeout=60, check=False,
            cwd=Path(__file__).resolve().parents[3],
        )  # fmt: skip
        assert done.returncode == 0, (path.name, done.stderr[-500:])
        peak_kb, seconds = (float(word) for word in done.stdout.split())
        assert peak_kb < 500 * 1024, path.name
        assert seconds < 30, path.name


@pytest.mark.parametrize("name", ["bomb_50000x50000.png", "bomb_header_only_60000x60000.png"])
def test_bombs_are_refused_before_they_are_decoded(media: Path, name: str) -> None:
    with pytest.raises(MediaTooLarge):
        _render(media / "odd" / name)


def test_formats_that_must_be_held_whole_have_a_lower_limit_than_jpeg(tmp_path: Path) -> None:
    (tmp_path / "wide.png").write_bytes(_png_of_size(20_000, 10_000))
    with pytest.raises(MediaTooLarge):
        _render(tmp_path / "wide.png")
    Image.new("RGB", (16_000, 12_000), "teal").save(tmp_path / "wide.jpg", quality=30)
    made = _render(tmp_path / "wide.jpg")
    assert (made.width, made.height, made.source_width) == (480, 360, 16_000)


def test_a_progressive_jpeg_counts_the_coefficients_its_decoder_must_hold(tmp_path: Path) -> None:
    small = jpeg_bytes(scene(64, 64), progressive=True)
    at = small.index(b"\xff\xc2") + 5
    (tmp_path / "bomb.jpg").write_bytes(small[:at] + struct.pack(">HH", 20_000, 20_000) + small[at + 4 :])
    with pytest.raises(MediaTooLarge):
        _render(tmp_path / "bomb.jpg")


def test_a_progressive_jpeg_of_a_thousand_passes_is_refused(tmp_path: Path) -> None:
    whole = jpeg_bytes(scene(3000, 2000), progressive=True)
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    (tmp_path / "slow.jpg").write_bytes(whole[:-2] + scan[:14] * 1000 + b"\xff\xd9")
    with pytest.raises(MediaTooLarge):
        _render(tmp_path / "slow.jpg")


def test_a_tiff_too_large_to_decode_is_shown_by_its_preview(tmp_path: Path) -> None:
    (tmp_path / "vast.tif").write_bytes(tiff_raw(1, [jpeg_bytes(scene(900, 600))], sensor=(60_000, 40_000)))
    assert _render(tmp_path / "vast.tif").layer == "raw:SubIFD0"


def test_a_huge_jxl_is_refused_though_opening_it_would_decode_it(tmp_path: Path) -> None:
    bits = (0 | 3 << 1 | (49_999) << 3 | 1 << 33).to_bytes(10, "little")  # 50,000 high, ratio 1:1
    stream = b"\xff\x0a" + bits + b"\0" * 50
    (tmp_path / "bomb.jxl").write_bytes(stream)
    boxes = b"\0\0\0\x0cJXL \r\n\x87\n" + struct.pack(">I", 9008) + b"Exif" + b"\0" * 9000
    (tmp_path / "boxed.jxl").write_bytes(boxes + struct.pack(">I", len(stream) + 8) + b"jxlc" + stream)
    for name in ("bomb.jxl", "boxed.jxl"):  # the second one's codestream begins far behind the first bytes
        with pytest.raises(MediaTooLarge):
            _render(tmp_path / name)


@pytest.mark.parametrize("size", [(20_000, 20_000), (65_535, 65_535)])
def test_a_gif_or_bmp_that_claims_too_much_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    gif = io.BytesIO()
    Image.new("P", (4, 4)).save(gif, "GIF")
    data = bytearray(gif.getvalue())
    data[6:10] = struct.pack("<HH", *size)
    (tmp_path / "bomb.gif").write_bytes(data)
    bmp = b"BM" + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, *size, 1, 24, 0, 0, 0, 0, 0, 0)
    (tmp_path / "bomb.bmp").write_bytes(bmp)
    for name in ("bomb.gif", "bomb.bmp"):
        with pytest.raises(MediaTooLarge):
            _render(tmp_path / name)


@pytest.mark.parametrize(("options", "suffix"), [({}, "jpg"), ({"progressive": True}, "jpg"), ({}, "png"), ({}, "bmp")])
def test_a_truncated_picture_shows_what_is_there_and_says_so(
    tmp_path: Path, options: dict[str, bool], suffix: str
) -> None:
    whole = tmp_path / f"whole.{suffix}"
    scene(800, 600).save(whole, **options)  # type: ignore[arg-type]  # options of the format
    (tmp_path / f"cut.{suffix}").write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    made = _render(tmp_path / f"cut.{suffix}")
    assert made.warning is not None
    upper = (0, 0, 480, 120)
    if suffix != "bmp":  # which begins with its last row
        assert difference(opened(made.jpeg).crop(upper), opened(_render(whole).jpeg).crop(upper)) < 12


def test_a_sliver_of_a_picture_is_not_shown(tmp_path: Path) -> None:
    whole = jpeg_bytes(scene(4000, 3000))
    start = whole.index(b"\xff\xda")
    (tmp_path / "cut.jpg").write_bytes(whole[: start + 600])
    with pytest.raises(CorruptMedia):
        _render(tmp_path / "cut.jpg")


def test_an_unharmed_picture_has_no_warning(tmp_path: Path) -> None:
    (tmp_path / "fine.jpg").write_bytes(jpeg_bytes(scene(800, 600)))
    assert _render(tmp_path / "fine.jpg").warning is None


def test_names_that_lie_about_the_format_do_not_matter(media: Path) -> None:
    for name in ("wrong.heic", "this-is-a-jpeg.png", "jpeg-inside.NEF", "airport_grey"):
        assert _render(media / "odd" / name).layer == "pillow"


def test_bytes_of_no_format_are_unsupported_and_damaged_ones_corrupt(media: Path) -> None:
    for name in ("text-renamed.jpg", "._IMG_4120.JPG"):
        with pytest.raises(UnsupportedMedia):
            _render(media / "odd" / name)
    for name in ("zero-byte.jpg", "empty.heic", "corrupted.heic", "huge_tag_exif.jpg"):
        with pytest.raises(CorruptMedia):
            _render(media / "odd" / name)


def test_a_file_that_vanished_is_unreadable(tmp_path: Path) -> None:
    for suffix in ("jpg", "png", "heic"):
        path = tmp_path / f"gone.{suffix}"
        scene(50, 50).save(path)
        file = media_file(path)
        path.unlink()
        with pytest.raises(UnreadableFile):
            render_thumbnail(file, None, 480, TOOLS)


def test_reasons_name_no_path_of_this_machine(media: Path) -> None:
    for path in sorted((media / "odd").iterdir()):
        with path.open("rb") as file:
            kind = identify(file.read(HEAD_BYTES), path.name)
        if kind is None:
            continue
        try:
            _render(path)
        except AssetError as exc:
            assert str(path.parent) not in exc.reason
            assert len(exc.reason) < 300


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp", "tif", "heic", "avif", "jxl", "jp2", "bmp"])
def test_flipped_and_missing_bytes_never_raise_anything_but_our_errors(tmp_path: Path, suffix: str) -> None:
    scene(160, 120).save(tmp_path / f"whole.{suffix}")
    whole = (tmp_path / f"whole.{suffix}").read_bytes()
    target = tmp_path / f"hurt.{suffix}"
    step = max(1, len(whole) // 40)
    refused = 0
    for at in [*range(0, min(len(whole), 64), 3), *range(64, len(whole), step)]:
        for hurt in (whole[:at], whole[:at] + b"\xff\xff\xff" + whole[at + 3 :], whole[:at] + b"\0" + whole[at + 1 :]):
            target.write_bytes(hurt)
            try:
                render_quick(media_file(target), None, 100)
            except AssetError:
                refused += 1
    assert refused > 0, "nothing that was done to the file hurt it"

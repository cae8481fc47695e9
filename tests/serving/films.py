"""A library of films for the tests of the API and the page, with what the flows would have made of some of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

from sql.lake import Row, utc_now
from tasks.files.derivatives import gif_file, hls_file, on_disk, preview_clip_file
from tests.drawn import drawn_file
from tests.serving.conftest import Installation

LIVE_FOLDER = "phone/iphone/livephoto"
MOTION = "phone/motion/PXL_20210605_120322123.MP.jpg"
NO_STREAM = "2020/no stream yet & co.mp4"
WITH_STREAM = "2021/boat.mp4"
LADDER = "2021/ladder.mp4"
BROKEN = "odd/broken.mp4"


def ffmpeg(*arguments: str, folder: Path | None = None) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *arguments], check=True, timeout=120, cwd=folder)


def film(path: Path, *codec: str, seconds: float = 4, size: str = "320x180", tone: int = 440) -> Path:
    """A test card with a tone."""
    arguments = [
        "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=30:duration={seconds}",
        "-f", "lavfi", "-i", f"sine={tone}:duration={seconds}",
        *(codec or ("-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "aac")),
    ]  # fmt: skip
    return drawn_file(path, lambda made: ffmpeg(*arguments, str(made)), *arguments)


def fill_with_films(installation: Installation, media: Path) -> None:
    film(installation.root / NO_STREAM, tone=300)
    film(installation.root / WITH_STREAM, seconds=6)
    film(installation.root / LADDER, seconds=4, tone=500)
    for path in [MOTION, BROKEN, *live_photo(media)]:
        (installation.root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(media / path, installation.root / path)
    installation.scan()


def live_photo(media: Path) -> list[str]:
    """The still and its video."""
    return sorted(str(path.relative_to(media)) for path in (media / LIVE_FOLDER).iterdir())


def asset_of(installation: Installation, path: str) -> Row:
    return installation.lake.select("select * from v_assets where path = $path", path=path)[0]


def make_stream(installation: Installation, path: str) -> Row:
    """One rendition, as the flow would leave it."""
    asset = asset_of(installation, path)
    folder = on_disk(installation.settings.video_folder, hls_file(asset["content_hash"])).parent
    folder.mkdir(parents=True)
    _segments(installation.root / path, folder, "playlist.m3u8", "segment_%03d.ts")
    _record(installation, asset, "hls", hls_file(asset["content_hash"]))
    return asset


def make_ladder(installation: Installation, path: str) -> Row:
    asset = asset_of(installation, path)
    folder = on_disk(installation.settings.video_folder, hls_file(asset["content_hash"])).parent
    folder.mkdir(parents=True)
    for name in ("480p", "720p"):
        _segments(installation.root / path, folder, f"{name}.m3u8", f"{name}_segment_%03d.ts")
    (folder / "playlist.m3u8").write_text(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=320x180\n480p.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=1900000,RESOLUTION=320x180\n720p.m3u8\n"
    )
    _record(installation, asset, "hls", hls_file(asset["content_hash"]))
    return asset


def _segments(source: Path, folder: Path, playlist: str, segment: str) -> None:
    ffmpeg(
        "-i", str(source), "-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod",
        "-hls_segment_filename", segment, playlist, folder=folder,
    )  # fmt: skip


def make_clip(installation: Installation, path: str, source: Path | None = None) -> Path:
    asset = asset_of(installation, path)
    name = preview_clip_file(asset["library_id"], path)
    target = on_disk(installation.settings.previews_folder, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    encode = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-vf", "scale=-2:180", "-an")
    original = source or installation.root / path
    arguments = ["-t", "2", *encode, "-movflags", "+faststart"]
    draw = lambda made: ffmpeg("-i", str(original), *arguments, str(made))  # noqa: E731
    drawn_file(target, draw, "clip", sha256(original.read_bytes()).hexdigest(), *arguments)
    _record(installation, asset, "preview_clip", name)
    return target


def make_gif(installation: Installation, path: str) -> Path:
    asset = asset_of(installation, path)
    name = gif_file(asset["library_id"], path)
    target = on_disk(installation.settings.gifs_folder, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    ffmpeg("-i", str(installation.root / path), "-t", "1", "-vf", "fps=5,scale=160:-2", str(target))
    _record(installation, asset, "gif", name)
    return target


def _record(installation: Installation, asset: Row, kind: str, file: str) -> None:
    row = {"asset_id": asset["asset_id"], "content_hash": asset["content_hash"], "kind": kind, "file": file}
    with installation.lake.write(kind) as writer:
        writer.replace("derivative", [{**row, "recorded_at": utc_now()}])


def fail(installation: Installation, path: str, stage: str, message: str) -> None:
    asset = asset_of(installation, path)
    row = {"asset_id": asset["asset_id"], "stage": stage, "error_class": "CorruptMedia", "message": message}
    with installation.lake.write(stage) as writer:
        writer.replace("failure", [{**row, "file_version": asset["content_hash"], "attempts": 1}])


def probed(*arguments: str) -> dict[str, Any]:
    """What ffprobe says of a file or address."""
    asked = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", *arguments]
    answer = subprocess.run(asked, check=True, timeout=60, capture_output=True)
    found: dict[str, Any] = json.loads(answer.stdout)
    return found

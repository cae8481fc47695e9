"""Every kind of film there is, made into a stream by the running API and played by a real browser."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Browser, Page

from serving.auth.accounts import add_user
from serving.auth.tokens import issue_token
from tests.drawn import drawn_file
from tests.serving.conftest import NAME, PASSWORD, Installation, make_installation
from tests.serving.films import ffmpeg
from tests.serving.test_video import until
from tests.serving.test_web import CHROMIUM, Watched, browser, serve

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
__all__ = ["browser"]  # the fixture

X264 = "-c:v libx264 -preset ultrafast"
KINDS = {
    "baseline.mp4": f"{X264} -profile:v baseline -pix_fmt yuv420p -c:a aac",
    "main mp3.mp4": f"{X264} -pix_fmt yuv420p -c:a libmp3lame",
    "silent.mp4": f"{X264} -pix_fmt yuv420p -an",
    "opus.mkv": f"{X264} -pix_fmt yuv420p -c:a libopus",
    "ac3.ts": f"{X264} -pix_fmt yuv420p -c:a ac3 -ac 6",
    "flac.mkv": f"{X264} -pix_fmt yuv420p -c:a flac",
    "10 bit.mp4": f"{X264} -pix_fmt yuv420p10le -c:a aac",
    "422.mov": f"{X264} -pix_fmt yuv422p -c:a pcm_s16le",
    "444.mkv": f"{X264} -pix_fmt yuv444p -c:a libvorbis",
    "lossless rgb.mkv": "-c:v libx264rgb -preset ultrafast -qp 0 -an",
    "interlaced.ts": f"{X264} -flags +ilme+ildct -x264opts tff=1 -pix_fmt yuv420p -c:a mp2",
    "one key frame.mp4": f"{X264} -g 9999 -sc_threshold 0 -pix_fmt yuv420p -c:a aac",
    "odd size.mp4": "-vf scale=161:121 -c:v mpeg4 -c:a aac",
    "oblong pixels.mpg": "-vf scale=352:288,setsar=16/11 -c:v mpeg2video -c:a mp2",
    "two sounds.mkv": f"-map 0:v -map 1:a -map 1:a {X264} -pix_fmt yuv420p -c:a:0 ac3 -c:a:1 aac",
    "changing rate.mkv": f"-vf select='gt(mod(n,7),2)' -vsync vfr {X264} -pix_fmt yuv420p -c:a aac",
    "120 fps.mp4": f"-r 120 {X264} -pix_fmt yuv420p -c:a aac",
    "hevc.mp4": "-c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p -tag:v hvc1 -c:a aac",
    "hevc 10.mkv": "-c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p10le -c:a libopus",
    "hlg.mov": "-c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -color_trc arib-std-b67 "
    "-color_primaries bt2020 -colorspace bt2020nc -tag:v hvc1 -c:a aac",
    "av1.mp4": "-c:v libsvtav1 -preset 12 -pix_fmt yuv420p -c:a aac",
    "vp8.webm": "-c:v libvpx -deadline realtime -c:a libvorbis",
    "vp9.webm": "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus",
    "mpeg1.mpg": "-c:v mpeg1video -c:a mp2",
    "mpeg2.vob": "-c:v mpeg2video -c:a ac3 -f vob",
    "mpeg4.avi": "-c:v mpeg4 -vtag xvid -c:a libmp3lame",
    "msmpeg4.avi": "-c:v msmpeg4 -c:a libmp3lame",
    "wmv1.wmv": "-c:v wmv1 -c:a wmav1",
    "wmv2.wmv": "-c:v wmv2 -c:a wmav2",
    "flash.flv": "-c:v flv -c:a libmp3lame -ar 44100",
    "h263.3gp": "-vf scale=176:144 -c:v h263 -an",
    "theora.ogv": "-c:v libtheora -c:a libvorbis",
    "mjpeg.avi": "-c:v mjpeg -c:a pcm_u8",
    "prores.mov": "-c:v prores -c:a pcm_s24le",
    "dnxhr.mov": "-vf scale=256:128 -c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p -c:a pcm_s16le",
    "ffv1.mkv": "-c:v ffv1 -c:a pcm_s16le",
    "huffyuv.avi": "-c:v huffyuv -c:a pcm_s16le",
    "utvideo.avi": "-c:v utvideo -c:a pcm_s16le",
    "raw.avi": "-c:v rawvideo -pix_fmt yuv420p -c:a pcm_s16le",
    "animation.mov": "-c:v qtrle -c:a pcm_s16be",
    "cinepak.avi": "-vf scale=160:120 -c:v cinepak -c:a pcm_u8",
    "sorenson.mov": "-vf scale=160:120 -c:v svq1 -an",
    "jpeg2000.mxf": "-c:v jpeg2000 -pix_fmt yuv422p -an",
    "camera.dv": "-vf scale=720:576,fps=25 -pix_fmt yuv420p -c:v dvvideo -c:a pcm_s16le -ar 48000 -ac 2",
}
FEWEST_FRAMES = 8  # Chromium finds no picture in a shorter MPEG-TS, whoever wrote it
PLAY = """async (address) => {
    document.body.replaceChildren();
    const film = document.createElement('video');
    film.muted = true;
    document.body.append(film);
    const moved = new Promise((done) => {
        film.ontimeupdate = () => film.currentTime > Math.min(0.3, film.duration / 2) && done('');
        film.onended = () => done(film.currentTime > 0 ? '' : 'ended at once');
        film.onerror = () => done(film.error.message || 'error ' + film.error.code);
        setTimeout(() => done(`stood at ${film.currentTime} of ${film.duration}`), 60000);
    });
    film.src = address;
    film.play().catch(() => undefined);
    const trouble = await moved;
    return trouble || (film.videoWidth ? '' : 'sound without a picture');
}"""


def playable_films(media: Path) -> list[str]:
    """Videos that hold a picture and can be decoded, as the manifest says."""
    with (media / "MANIFEST.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        row["path"] for row in rows if row["mime"].startswith("video/") and row["opens"] == "ffmpeg:ok" and row["width"]
    ]


def synthesise(folder: Path) -> None:
    for number, (name, options) in enumerate(KINDS.items()):
        arguments = [
            "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=1.2",
            "-f", "lavfi", "-i", f"sine={300 + number}:duration=1.2", *options.split(" "), "-strict", "-2",
        ]  # fmt: skip
        drawn_file(folder / name, lambda made, arguments=arguments: ffmpeg(*arguments, str(made)), *arguments)
    turned = folder / "turned.mp4"
    ffmpeg("-i", str(folder / "baseline.mp4"), "-c", "copy", "-metadata:s:v", "rotate=90", str(turned))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = make_installation(tmp_path_factory.mktemp("every"))
    add_user(installation.lake, NAME, PASSWORD)
    yield installation
    installation.lake.close()


@pytest.fixture(scope="module")
def site(films: Installation) -> Iterator[str]:
    yield from serve(films)


def troubles_of(installation: Installation, browser: Browser, site: str, paths: list[str]) -> dict[str, str]:
    """What does not play, and why."""
    headers = {"Authorization": f"Bearer {issue_token(installation.settings, NAME)}"}
    found: dict[str, str] = {}
    watched = Watched(browser, site)
    watched.log_in().wait_for_selector(".tile")
    page = watched.page
    page.goto(f"{site}/nothing/here")  # a page of ours with nothing on it, and the cookie
    with httpx.Client(base_url=site, headers=headers, timeout=60) as client:
        for path in paths:  # all at once: the server works through them while the first are played
            client.post("/video/generate", json={"path": path})
        for path in paths:
            found[path] = _trouble(client, page, path)
    watched.context.close()
    return {path: trouble for path, trouble in found.items() if trouble}


def _trouble(client: httpx.Client, page: Page, path: str) -> str:
    answer: Any = until(
        lambda: client.post("/video/generate", json={"path": path}).json(),
        lambda found: found.get("ready") or "detail" in found,
        seconds=120,
    )
    if "playlist_url" not in answer:
        return str(answer["detail"])
    address = answer["playlist_url"] if _frames(client, path) >= FEWEST_FRAMES else _clip(client, path)
    return str(page.evaluate(PLAY, address))


def _frames(client: httpx.Client, path: str) -> float:
    asset = client.get("/image/metadata", params={"path": path}).json()["asset"]
    return float((asset["duration_s"] or 60) * (asset["frame_rate"] or 25))


def _clip(client: httpx.Client, path: str) -> str:
    """What the viewer falls back on."""
    address = f"/video/preview?{urlencode({'path': path})}"
    until(lambda: client.get(address).status_code, lambda status: status == 200)
    return address


def test_every_film_of_the_real_library_plays(films: Installation, browser: Browser, site: str, media: Path) -> None:
    paths = playable_films(media)
    assert len(paths) > 20
    for path in paths:
        (films.root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(media / path, films.root / path)
    films.scan()
    httpx.get(f"{site}/healthz")  # the replica catches up
    assert troubles_of(films, browser, site, paths) == {}


def test_every_codec_that_can_be_written_here_plays(films: Installation, browser: Browser, site: str) -> None:
    synthesise(films.root / "codecs")
    films.scan()
    httpx.get(f"{site}/healthz")
    paths = [f"codecs/{name}" for name in [*KINDS, "turned.mp4"]]
    known = {row["path"]: row["media_type"] for row in films.lake.select("select path, media_type from v_assets")}
    assert [path for path in paths if known.get(path) != "video"] == []
    assert troubles_of(films, browser, site, paths) == {}

"""What has to be known of a video before it can be made playable: its streams, as ffprobe describes them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from tasks.errors import AssetError, CorruptMedia, MediaTooLarge, UnreadableFile, UnsupportedMedia
from tasks.programs import find_ffprobe
from tasks.video.ffmpeg import last_complaint, run_ffmpeg, safe_input
from tasks.video.frame import MAX_FRAME_PIXELS

PROBE_SECONDS = 30.0
_TEXT_HEAD_BYTES = 512
_TEXT_BYTES = bytes([9, 10, 13, *range(0x20, 0x7F)])
_UPRIGHT = (65536, 0, 0, 65536)  # 16.16 fixed point
_ODD_TRACKS = ("hearing_impaired", "visual_impaired", "comment", "descriptions", "karaoke")


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """`index` counts all streams of the file, as ffmpeg's `-map 0:index` does."""

    index: int
    codec: str
    profile: str
    channels: int
    sample_rate: int


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """
    One moving picture and the sound that goes with it.

    Args:
        index: Of the video stream among all streams.
        width, height: Stored pixels, as ffprobe says.
        shown_width, shown_height: As a player shows it: upright, pixels made square.
        turned: There is a display matrix that is not the identity; MPEG-TS carries none.
        interlaced: By the container or the decoder's word.
        frame_rate: The average, frames per second; None where it is not known.
        transfer: `smpte2084` (PQ), `arib-std-b67` (HLG), `bt709` …, "" where it is not said.
        full_range: Luma from 0 to 255.
        duration_s: What the container says, which may be wrong; None where it says nothing.
        audio: The default track, else the one with the most channels; None for a silent film.
    """

    index: int
    codec: str
    profile: str
    pixel_format: str
    width: int
    height: int
    shown_width: int
    shown_height: int
    square_pixels: bool
    turned: bool
    interlaced: bool
    frame_rate: float | None
    transfer: str
    primaries: str
    matrix: str
    full_range: bool
    duration_s: float | None
    container: str
    audio: AudioTrack | None

    @property
    def hdr(self) -> bool:
        return self.transfer in {"smpte2084", "arib-std-b67"}


def read_facts(path: Path, *, ffprobe: str | None = None) -> VideoFacts:
    """
    Raises:
        UnsupportedMedia: There is no moving picture in it, or it is nothing we may open (a playlist in disguise).
        CorruptMedia: It is recognised and cannot be read.
        MediaTooLarge: Its frames are more than we decode.
        DecoderTimeout, UnreadableFile, ToolMissing.
    """
    _refuse_text(path)
    args = ["-v", "error", "-print_format", "json", "-show_format", "-show_streams", *safe_input(path.absolute())]
    program = ffprobe or find_ffprobe() or "ffprobe"
    done = run_ffmpeg(args, PROBE_SECONDS, path=path, ffmpeg=program, max_output_bytes=8 * 2**20)
    if done.returncode != 0:
        raise _unopened(path, done.log)
    try:
        answer: dict[str, Any] = json.loads(done.output)
    except ValueError as exc:
        raise CorruptMedia(path, "ffprobe's answer cannot be understood") from exc
    return _facts(path, answer)


def _refuse_text(path: Path) -> None:
    """Playlists and session descriptions are text, videos never."""
    try:
        with path.open("rb") as file:
            head = file.read(_TEXT_HEAD_BYTES)
    except OSError as exc:
        raise UnreadableFile(path, f"cannot be read: {exc.strerror}") from exc
    if not head:
        raise CorruptMedia(path, "the file is empty")
    if not head.translate(None, _TEXT_BYTES):
        raise UnsupportedMedia(path, "it is text, no video")


def _unopened(path: Path, log: str) -> AssetError:
    if "whitelist" in log:
        return UnsupportedMedia(path, "it is a playlist or another format that may open other files")
    return CorruptMedia(path, f"no video can be read from it: {last_complaint(log)}")


def _facts(path: Path, answer: dict[str, Any]) -> VideoFacts:
    container, streams = answer.get("format", {}), answer.get("streams", [])
    video = _best_video(streams)
    if video is None:
        raise UnsupportedMedia(path, "there is no moving picture in it")
    width, height = _whole(video.get("width")), _whole(video.get("height"))
    if not width or not height:
        raise CorruptMedia(path, "its frames have no size")
    if width * height > MAX_FRAME_PIXELS:
        raise MediaTooLarge(path, f"frames of {width} x {height} pixels are more than we decode")
    aspect = _aspect(video.get("sample_aspect_ratio"))
    quarter, turned = _rotation(video)
    shown = (max(1, round(width * aspect)), height)
    shown_width, shown_height = shown[::-1] if quarter else shown
    return VideoFacts(
        index=int(video["index"]),
        codec=str(video.get("codec_name", "")),
        profile=str(video.get("profile", "")),
        pixel_format=str(video.get("pix_fmt", "")),
        width=width,
        height=height,
        shown_width=shown_width,
        shown_height=shown_height,
        square_pixels=aspect == 1,
        turned=turned,
        interlaced=video.get("field_order", "progressive") in {"tt", "bb", "tb", "bt"},
        frame_rate=_rate(video.get("avg_frame_rate")) or _rate(video.get("r_frame_rate")),
        transfer=str(video.get("color_transfer", "")),
        primaries=str(video.get("color_primaries", "")),
        matrix=str(video.get("color_space", "")),
        full_range=video.get("color_range") == "pc" or str(video.get("pix_fmt", "")).startswith("yuvj"),
        duration_s=_seconds(container.get("duration")) or _seconds(video.get("duration")),
        container=str(container.get("format_name", "")),
        audio=_best_audio(streams),
    )


def _best_video(streams: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The default one of those that move: no cover pictures, no timed thumbnails, no unknown codecs."""
    moving = [
        stream
        for stream in streams
        if stream.get("codec_type") == "video"
        and stream.get("codec_name", "unknown") not in {"unknown", "none"}
        and not any(_flag(stream, name) for name in ("attached_pic", "timed_thumbnails", "still_image"))
    ]
    return max(moving, key=lambda stream: (_flag(stream, "default"), -int(stream["index"])), default=None)


def _best_audio(streams: list[dict[str, Any]]) -> AudioTrack | None:
    """The default track, not one for the few; then the one with the most channels; then the first."""
    tracks = [
        stream
        for stream in streams
        if stream.get("codec_type") == "audio"
        and stream.get("codec_name", "unknown") not in {"unknown", "none"}
        and _whole(stream.get("channels"))
        and _whole(stream.get("sample_rate"))
    ]
    if not tracks:
        return None
    best = max(tracks, key=_audio_rank)
    return AudioTrack(
        index=int(best["index"]),
        codec=str(best["codec_name"]),
        profile=str(best.get("profile", "")),
        channels=_whole(best.get("channels")),
        sample_rate=_whole(best.get("sample_rate")),
    )


def _audio_rank(stream: dict[str, Any]) -> tuple[bool, bool, int, int]:
    for_all = not any(_flag(stream, name) for name in _ODD_TRACKS)
    return for_all, _flag(stream, "default"), _whole(stream.get("channels")), -int(stream["index"])


def _flag(stream: dict[str, Any], name: str) -> bool:
    return bool(stream.get("disposition", {}).get(name))


def _rotation(video: dict[str, Any]) -> tuple[bool, bool]:
    """Whether it stands on its side, and whether anything at all is to be done to show it upright."""
    for side_data in video.get("side_data_list", []):
        if "displaymatrix" not in side_data:
            continue
        numbers = [int(text) for text in re.findall(r"-?\d+", re.sub(r"\w+:", " ", side_data["displaymatrix"]))]
        if len(numbers) < 5:
            continue
        a, b, c, d = numbers[0], numbers[1], numbers[3], numbers[4]
        return abs(b) > abs(a), (a, b, c, d) != _UPRIGHT
    degrees = _whole(video.get("tags", {}).get("rotate"))
    return degrees % 180 == 90, degrees % 360 != 0


def _aspect(text: object) -> Fraction:
    """How much wider than high a pixel is; nonsense counts as square."""
    try:
        ratio = Fraction(str(text).replace(":", "/"))
    except (ValueError, ZeroDivisionError):
        return Fraction(1)
    return ratio if Fraction(1, 10) <= ratio <= 10 else Fraction(1)


def _rate(text: object) -> float | None:
    try:
        rate = float(Fraction(str(text)))
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return rate if 0 < rate <= 1000 else None


def _seconds(text: object) -> float | None:
    try:
        seconds = float(str(text))
    except ValueError:
        return None
    return seconds if 0 < seconds < 1e9 else None


def _whole(value: object) -> int:
    try:
        return int(float(str(value)))
    except (ValueError, OverflowError):
        return 0

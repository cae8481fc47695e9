"""What ffprobe says about a video's streams. It is shown one local file and may open nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from tasks.errors import CorruptMedia, DecoderTimeout, ToolMissing, UnreadableFile, UnsupportedMedia
from tasks.metadata.fields import clean_text, finite, positive, whole

# Containers that hold their own bytes. A playlist (hls, concat, dash, sdp, image2, …) behind a .mp4 name would make
# ffprobe open what it lists; none of those may even be tried.
DEMUXERS = ("mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,asf,flv,ogg,mxf,dv,m4v,h264,hevc,"
            "gif,apng,ivf,rm,wtv,nut,dhav,amr,aac,mp3,wav,flac")  # fmt: skip


_TEXT_HEAD_BYTES = 512
_TEXT_BYTES = bytes([9, 10, 13, *range(0x20, 0x7F)])
_CONTEXT = re.compile(r"^\[[^\]]* @ 0x[0-9a-f]+\]\s*")


@dataclass(frozen=True, slots=True)
class VideoProbe:
    """
    Args:
        width, height: Upright, in stored pixels (a pixel that is not square is not made so).
        rotation: Clockwise degrees from stored to upright: 0, 90, 180 or 270.
        tags: The container's own, keys in lower case, e.g. 'creation_time', 'com.apple.quicktime.creationdate'.
    """

    width: int | None = None
    height: int | None = None
    rotation: int | None = None
    duration_s: float | None = None
    frame_rate: float | None = None
    frame_count: int | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    pixel_format: str | None = None
    color_transfer: str | None = None
    bit_rate: int | None = None
    container: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


def probe(path: Path, ffprobe: str = "ffprobe", timeout_seconds: float = 20.0) -> VideoProbe:
    """
    Raises:
        UnsupportedMedia: No demuxer we allow recognises it.
        CorruptMedia: It is recognised and cannot be read.
        UnreadableFile: The operating system refuses it.
        DecoderTimeout: Not done within *timeout_seconds*.
        ToolMissing: *ffprobe* cannot be started.
    """
    if _is_text(path):
        raise UnsupportedMedia(path, "it is text, no video")
    command = [
        ffprobe, "-v", "error", "-hide_banner", "-protocol_whitelist", "file", "-format_whitelist", DEMUXERS,
        "-print_format", "json", "-show_format", "-show_streams", "-i", f"file:{os.fspath(path.absolute())}",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_seconds, check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise DecoderTimeout(path, f"ffprobe did not finish within {timeout_seconds:g} s") from exc
    except OSError as exc:
        raise ToolMissing(f"{ffprobe} cannot be started: {exc.strerror}") from exc
    if done.returncode != 0:
        lines = _complaints(done.stderr, path)
        if any("whitelist" in line for line in lines):
            raise UnsupportedMedia(path, "it is a playlist or another format that may open other files")
        if lines[:1] == ["Invalid data found when processing input"]:
            raise UnsupportedMedia(path, "no video container recognises it")
        raise CorruptMedia(path, f"ffprobe: {'; '.join(lines)[:300] or 'it failed without saying why'}")
    return _parse(done.stdout, path)


def _is_text(path: Path) -> bool:
    """Playlists and session descriptions are text, containers never; ffprobe would go by the name and look further."""
    try:
        with path.open("rb") as file:
            head = file.read(_TEXT_HEAD_BYTES)
    except OSError as exc:
        raise UnreadableFile(path, f"cannot be read: {exc.strerror}") from exc
    return bool(head) and not head.translate(None, _TEXT_BYTES)


@lru_cache(maxsize=8)
def ffprobe_version(ffprobe: str = "ffprobe") -> str:
    """'5.1.8-0+deb12u1'; empty when it does not say.

    Raises:
        ToolMissing: It cannot be started.
    """
    try:
        done = subprocess.run([ffprobe, "-version"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ToolMissing(f"{ffprobe} cannot be started") from exc
    words = done.stdout.decode("utf-8", "replace").split()
    return words[2] if len(words) > 2 else ""


def _complaints(stderr: bytes, path: Path) -> list[str]:
    """What ffprobe printed, without the file's name and the addresses of its own structures."""
    text = stderr.decode("utf-8", "replace").replace(f"file:{os.fsdecode(path.absolute())}: ", "")
    lines = (_CONTEXT.sub("", line).strip() for line in text.splitlines()[:20])
    return [line for line in lines if line]


def _parse(stdout: bytes, path: Path) -> VideoProbe:
    try:
        answer: dict[str, Any] = json.loads(stdout)
    except ValueError as exc:
        raise CorruptMedia(path, "ffprobe's answer cannot be understood") from exc
    container = answer.get("format", {})
    streams = answer.get("streams", [])
    pictures = [stream for stream in streams if stream.get("codec_type") == "video"]
    moving = [stream for stream in pictures if not stream.get("disposition", {}).get("attached_pic")]
    video: dict[str, Any] = next(iter(moving or pictures), {})
    audio: dict[str, Any] = next((stream for stream in streams if stream.get("codec_type") == "audio"), {})
    width, height = whole(video.get("width"), 1, 1 << 20), whole(video.get("height"), 1, 1 << 20)
    rotation = _rotation(video) if video else None
    if rotation in {90, 270}:
        width, height = height, width
    return VideoProbe(
        width=width,
        height=height,
        rotation=rotation,
        duration_s=positive(container.get("duration")) or positive(video.get("duration")),
        frame_rate=_rate(video.get("avg_frame_rate")) or _rate(video.get("r_frame_rate")),
        frame_count=whole(video.get("nb_frames"), 1, 1 << 40),
        video_codec=_codec(video),
        audio_codec=_codec(audio),
        pixel_format=clean_text(video.get("pix_fmt")),
        color_transfer=clean_text(video.get("color_transfer")),
        bit_rate=whole(container.get("bit_rate"), 1, 1 << 50),
        container=clean_text(container.get("format_name")),
        tags=_tags(container) | {key: text for key, text in _tags(video).items() if key not in _tags(container)},
    )


def _codec(stream: dict[str, Any]) -> str | None:
    name = clean_text(stream.get("codec_name"))
    return None if name == "unknown" else name


def _tags(holder: dict[str, Any]) -> dict[str, str]:
    found = {str(key).lower(): clean_text(value) for key, value in holder.get("tags", {}).items()}
    return {key: value for key, value in found.items() if value}


def _rotation(video: dict[str, Any]) -> int:
    """ffprobe counts anticlockwise; angles between the quarters (a shaky hand's matrix) go to the nearest."""
    for side_data in video.get("side_data_list", []):
        degrees = finite(side_data.get("rotation"))
        if degrees is not None:
            return round(-degrees / 90) * 90 % 360
    tag = finite(video.get("tags", {}).get("rotate"))
    return round(tag / 90) * 90 % 360 if tag is not None else 0


def _rate(text: object) -> float | None:
    try:
        rate = Fraction(str(text))
    except (ValueError, ZeroDivisionError):
        return None
    return positive(float(rate)) if rate < 100_000 else None

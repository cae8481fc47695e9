"""Films that tests draw themselves, and a reader of playlists that forgives nothing."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tasks.files.media_file import MediaFile
from tasks.files.media_types import MediaKind
from tasks.video.ffmpeg import find_ffmpeg
from tests.drawn import drawn_file

FFMPEG = find_ffmpeg()
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def film(path: Path, *codec: str, source: str = "testsrc2=s=320x180:r=25:d=3", tone: str = "") -> Path:
    """A test card, with a tone of so many seconds where one is asked for; H.264 unless *codec* says otherwise."""
    inputs = ["-f", "lavfi", "-i", source, *(["-f", "lavfi", "-i", f"sine=d={tone}"] if tone else [])]
    arguments = [*inputs, *(codec or H264)]
    if any(argument.startswith("/") for argument in arguments):  # of other files, which no recipe tells
        run(*arguments, str(path))
        return path
    return drawn_file(path, lambda made: run(*arguments, str(made)), *arguments)


def run(*arguments: str) -> None:
    subprocess.run([str(FFMPEG), "-v", "error", "-nostdin", "-y", *arguments], check=True, timeout=120)


def media_file(path: Path) -> MediaFile:
    return MediaFile(path, MediaKind("video", "video/mp4"), path.stat().st_size, path.stat().st_mtime_ns)


def probed(path: Path, *arguments: str) -> dict[str, Any]:
    """What ffprobe says of a file; it must have nothing to complain about."""
    asked = ["ffprobe", "-v", "warning", "-of", "json", "-show_format", "-show_streams", *arguments, str(path)]
    answer = subprocess.run(asked, check=True, timeout=60, capture_output=True, text=True)
    complaints = [line for line in answer.stderr.splitlines() if "reorder buffer" not in line]  # a decoder's own affair
    assert not complaints
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def video_stream(path: Path) -> dict[str, Any]:
    return next(stream for stream in probed(path)["streams"] if stream["codec_type"] == "video")


def frame_colour(path: Path, at_seconds: float = 0.5) -> tuple[int, int, int]:
    """The mean of one frame, red, green, blue."""
    command = [str(FFMPEG), "-v", "error", "-ss", str(at_seconds), "-i", str(path), "-frames:v", "1",
               "-vf", "format=gbrp,scale=1:1:flags=area,format=rgb24", "-f", "rawvideo", "-"]  # fmt: skip
    pixel = subprocess.run(command, check=True, timeout=60, capture_output=True).stdout
    return pixel[0], pixel[1], pixel[2]


def strict_segments(playlist: Path) -> list[tuple[str, float]]:
    """
    The segments of a media playlist, after RFC 8216: every line is known, in its place, and true.

    Checked against the files: each is there, begins with a key frame, and lasts as long as its EXTINF says.
    """
    lines = playlist.read_text(encoding="utf-8").split("\n")
    assert lines[0] == "#EXTM3U"
    assert lines[-2:] == ["#EXT-X-ENDLIST", ""]
    tags = [line for line in lines if line.startswith("#EXT")]
    assert sum(tag.startswith("#EXT-X-VERSION:") for tag in tags) == 1
    assert "#EXT-X-VERSION:3" in tags
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in tags
    assert "#EXT-X-MEDIA-SEQUENCE:0" in tags
    known = (
        r"#EXTM3U|#EXTINF:\d+\.\d+,|#EXT-X-(VERSION:3|TARGETDURATION:\d+|MEDIA-SEQUENCE:0|PLAYLIST-TYPE:VOD|ENDLIST)"
    )
    assert all(re.fullmatch(known, tag) for tag in tags)
    target = next(int(tag.partition(":")[2]) for tag in tags if tag.startswith("#EXT-X-TARGETDURATION:"))
    found = []
    for number, line in enumerate(lines):
        if line and not line.startswith("#"):
            length = re.fullmatch(r"#EXTINF:(\d+\.\d+),", lines[number - 1])
            assert length, f"{line} has no EXTINF before it"
            found.append((line, float(length[1])))
    assert found
    assert all(0 < seconds <= target for _, seconds in found)
    for at, (name, seconds) in enumerate(found):
        _check_segment(playlist.parent / name, seconds, last=at == len(found) - 1)
    return found


def _check_segment(segment: Path, seconds: float, *, last: bool) -> None:
    packets = probed(segment, "-show_packets")["packets"]
    pictures = [packet for packet in packets if packet["codec_type"] == "video"]
    assert "K" in pictures[0]["flags"], f"{segment.name} does not begin with a key frame"
    times = sorted(float(packet["pts_time"]) for packet in pictures)
    gap = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.04
    lasts = times[-1] - times[0] + gap
    sound_goes_on = last and len(packets) > len(pictures)
    assert seconds >= lasts - gap - 0.01
    assert sound_goes_on or seconds <= lasts + gap + 0.01

"""The frame that stands for a film: at 3 seconds, or the middle of a shorter one; upright, square pixels, SDR."""

from __future__ import annotations

import io
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from tasks.errors import AssetError, CorruptMedia, DecoderTimeout, MediaTooLarge, UnsupportedMedia
from tasks.video.ffmpeg import FfmpegResult, ffmpeg_version, last_complaint, run_ffmpeg, safe_input

FRAME_AT_SECONDS = 3.0
TIMEOUT_SECONDS = 20.0  # for one film, all attempts together
SLOW_AFTER_SECONDS = 8.0  # then key frames must do
MAX_FRAME_PIXELS = 80_000_000  # 12K video; a frame takes up to 6 bytes a pixel, and a decoder holds several
_MEMORY_LIMIT_BYTES = 1024 * 2**20

_DURATION = re.compile(r"Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)")
_TOO_LARGE = re.compile(r"Picture size (\d+)x(\d+) exceeds specified max pixel count")
_FRAME = re.compile(r" sar:(\d+)/(\d+) s:(\d+)x(\d+) ")
_HDR = re.compile(r"smpte2084|arib-std-b67")
_TO_SDR = "zscale=t=linear:npl=203,tonemap=mobius:param=0.3:desat=0,zscale=p=bt709:t=bt709:m=bt709:r=tv,"


class VideoFrame(NamedTuple):
    """
    Args:
        image: Mode RGB, upright, square pixels, long edge at most what was asked for.
        source_width, source_height: Of the film as it is shown, upright.
        at_seconds: Where it was taken.
        tool_version: Of the ffmpeg that decoded it.
    """

    image: Image.Image
    source_width: int
    source_height: int
    at_seconds: float
    tool_version: str


@dataclass(slots=True)
class _Attempts:
    """One film, tried at one time after another until there is a frame or no time left."""

    path: Path
    long_edge_px: int
    ffmpeg: str | None
    deadline: float
    keyframes_only: bool = False
    at_seconds: float = FRAME_AT_SECONDS

    def at(self, seconds: float, tone_map: str = "") -> FfmpegResult:
        """The frame at *seconds*; the key frame before it once decoding up to it has proved too slow."""
        self.at_seconds = seconds
        if not self.keyframes_only:
            try:
                return self._run(tone_map, SLOW_AFTER_SECONDS)
            except DecoderTimeout:
                self.keyframes_only = True
        return self._run(tone_map, TIMEOUT_SECONDS)

    def _run(self, tone_map: str, timeout_seconds: float) -> FfmpegResult:
        args = _arguments(self.path, self.at_seconds, self.long_edge_px, tone_map, self.keyframes_only)
        return run_ffmpeg(
            args,
            min(timeout_seconds, max(self.deadline - time.monotonic(), 0.5)),
            path=self.path,
            ffmpeg=self.ffmpeg,
            max_output_bytes=4 * self.long_edge_px * self.long_edge_px + 4096,
            memory_limit_bytes=_MEMORY_LIMIT_BYTES,
        )


def extract_frame(path: Path, long_edge_px: int, *, ffmpeg: str | None = None) -> VideoFrame:
    """
    Args:
        ffmpeg: The program; None looks on PATH.
    Raises:
        UnsupportedMedia: There is no moving picture in it, or it is nothing ffmpeg may open.
        CorruptMedia, MediaTooLarge, DecoderTimeout, ToolMissing.
    """
    attempts = _Attempts(path, long_edge_px, ffmpeg, time.monotonic() + TIMEOUT_SECONDS)
    result = attempts.at(FRAME_AT_SECONDS)
    if not result.output:
        _raise_if_hopeless(path, result)
        middle = (_duration(result.log) or 0.0) / 2
        result = attempts.at(middle if middle < FRAME_AT_SECONDS else 0.0)
    if not result.output and attempts.at_seconds:
        result = attempts.at(0.0)  # nothing to be decoded there: the first frame that can be
    if not result.output:
        _raise_if_hopeless(path, result)
        raise CorruptMedia(path, f"no frame can be decoded: {last_complaint(result.log)}")
    if _HDR.search(result.log):
        mapped = attempts.at(attempts.at_seconds, _TO_SDR)
        result = mapped if mapped.output else result  # an ffmpeg without zimg shows it pale, but shows it
    image = _open_ppm(path, result)
    return VideoFrame(image, *_shown_size(result.log, image.size), attempts.at_seconds, ffmpeg_version(ffmpeg))


def _arguments(path: Path, at_seconds: float, long_edge_px: int, tone_map: str, keyframes_only: bool) -> list[str]:
    """One frame as a PPM on stdout; ffmpeg gives nothing when there is none at that time."""
    decoder = ["-threads", "1", "-max_pixels", str(MAX_FRAME_PIXELS), "-an", "-sn", "-dn"]
    decoder += ["-skip_frame", "nokey", "-noaccurate_seek"] if keyframes_only else []
    decoder += ["-ss", f"{at_seconds:.3f}"] if at_seconds else []
    box = f"w='min({long_edge_px},iw)':h='min({long_edge_px},ih)'"
    filters = (
        f"showinfo=checksum=0,{tone_map}scale=w='if(gt(sar,0),trunc(iw*sar+0.5),iw)':h=ih,setsar=1,"
        f"scale={box}:force_original_aspect_ratio=decrease:flags=lanczos+accurate_rnd+full_chroma_int,format=rgb24"
    )
    output = ["-map", "0:V:0", "-vf", filters, "-frames:v", "1", "-c:v", "ppm", "-f", "image2pipe", "pipe:1"]
    return [*safe_input(path, *decoder), *output]


def _raise_if_hopeless(path: Path, result: FfmpegResult) -> None:
    """Raise for what another try at another time cannot change."""
    log = result.log
    if "matches no streams" in log or "does not contain any stream" in log:
        raise UnsupportedMedia(path, "there is no moving picture in it")
    if "Format not on whitelist" in log or "not on whitelist" in log:
        raise UnsupportedMedia(path, "not a film, whatever its name says")
    size = _TOO_LARGE.search(log)
    if size:
        raise MediaTooLarge(path, f"frames of {size[1]} x {size[2]} pixels are more than we decode")
    if _DURATION.search(log) is None:
        raise _unopened(path, log)


def _unopened(path: Path, log: str) -> AssetError:
    return CorruptMedia(path, f"ffmpeg cannot open it: {last_complaint(log)}")


def _duration(log: str) -> float | None:
    found = _DURATION.search(log)
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else None


def _open_ppm(path: Path, result: FfmpegResult) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(result.output), formats=("PPM",))
        image.load()
    except (OSError, SyntaxError, ValueError) as exc:
        raise CorruptMedia(path, f"ffmpeg gave no picture: {last_complaint(result.log)}") from exc
    return image


def _shown_size(log: str, fallback: tuple[int, int]) -> tuple[int, int]:
    """Pixels of the film as a player shows it: `showinfo` sees the frame after rotation, and its true pixel shape."""
    found = _FRAME.search(log)
    if found is None:
        return fallback
    across, down, width, height = (int(number) for number in found.groups())
    return (round(width * across / down) if across and down else width), height

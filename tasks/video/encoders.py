"""Which H.264 encoder of this machine works: found out by encoding a fifth of a second with each, once a process."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import DarkroomError, ToolMissing
from tasks.video.ffmpeg import ffmpeg_version, find_ffmpeg, run_ffmpeg

MAX_THREADS = 8  # a decoder or encoder holds several frames a thread: 4K on 64 cores would be gigabytes
TEST_SECONDS = 15.0
SOFTWARE = "libx264"
_VAAPI_DEVICE = "/dev/dri/renderD128"


@dataclass(frozen=True, slots=True)
class Encoder:
    """
    How to ask one encoder for H.264 High.

    Args:
        name: ffmpeg's.
        before_input: Options that open its device.
        last_filters: What hands it a frame in the memory and format it takes.
        quality: Options for a quality (x264's CRF scale: lower is better) and a highest rate, bits a second.
    """

    name: str
    before_input: tuple[str, ...]
    last_filters: str
    quality: Callable[[int, int], list[str]]

    def options(self, crf: int, max_bits_per_second: int) -> list[str]:
        threads = str(min(os.cpu_count() or 1, MAX_THREADS))
        rate = ["-maxrate", str(max_bits_per_second), "-bufsize", str(2 * max_bits_per_second)]
        return ["-c:v", self.name, "-profile:v", "high", *self.quality(crf, max_bits_per_second), *rate,
                "-threads:v", threads]  # fmt: skip


def _x264(crf: int, _rate: int) -> list[str]:
    return ["-preset", "veryfast", "-crf", str(crf)]


def _nvenc(crf: int, _rate: int) -> list[str]:
    return ["-preset", "p4", "-rc", "vbr", "-cq", str(crf), "-b:v", "0", "-forced-idr", "1"]


def _qsv(crf: int, _rate: int) -> list[str]:
    return ["-global_quality", str(crf), "-forced_idr", "1"]


def _vaapi(crf: int, _rate: int) -> list[str]:
    return ["-rc_mode", "QVBR", "-global_quality", str(crf), "-b:v", str(_rate // 2)]


def _videotoolbox(_crf: int, rate: int) -> list[str]:
    return ["-b:v", str(rate * 6 // 10), "-allow_sw", "0"]


ENCODERS = (
    Encoder("h264_nvenc", (), "format=yuv420p", _nvenc),
    Encoder("h264_qsv", (), "format=nv12", _qsv),
    Encoder("h264_vaapi", ("-vaapi_device", _VAAPI_DEVICE), "format=nv12,hwupload", _vaapi),
    Encoder("h264_videotoolbox", (), "format=yuv420p", _videotoolbox),
    Encoder(SOFTWARE, (), "format=yuv420p", _x264),
)


@functools.lru_cache(maxsize=8)
def working_encoders(ffmpeg: str | None = None) -> tuple[Encoder, ...]:
    """
    The fastest encoder that works here, then the software one: what fails with the first is tried with the second.

    Raises:
        ToolMissing: There is no ffmpeg, or it has no H.264 encoder.
    """
    program = ffmpeg or find_ffmpeg()
    listed = run_ffmpeg(["-encoders"], TEST_SECONDS, path=Path(program or "ffmpeg"), ffmpeg=program)
    names = set(re.findall(r"^ V\S+ (\S+)", listed.output.decode("utf-8", "replace"), re.MULTILINE))
    there = [encoder for encoder in ENCODERS if encoder.name in names]
    hardware = next((encoder for encoder in there if encoder.name != SOFTWARE and _works(encoder, program)), None)
    software = [encoder for encoder in there if encoder.name == SOFTWARE]
    found = (*([hardware] if hardware else []), *software)
    if not found:
        raise ToolMissing("this ffmpeg has no H.264 encoder: install a full build of ffmpeg, with libx264")
    return found


def _works(encoder: Encoder, ffmpeg: str | None) -> bool:
    source = ["-f", "lavfi", "-i", "testsrc=s=640x480:r=25:d=0.2"]
    args = [*encoder.before_input, *source, "-vf", encoder.last_filters, *encoder.options(23, 2_000_000),
            "-f", "null", "-"]  # fmt: skip
    try:
        done = run_ffmpeg(args, TEST_SECONDS, path=Path(encoder.name), ffmpeg=ffmpeg, memory_limit_bytes=None)
    except DarkroomError:  # it hangs, or talks without end: that is not working either
        return False
    return done.returncode == 0


@functools.lru_cache(maxsize=8)
def has_filter(name: str, ffmpeg: str | None = None) -> bool:
    """Whether this ffmpeg was built with a filter, such as `zscale`."""
    listed = run_ffmpeg(["-filters"], TEST_SECONDS, path=Path(name), ffmpeg=ffmpeg)
    return re.search(rf"^ \S+ +{re.escape(name)} ", listed.output.decode("utf-8", "replace"), re.MULTILINE) is not None


def frames_as_they_come(ffmpeg: str | None = None) -> list[str]:
    """The option that neither doubles nor drops frames: it was renamed in ffmpeg 5.1, and the old name is leaving."""
    found = re.match(r"n?(\d+)\.(\d+)", ffmpeg_version(ffmpeg))
    old = found is not None and (int(found[1]), int(found[2])) < (5, 1)
    return ["-vsync" if old else "-fps_mode", "vfr"]

"""An animated GIF of a clip: three seconds of it, for places that show pictures only."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tasks.errors import CorruptMedia
from tasks.files.atomic_write import atomic_write
from tasks.video.clip import ClipResult
from tasks.video.facts import VideoFacts, read_facts
from tasks.video.ffmpeg import ffmpeg_version, last_complaint, run_ffmpeg, safe_input

MAX_SECONDS = 3.0
MAX_BYTES = 2 * 10**6
LONG_EDGE_PX = 320
GIF_RECIPE = f"gif-1 {LONG_EDGE_PX} {MAX_SECONDS:g}"
_TIMEOUT_SECONDS = 60.0
_STILL_SECONDS = 0.25
_MONTAGE_SECONDS = 9.0  # a clip this long is one of ten stretches: three of them say more than the first three


class _Size(NamedTuple):
    long_edge_px: int
    frame_rate: int
    colours: int


_SIZES = (_Size(320, 10, 256), _Size(320, 8, 128), _Size(240, 8, 128), _Size(200, 6, 64), _Size(160, 5, 32))


def make_gif(clip: Path, target: Path, *, ffmpeg: str | None = None, ffprobe: str | None = None) -> ClipResult:
    """
    The GIF of a preview clip at *target*: at most 320 pixels, 3 s and 2 MB; noisy ones come out smaller.

    Raises:
        CorruptMedia, DecoderTimeout: The clip cannot be read; make it again.
        ToolMissing, StorageUnavailable.
    """
    facts = read_facts(clip, ffprobe=ffprobe)
    for size in _SIZES:
        args = [*safe_input(clip.absolute()), "-filter_complex", _filters(facts, size), "-an", "-sn", "-dn",
                "-map_metadata", "-1", "-loop", "0", "-f", "gif", "pipe:1"]  # fmt: skip
        done = run_ffmpeg(args, _TIMEOUT_SECONDS, path=clip, ffmpeg=ffmpeg)
        if done.returncode != 0 or not done.output:
            raise CorruptMedia(clip, f"no GIF can be made of its clip: {last_complaint(done.log)}")
        if len(done.output) <= MAX_BYTES:
            break
    atomic_write(target, done.output)
    width, height = (int.from_bytes(done.output[at : at + 2], "little") for at in (6, 8))
    seconds = min(facts.duration_s or MAX_SECONDS, MAX_SECONDS)
    return ClipResult(target, width, height, len(done.output), seconds, _stretches(facts), f"gif:{size.colours}",
                      ffmpeg_version(ffmpeg))  # fmt: skip


def _stretches(facts: VideoFacts) -> int:
    return 3 if (facts.duration_s or 0) >= _MONTAGE_SECONDS else 1


def _filters(facts: VideoFacts, size: _Size) -> str:
    """Beginning, middle and end of a montage, else the first seconds; a palette of its own for the whole."""
    last = int(facts.duration_s or 0) - 1
    chosen = f"lt(t,1)+between(t,{last // 2},{last // 2}.999)+between(t,{last},{last}.999)"
    cut = f"select='{chosen}'," if _stretches(facts) == 3 else ""
    box = f"scale={size.long_edge_px}:{size.long_edge_px}:force_original_aspect_ratio=decrease:flags=lanczos"
    if max(facts.width, facts.height) <= size.long_edge_px:
        box = "null"
    still = (facts.duration_s or 0) < _STILL_SECONDS  # so short that no frame of the slower rate falls into it
    rate = "" if still else f"fps={size.frame_rate},"
    frames = f"{rate}{cut}setpts=N/{size.frame_rate}/TB,trim=end={MAX_SECONDS:g}"
    palette = f"palettegen=max_colors={size.colours}:stats_mode=full[p];[b][p]paletteuse=dither=bayer:bayer_scale=4"
    return f"{frames},{box},split[a][b];[a]{palette}"

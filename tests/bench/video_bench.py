"""
Videos: copying packets against playing them, our encode against one bare ffmpeg, a clip against decoding it whole.

    python -m tests.bench.video_bench [--minutes 10] [--rounds 3]

One run, paired, on films it draws itself. Rounds alternate between the two sides, so that a busy machine slows both.
Memory is the peak of this process, which never holds more of a film than a pipe does.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tasks.files.media_file import MediaFile
from tasks.files.media_types import MediaKind
from tasks.video.clip import make_preview_clip
from tasks.video.encoders import working_encoders
from tasks.video.gif import make_gif
from tasks.video.hls import encode_hls

BARE = ("-c:v", "libx264", "-profile:v", "high", "-preset", "veryfast", "-crf", "23", "-maxrate", "8000000", "-bufsize",
        "16000000", "-force_key_frames", "expr:gte(t,n_forced*6)", "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-f",
        "hls", "-hls_time", "6", "-hls_list_size", "0")  # fmt: skip


def ffmpeg(*arguments: str, folder: Path | None = None) -> None:
    """As polite as ours, so that a busy machine slows both alike."""
    command = ["nice", "-n", "10", "ffmpeg", "-v", "error", "-nostdin", "-y", *arguments]
    subprocess.run(command, check=True, cwd=folder, timeout=3600)


def draw(folder: Path, minutes: float, short_seconds: int) -> tuple[Path, Path]:
    """A long 1080p H.264 film (a short one, repeated), and a short HEVC one that has to be encoded."""
    moving = f"testsrc2=s=1920x1080:r=30:d={short_seconds},noise=alls=12:allf=t"
    sound = ["-f", "lavfi", "-i", f"sine=d={short_seconds}"]
    piece, long, hevc = folder / "piece.mp4", folder / "long.mp4", folder / "hevc.mp4"
    h264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "60", "-b:v", "12M", "-pix_fmt", "yuv420p", "-c:a", "aac")
    ffmpeg("-f", "lavfi", "-i", moving, *sound, *h264, str(piece))
    repeats = max(1, round(minutes * 60 / short_seconds)) - 1
    ffmpeg("-stream_loop", str(repeats), "-i", str(piece), "-c", "copy", str(long))
    x265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-tag:v", "hvc1")
    ffmpeg("-i", str(piece), "-t", str(short_seconds), *x265, "-c:a", "copy", str(hevc))
    return long, hevc


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def media_file(path: Path) -> MediaFile:
    return MediaFile(path, MediaKind("video", "video/mp4"), path.stat().st_size, 0)


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="of the long film")
    parser.add_argument("--short-seconds", type=int, default=20, help="of the film that is encoded")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    working_encoders()  # found out once a process
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as name:
        home = Path(name)
        long, hevc = draw(home, chosen.minutes, chosen.short_seconds)
        seconds = max(1, round(chosen.minutes * 60 / chosen.short_seconds)) * chosen.short_seconds
        print(f"{'':34}{'ours s':>9}{'other s':>9}{'ratio':>8}   ({chosen.rounds} rounds, medians)")
        bare = home / "bare"

        def bare_encode() -> None:
            fresh(bare).mkdir()
            ffmpeg("-i", str(hevc), *BARE, "playlist.m3u8", folder=bare)

        rows: list[tuple[str, Callable[[], object], Callable[[], object] | None]] = [
            (f"remux {seconds / 60:.0f} min 1080p", lambda: encode_hls(media_file(long), fresh(home / "hls")), None),
            ("encode HEVC 1080p / bare ffmpeg", lambda: encode_hls(media_file(hevc), fresh(home / "enc")), bare_encode),
            (
                "clip / decoding all of it",
                lambda: make_preview_clip(media_file(long), home / "clip.mp4"),
                lambda: ffmpeg("-i", str(long), "-map", "0:v", "-f", "null", "-"),
            ),
            ("GIF of the clip", lambda: make_gif(home / "clip.mp4", home / "clip.gif"), None),
        ]
        for label, ours, other in rows:
            pairs = [(timed(ours), timed(other) if other else float("nan")) for _ in range(chosen.rounds)]
            mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
            ratio = statistics.median(a / b for a, b in pairs)
            print(f"{label:34}{mine:9.2f}{theirs:9.2f}{ratio:8.2f}", flush=True)
            if label.startswith("remux"):
                print(f"{'':34}{seconds / mine:9.0f} x real time", flush=True)
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
        print(f"memory of this process, peak: {peak:.0f} MB")


if __name__ == "__main__":
    main()

"""The sample library's video: a test picture and a tone, drawn by ffmpeg."""

from __future__ import annotations

import subprocess
from pathlib import Path

DRAW_SECONDS = 120


def draw_video(ffmpeg: str, path: Path) -> None:
    """
    Six seconds of 720p with sound, a creation time and a position.

    Raises:
        subprocess.SubprocessError: ffmpeg failed or did not end in time.
    """
    command = [
        ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", "-n",
        "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=6",
        "-f", "lavfi", "-i", "sine=frequency=330:duration=6",
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-pix_fmt", "yuv420p",
        "-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart+use_metadata_tags",
        "-metadata", "creation_time=2024-08-17T03:20:11Z",
        "-metadata", "location=-41.2866+174.7756/",
        "-metadata", "comment=Darkroom sample",
        "-f", "mp4", str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=DRAW_SECONDS)

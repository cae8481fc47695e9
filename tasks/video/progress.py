"""How far an encode is, by `ffmpeg -progress`; and its end when it does not move, or makes more than it should."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from tasks.errors import CorruptMedia, DecoderTimeout

OnProgress = Callable[[float, float], None]  # seconds of the video done, seconds it has (0: not known)
ASK_FOR_PROGRESS = ("-progress", "pipe:1", "-nostats")
STALL_SECONDS = 60.0
_REPORT_SECONDS = 0.5
_WEIGH_SECONDS = 5.0
_KEPT_BYTES = 256  # a line may come in two pieces
_OUT_TIME = re.compile(rb"out_time_us=(\d+)")
_FRAME = re.compile(rb"frame= *(\d+)")


class EncodeWatch:
    """
    What `run_ffmpeg` calls while it runs.

    Args:
        path: The original, for error messages.
        duration_s: What it says it has; None where it says nothing.
        folder: What it writes to.
        max_bytes: What it may write there.
        on_progress: Told once or twice a second, moved or not; what it raises ends the encode.
    """

    def __init__(
        self,
        path: Path,
        duration_s: float | None,
        folder: Path,
        max_bytes: int,
        on_progress: OnProgress | None = None,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self.path, self.folder, self.max_bytes = path, folder, max_bytes
        self.duration_s = duration_s or 0.0
        self.seconds = 0.0
        self._on_progress, self._stall_seconds = on_progress, stall_seconds
        self._frame = 0
        self._kept = b""
        self._moved = self._weighed = time.monotonic()
        self._reported = 0.0

    def __call__(self, chunk: bytes) -> None:
        """
        Raises:
            DecoderTimeout: It came no further for *stall_seconds*.
            CorruptMedia: It wrote more than *max_bytes*.
        """
        now = time.monotonic()
        if self._read(chunk):
            self._moved = now
        self._report(now)
        if now - self._moved > self._stall_seconds:
            raise DecoderTimeout(self.path, f"ffmpeg came no further than {self.seconds:.0f} s of it")
        if now - self._weighed > _WEIGH_SECONDS:
            self._weighed = now
            if folder_bytes(self.folder) > self.max_bytes:
                raise CorruptMedia(self.path, "it decodes to far more than it can hold")

    def finish(self) -> None:
        """All of it is done, however long it said it was."""
        if self._on_progress is not None:
            end = max(self.duration_s, self.seconds)
            self._on_progress(end, end)

    def _read(self, chunk: bytes) -> bool:
        """Whether anything moved: the time written, or (before the first packet) the frame."""
        if not chunk:
            return False
        text = self._kept + chunk
        self._kept = text[-_KEPT_BYTES:]
        seconds = max((int(found) / 1e6 for found in _OUT_TIME.findall(text)), default=0.0)
        frame = max((int(found) for found in _FRAME.findall(text)), default=0)
        moved = seconds > self.seconds or frame > self._frame
        self.seconds, self._frame = max(seconds, self.seconds), max(frame, self._frame)
        return moved

    def _report(self, now: float) -> None:
        if self._on_progress is not None and now - self._reported >= _REPORT_SECONDS:
            self._reported = now
            self._on_progress(self.seconds, self.duration_s)


def folder_bytes(folder: Path) -> int:
    """What the files directly in *folder* hold."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                total += entry.stat(follow_symlinks=False).st_size
            except FileNotFoundError:  # ffmpeg renames its playlist
                continue
    return total

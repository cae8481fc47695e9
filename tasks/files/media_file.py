"""What every task is handed: one original, where it is and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tasks.files.media_types import MediaKind


@dataclass(frozen=True, slots=True)
class MediaFile:
    """
    Args:
        path: Absolute, as the operating system spells it (undecodable bytes as surrogates).
        kind: What its bytes say it is.
        size_bytes, mtime_ns: As `stat` gave them when the file was listed: together they are its version.
        sidecar: The XMP file that describes it, where there is one.
    """

    path: Path
    kind: MediaKind
    size_bytes: int
    mtime_ns: int
    sidecar: Path | None = None

    @property
    def modified_at(self) -> datetime:
        """UTC; clamped to what a datetime holds, since a stranger's file system may say the year 60000."""
        seconds = min(max(self.mtime_ns // 1_000_000_000, -62_135_596_800), 253_402_300_799)
        return datetime.fromtimestamp(seconds, UTC)

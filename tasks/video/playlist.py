"""HLS playlists (RFC 8216, version 3): read what ffmpeg wrote, write what a strict player wants."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

VERSION = 3  # decimal EXTINF; nothing here needs more, and every player knows it
_EXTINF = re.compile(r"#EXTINF:([0-9.]+),")
_SEGMENT_NAME = re.compile(r"[0-9a-z_]+\.ts")


@dataclass(frozen=True, slots=True)
class Segment:
    """A `.ts` file beside its playlist, and the seconds it shows."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Variant:
    """One rendition as the master playlist names it; rates in bits a second, of picture and sound together."""

    playlist: str
    width: int
    height: int
    peak_rate: int
    average_rate: int
    codecs: str
    frame_rate: float | None


def read_segments(playlist: Path) -> list[Segment] | None:
    """The segments of a complete media playlist; None where there is none, or it was not written to its end."""
    try:
        lines = playlist.read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return None
    if lines[:1] != ["#EXTM3U"] or "#EXT-X-ENDLIST" not in lines:
        return None
    segments: list[Segment] = []
    seconds: float | None = None
    for line in lines[1:]:
        if found := _EXTINF.match(line):
            seconds = float(found[1])
        elif line and not line.startswith("#"):
            if seconds is None or not _SEGMENT_NAME.fullmatch(line):
                return None
            segments.append(Segment(line, seconds))
            seconds = None
    return segments


def read_variants(playlist: Path) -> list[str]:
    """The media playlists a master playlist names; none where it is a media playlist itself."""
    lines = playlist.read_text(encoding="ascii").splitlines()
    return [name for tag, name in pairwise(lines) if tag.startswith("#EXT-X-STREAM-INF:")]


def write_media_playlist(path: Path, segments: Sequence[Segment], comment: str = "") -> None:
    """
    A finished stream: no segment is longer than the target duration says.

    Args:
        comment: One line that players skip.
    """
    target = max(1, math.ceil(max((segment.seconds for segment in segments), default=1)))
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", f"#EXT-X-TARGETDURATION:{target}", "#EXT-X-MEDIA-SEQUENCE:0",
             "#EXT-X-PLAYLIST-TYPE:VOD"]  # fmt: skip
    if comment:
        lines.append(f"# {comment}")
    for segment in segments:
        lines += [f"#EXTINF:{segment.seconds:.6f},", segment.name]
    path.write_text("\n".join([*lines, "#EXT-X-ENDLIST", ""]), encoding="ascii")


def write_master_playlist(path: Path, variants: Sequence[Variant], comment: str = "") -> None:
    """One entry a rendition, the smallest first."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}"]
    if comment:
        lines.append(f"# {comment}")
    for variant in variants:
        rate = f",FRAME-RATE={variant.frame_rate:.3f}" if variant.frame_rate else ""
        lines += [
            f"#EXT-X-STREAM-INF:BANDWIDTH={variant.peak_rate},AVERAGE-BANDWIDTH={variant.average_rate},"
            f'RESOLUTION={variant.width}x{variant.height},CODECS="{variant.codecs}"{rate}',
            variant.playlist,
        ]
    path.write_text("\n".join([*lines, ""]), encoding="ascii")


def read_comment(playlist: Path) -> str:
    """The line our own playlists carry; "" where there is none or no playlist."""
    try:
        with playlist.open(encoding="ascii", errors="replace") as file:
            head = [next(file, "") for _ in range(8)]
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return next((line[2:].strip() for line in head if line.startswith("# ")), "")

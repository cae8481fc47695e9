"""HLS over HTTP: which names there are, what each is served as, and playlists for clients that know no folders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tasks.errors import InvalidPath
from tasks.files.derivatives import hls_file

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"  # RFC 8216, 4
SEGMENT_TYPE = "video/mp2t"
FOR_EVER = "private, max-age=31536000, immutable"

_PART = r"(?:playlist|\d{3,4}p)\.m3u8|(?:\d{3,4}p_)?segment_\d{3,6}\.ts"
_ADDRESS = re.compile(rf"([0-9a-f]{{64}})/({_PART})")
_FLAT = re.compile(rf"([0-9a-f]{{64}})_({_PART})")
_LEGACY_PLAYLIST = re.compile(rf"/?(?:video/hls/|[0-9a-f]{{2}}/)?([0-9a-f]{{64}})/({_PART})")


class StreamPart(NamedTuple):
    """A playlist or segment of the stream of some bytes."""

    content_hash: str
    name: str

    @property
    def is_playlist(self) -> bool:
        return self.name.endswith(".m3u8")

    @property
    def media_type(self) -> str:
        return PLAYLIST_TYPE if self.is_playlist else SEGMENT_TYPE

    def on_disk(self, video_folder: Path) -> Path:
        return (video_folder / hls_file(self.content_hash)).with_name(self.name)


def part_at(address: str) -> StreamPart:
    """`<hash>/<name>`. Raises InvalidPath for anything that is no name of ours: nothing else is looked for on disk."""
    return _parsed(_ADDRESS, address)


def flat_part(name: str) -> StreamPart:
    """`<hash>_<name>`, the names that /video/stream puts into its playlists. Raises InvalidPath."""
    return _parsed(_FLAT, name)


def _parsed(pattern: re.Pattern[str], text: str) -> StreamPart:
    found = pattern.fullmatch(text)
    if not found:
        raise InvalidPath("a playlist or segment of a stream is <content hash>/playlist.m3u8 or …/segment_000.ts")
    return StreamPart(found[1], found[2])


def legacy_playlist(text: str) -> StreamPart | None:
    """The playlist that POST /video/generate once gave a path of; None when *text* is none."""
    found = _LEGACY_PLAYLIST.fullmatch(text)
    part = StreamPart(found[1], found[2]) if found else None
    return part if part and part.is_playlist else None


def addressed(playlist: str, version: str, prefix: str = "") -> str:
    """
    *playlist* as a client gets it.

    Args:
        version: Asked for with each name: a stream that was made anew has other addresses, so all may be kept for ever.
        prefix: Before each name: `<hash>_` leads to `/video/<hash>_<name>`, for a client that knows no folders.
    """
    lines = [
        line if not line or line.startswith("#") else f"{prefix}{line}?v={version}" for line in playlist.splitlines()
    ]
    return "\n".join(lines) + "\n"


def playlist_url(content_hash: str) -> str:
    return f"/video/hls/{content_hash}/playlist.m3u8"

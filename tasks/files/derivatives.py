"""
Where derivatives lie: the source tree mirrored under `THUMBNAILS`, source extension kept, JPEG inside; clips and GIFs
mirrored likewise under their own folders, with an ending of their own; streams by the content they show.

Library 1 is mirrored directly, as the Image API documents it; the others and the larger size under a hidden folder,
which no library can contain, since hidden folders are not scanned.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tasks.files.names import to_os_name, to_text
from tasks.images.sentinel import SUFFIX

FIRST_LIBRARY = 1
PLAYLIST = "playlist.m3u8"
_NAMED_LIKE_A_MARK = ".named-unsupported"
_MAX_NAME_BYTES = 255  # of one path component, on every file system we know


def thumbnail_file(library_id: int, rel_path: str) -> str:
    """Relative to the thumbnail folder; Unicode, as the lake keeps it."""
    mirrored = rel_path if library_id == FIRST_LIBRARY else f".library-{library_id}/{rel_path}"
    return f"{_NAMED_LIKE_A_MARK}/{mirrored}" if _is_named_like_a_mark(rel_path) else mirrored


def _is_named_like_a_mark(rel_path: str) -> bool:
    """A photo `a.jpg.unsupported`, or a folder: its thumbnail would lie where the mark of `a.jpg` belongs."""
    return SUFFIX in rel_path.lower() and any(part.lower().endswith(SUFFIX) for part in rel_path.split("/"))


def large_file(library_id: int, rel_path: str) -> str:
    return f".large/{thumbnail_file(library_id, rel_path)}"


def preview_clip_file(library_id: int, rel_path: str) -> str:
    """Relative to the folder of preview clips."""
    return _ending(thumbnail_file(library_id, rel_path), ".mp4")


def gif_file(library_id: int, rel_path: str) -> str:
    """Relative to the folder of GIFs."""
    return _ending(thumbnail_file(library_id, rel_path), ".gif")


def hls_file(content_hash: str) -> str:
    """The playlist of a video, relative to the video folder: copies of a video share one stream."""
    return f"{content_hash[:2]}/{content_hash}/{PLAYLIST}"


def _ending(file: str, ending: str) -> str:
    """*file* with one more ending; a name too long for that is cut, and kept apart from others by its hash."""
    folder, slash, name = file.rpartition("/")
    encoded = os.fsencode(to_os_name(name))
    if len(encoded) + len(ending) <= _MAX_NAME_BYTES:
        return file + ending
    ending = f"~{hashlib.blake2b(encoded, digest_size=8).hexdigest()}{ending}"
    kept = to_os_name(name)
    while len(os.fsencode(kept)) + len(ending) > _MAX_NAME_BYTES:
        kept = kept[:-1]
    return f"{folder}{slash}{to_text(kept)}{ending}"


# What is mirrored, and so moves along when an original is moved.
FILE_OF = {"thumbnail": thumbnail_file, "large": large_file, "preview_clip": preview_clip_file, "gif": gif_file}


def on_disk(folder: Path, file: str) -> Path:
    """The path of a derivative for the operating system."""
    return folder / to_os_name(file)

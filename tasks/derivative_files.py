"""
Where derivatives lie: the source tree mirrored under `THUMBNAILS`, source extension kept, JPEG inside.

Library 1 is mirrored directly, as the Image API documents it; the others and the larger size under a hidden folder,
which no library can contain, since hidden folders are not scanned.
"""

from __future__ import annotations

from pathlib import Path

from tasks.file_names import to_os_name

FIRST_LIBRARY = 1


def thumbnail_file(library_id: int, rel_path: str) -> str:
    """Relative to the thumbnail folder; Unicode, as the lake keeps it."""
    return rel_path if library_id == FIRST_LIBRARY else f".library-{library_id}/{rel_path}"


def large_file(library_id: int, rel_path: str) -> str:
    return f".large/{thumbnail_file(library_id, rel_path)}"


FILE_OF = {"thumbnail": thumbnail_file, "large": large_file}


def on_disk(folder: Path, file: str) -> Path:
    """The path of a derivative for the operating system."""
    return folder / to_os_name(file)

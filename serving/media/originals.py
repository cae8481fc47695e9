"""The original as an answer, byte for byte, and whether it is still the one that was read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.responses import Response

from serving.listing.paths import original_on_disk
from serving.media.file_answers import file_answer
from serving.replica.snapshot import ReplicaSnapshot
from sql.lake import Row
from tasks.errors import NotFound

BYTES: dict[int | str, dict[str, Any]] = {
    206: {"description": "A range of them"},
    304: {"description": "The client's copy is good"},
    416: {"description": "No such range"},
}


def original_answer(request: Request, copy: ReplicaSnapshot, asset: Row) -> Response:
    """Ranges; the ETag is the content hash while the file is the one that was read. Raises as original_on_disk."""
    file = original_on_disk(copy, asset)
    status = file.stat()
    known = (status.st_size, status.st_mtime_ns) == (asset["size_bytes"], asset["mtime_ns"])
    etag = asset["content_hash"] if known and asset["content_hash"] else f"{status.st_mtime_ns:x}-{status.st_size:x}"
    name = asset["path"].rpartition("/")[2]
    return file_answer(request, file, media_type=asset["mime_type"], etag=etag, file_name=name)


def unchanged_original(copy: ReplicaSnapshot, asset: Row) -> Path:
    """
    The original, if it still is the version that the catalog knows.

    Raises:
        NotFound: It is gone, was never read, or has changed since. InvalidPath, StorageUnavailable.
    """
    if asset["content_hash"] is None:
        raise NotFound(f"{asset['path']} has not been read yet: the scan will come to it")
    original = original_on_disk(copy, asset)
    status = original.stat()
    if (status.st_size, status.st_mtime_ns) != (asset["size_bytes"], asset["mtime_ns"]):
        raise NotFound(f"{asset['path']} has changed on disk; the next scan will read it")
    return original

"""GET /thumb/{asset_id}/{content_hash}.jpg: thumbnails for a grid, as quick as Python gets."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.replica.replica import Replica
from tasks.files.derivatives import on_disk

PREFIX = "/thumb/"
ROUTE = "/thumb/{asset_id}/{content_hash}.jpg"
_NAME = re.compile(r"/thumb/(\d{1,18})/([0-9a-f]{16,128})\.jpg")
_REMEMBERED = 100_000
_USUAL_BYTES = 128 << 10  # of a thumbnail: one read gets it all
_JPEG = (b"content-type", b"image/jpeg")
_FOR_EVER = (b"cache-control", b"private, max-age=31536000, immutable")
_ONCE = (b"cache-control", b"no-store")
_File = tuple[bytes, int | None]  # where it lies, and how long it is as far as the catalog knows


class Thumbs:
    """
    ASGI middleware that answers its own addresses: a router in between would cost more than reading the file.

    The address names the content and (behind `?v=`) the recipe: the answer may be kept for ever, a tag is not needed.
    A file that is not as long as the catalog says has been made anew, of a photo that was edited in place perhaps, and
    the commit that says so is still to come: that answer nobody may keep.

    The bytes are read on the event loop: 20 KB from the page cache take less time than handing them to a thread.
    """

    def __init__(self, app: ASGIApp, replica: Callable[[], Replica], folder: Path) -> None:
        self._app = app
        self._replica = replica
        self._folder = folder
        self._memory: tuple[int, OrderedDict[str, _File]] = (-1, OrderedDict())  # snapshot; files by request path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        scope["route_name"] = ROUTE
        if scope["method"] not in {"GET", "HEAD"}:
            await JSONResponse({"detail": "Method Not Allowed"}, 405, {"Allow": "GET, HEAD"})(scope, receive, send)
            return
        found = _known(self._files(), scope["path"])
        if found is None:
            found = await run_in_threadpool(self._look_up, scope["path"])
        if found is None:
            await JSONResponse({"detail": "there is no such thumbnail"}, 404)(scope, receive, send)
            return
        content, lasts = found
        headers = [_JPEG, _FOR_EVER if lasts else _ONCE, (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content if scope["method"] == "GET" else b""})

    def _files(self) -> OrderedDict[str, _File]:
        """Empty once the replica has moved on: another picture may lie at the same place now."""
        snapshot_id = self._replica().current.snapshot_id
        known, files = self._memory
        if known != snapshot_id:
            files = OrderedDict()
            self._memory = snapshot_id, files
        return files

    def _look_up(self, path: str) -> tuple[bytes, bool] | None:
        found = _NAME.fullmatch(path)
        if not found:
            return None
        files = self._files()  # before the rows are read: they are never older than the memory they go into
        for row in self._replica().current.rows("media/thumbnails_beside", asset_id=int(found[1])):
            address = f"{PREFIX}{row['asset_id']}/{row['content_hash']}.jpg"
            file = os.fsencode(on_disk(self._folder, row["thumbnail_file"]))
            files[address] = (file, row["thumbnail_bytes"])
        while len(files) > _REMEMBERED:
            files.popitem(last=False)
        return _known(files, path)


def _known(files: OrderedDict[str, _File], path: str) -> tuple[bytes, bool] | None:
    """The bytes, and whether they are those the catalog means."""
    known = files.get(path)
    if known is None:
        return None
    file, size_bytes = known
    try:
        content = _read(file)
    except OSError:  # moved with its original, or made anew: ask the replica again
        files.pop(path, None)
        return None
    return content, size_bytes is None or size_bytes == len(content)


def _read(file: bytes) -> bytes:
    """Half the time of a file object; the buffer is small, since a large one costs more than what is read into it."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = os.read(descriptor, _USUAL_BYTES)
        while len(content) % _USUAL_BYTES == 0 and (more := os.read(descriptor, _USUAL_BYTES)):
            content += more
    finally:
        os.close(descriptor)
    return content

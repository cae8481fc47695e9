"""POST /image: from the request's stream to a file of the library and its rows in the lake."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from deployments.settings import Settings, is_excluded
from serving.listing.paths import checked_path, primary_library
from serving.replica.replica import Replica
from serving.replica.snapshot import ReplicaSnapshot
from serving.upload.decodable import refuse_undecodable
from serving.upload.incoming_file import (
    MAX_UPLOAD_BYTES,
    IncomingFile,
    TooLarge,
    nearest_folder,
    publish,
    recognised,
    target_of,
)
from serving.upload.multipart import UploadForm
from serving.upload.rows import finish_reading, record_asset, record_results
from sql.lake import Lake, Row
from tasks.batches.ingest import ingest_files, plan_ingest
from tasks.errors import Conflict, InvalidPath, InvalidQuery, StorageUnavailable
from tasks.files.names import to_os_name

_ONE_AT_A_TIME = threading.Lock()  # so that two uploads of the same bytes cannot both be the first


class AlreadyThere(Conflict):
    """The same bytes, or another file under the same name."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path


class _Incoming:
    """The form and the file of one request."""

    def __init__(self, request: Request, copy: ReplicaSnapshot, path: str | None, library: str | None) -> None:
        self._copy = copy
        self._path, self._library = path, library
        self.arrival: IncomingFile | None = None
        self.file_name = ""
        self.form = UploadForm(request.headers.get("content-type", ""), self._open)

    @property
    def path(self) -> str:
        return checked_path(self.form.fields.get("path", self._path or ""), folder=True)

    @property
    def library(self) -> Row:
        return primary_library(self._copy, self.form.fields.get("library", self._library))

    @property
    def root(self) -> Path:
        root = Path(to_os_name(self.library["root_path"]))
        if not root.is_dir():
            raise StorageUnavailable("the library's folder is not there: mount or reconnect it")
        return root

    def _open(self, file_name: str) -> IncomingFile:
        self.file_name = file_name
        self.arrival = IncomingFile(nearest_folder(self.root, self.path))
        return self.arrival

    async def receive(self, request: Request) -> None:
        try:
            async for chunk in request.stream():
                self.form.feed(chunk)
                if self.arrival and self.arrival.full:
                    await run_in_threadpool(self.arrival.flush)
        except ClientDisconnect as exc:
            raise InvalidQuery("the upload broke off") from exc
        if not self.form.complete or self.arrival is None:
            raise InvalidQuery("the form has no file, or broke off: send it in a field called file")


async def receive_upload(
    request: Request, settings: Settings, lake: Lake, replica: Replica, path: str | None, library: str | None
) -> dict[str, Any]:
    """
    Take in one file.

    Returns:
        asset_id, library, path, content_hash, media_type, size_bytes.
    Raises:
        AlreadyThere, TooLarge, NotMedia, InvalidPath, InvalidQuery, UnknownLibrary, NotFound: Refused, nothing kept.
        StorageUnavailable, LakeError: Not taken, nothing kept.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_UPLOAD_BYTES:
        raise TooLarge(f"a file of at most {MAX_UPLOAD_BYTES >> 30} GiB can be uploaded")
    incoming = await run_in_threadpool(_Incoming, request, replica.current, path, library)
    try:
        await incoming.receive(request)
        return await run_in_threadpool(_take_in, incoming, settings, lake, replica)
    finally:
        if incoming.arrival:
            await run_in_threadpool(incoming.arrival.discard)


def _take_in(incoming: _Incoming, settings: Settings, lake: Lake, replica: Replica) -> dict[str, Any]:
    assert incoming.arrival is not None
    root, library = incoming.root, incoming.library
    content_hash = incoming.arrival.finish()
    rel_path = target_of(incoming.path, incoming.file_name, root)
    if is_excluded(rel_path, settings.scan_excluded_dirs):
        raise InvalidPath(f"{rel_path} lies in a folder that scans leave out")
    name = rel_path.rpartition("/")[2]
    kind = recognised(incoming.arrival.head, name)
    refuse_undecodable(incoming.arrival.path, kind, name)
    target = root / to_os_name(rel_path)
    with _ONE_AT_A_TIME:
        _refuse_same_bytes(replica.refresh(), library, content_hash)
        try:
            publish(incoming.arrival.path, target, root)
        except Conflict as exc:
            raise AlreadyThere(str(exc), rel_path) from exc
        try:
            asset = record_asset(lake, library, rel_path, target, kind, content_hash)
        except BaseException:
            target.unlink(missing_ok=True)  # not taken: the client hears so and may send it again
            raise
    plan = plan_ingest(settings.thumbnails_folder, settings.thumbnail_size)
    record_results(lake, ingest_files([asset], plan), rel_path)
    finish_reading(lake, replica, asset, content_hash, plan)
    replica.refresh()
    return {
        "asset_id": asset.asset_id,
        "library": library["name"],
        "path": rel_path,
        "content_hash": content_hash,
        "media_type": kind.media_type,
        "size_bytes": asset.size_bytes,
    }


def _refuse_same_bytes(copy: ReplicaSnapshot, library: Row, content_hash: str) -> None:
    same = copy.rows("upload/same_bytes", library_id=library["library_id"], content_hash=content_hash)
    if same:
        raise AlreadyThere(f"the library has this file already, as {same[0]['path']}", same[0]["path"])

"""GET /image, GET /image/metadata, POST /image: one file, by path."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from serving.context import Context, ContextDep, SnapshotDep
from serving.errors import answers
from serving.json import json_answer
from serving.listing.paths import find_asset, original_on_disk
from serving.media.file_answers import file_answer, file_etag
from serving.media.originals import BYTES, original_answer
from serving.media.video_files import gif_answer
from serving.replica.snapshot import ReplicaSnapshot
from serving.schemas.photos import ImageMetadata, Uploaded
from serving.upload.receive import AlreadyThere, receive_upload
from sql.lake import Row
from tasks.errors import NotFound
from tasks.files.derivatives import on_disk
from tasks.files.new_work import announce_work

router = APIRouter(tags=["image"])

PathQuery = Annotated[str, Query(description="Relative to the library", examples=["2012/summer/ladybug.jpg"])]
LibraryQuery = Annotated[str | None, Query(max_length=1000, description="Id or name; absent: the first that has it")]


class Size(StrEnum):
    thumb = "thumb"
    large = "large"
    full = "full"


_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes", "content": {"image/jpeg": {}, "image/*": {}, "video/*": {}}},
    **BYTES,
}


@router.head("/image", include_in_schema=False)
@router.get("/image", response_class=Response, responses={**_BYTES, **answers(400, 401, 404, 503)})
async def read_image(
    request: Request,
    context: ContextDep,
    copy: SnapshotDep,
    path: PathQuery,
    size: Annotated[Size, Query(description="thumb and large are JPEG, upright, without metadata")] = Size.full,
    library: LibraryQuery = None,
    format: Annotated[Literal["image", "jpeg", "jpg", "gif"] | None, Query(description="gif: of a video")] = None,
) -> Response:
    """
    The original (ranges, `ETag` from its content), its thumbnail, or the 2048 px picture for looking at.

    `large` is made the first time it is asked for. 404 says why where a picture cannot be made.
    """
    asset = await run_in_threadpool(find_asset, copy, path, library)
    if format == "gif":
        return await run_in_threadpool(gif_answer, request, context, copy, asset)
    if size is Size.large:
        file = await run_in_threadpool(context.large.known_file, copy, asset) or await context.large.render(copy, asset)
        return await run_in_threadpool(_derivative, request, file, asset)
    if size is Size.thumb:
        return await run_in_threadpool(_thumbnail, request, context, copy, asset)
    return await run_in_threadpool(original_answer, request, copy, asset)


def _thumbnail(request: Request, context: Context, copy: ReplicaSnapshot, asset: Row) -> Response:
    if asset["thumbnail_file"] is None:
        raise NotFound(why_no_thumbnail(copy, asset))
    return _derivative(request, on_disk(context.settings.thumbnails_folder, asset["thumbnail_file"]), asset)


def why_no_thumbnail(copy: ReplicaSnapshot, asset: Row) -> str:
    for failure in copy.rows("listing/failures_of", asset_id=asset["asset_id"]):
        if failure["stage"] in {"hash", "thumbnail"}:
            return f"no thumbnail can be made: {failure['message']} ({failure['error_class']})"
    return "the thumbnail has not been made yet"


def _derivative(request: Request, file: Path, asset: Row) -> Response:
    name = f"{Path(asset['path']).stem}.jpg"
    return file_answer(request, file, media_type="image/jpeg", etag=file_etag(file), file_name=name)


@router.get("/image/metadata", responses={200: {"model": ImageMetadata}, **answers(400, 401, 404, 503)})
def read_metadata(context: ContextDep, copy: SnapshotDep, path: PathQuery, library: LibraryQuery = None) -> Response:
    """What is known of one file: the Image API's layout, and under `asset` every column of v_assets."""
    asset = find_asset(copy, path, library)
    detail = context.lake.one("serving/listing/asset_detail", asset_id=asset["asset_id"])
    if detail is None:  # gone from the lake since the replica looked
        raise NotFound(f"there is no photo or video at {path[:500]}")
    name_dates = context.lake.rows("serving/listing/name_dates", asset_id=asset["asset_id"])
    return json_answer(
        {
            "created": _created(copy, asset),
            "modified": asset["mtime_ns"] // 1_000_000_000,
            "size": asset["size_bytes"],
            "exif": _exif(detail) if asset["has_metadata"] else None,
            "filename_date": _epoch(name_dates[0]["local_time"]) if name_dates else None,
            "asset": detail,
            "failures": copy.rows("listing/failures_of", asset_id=asset["asset_id"]),
        }
    )


def _exif(detail: Row) -> dict[str, Any]:
    position = {"lat": detail["latitude"], "lon": detail["longitude"], "alt": detail["altitude_m"]}
    return {
        "camera_make": detail["camera_make"],
        "camera_model": detail["camera_model"],
        "lens_model": detail["lens_model"],
        "width": detail["width"],
        "height": detail["height"],
        "orientation": detail["orientation"],
        "gps": position if position["lat"] is not None else None,
        "focal_length": detail["focal_length_mm"],
        "aperture": detail["f_number"],
        "shutter_speed": shutter_speed(detail["exposure_time_s"]),
        "iso": detail["iso"],
        "date_taken": _epoch(detail["taken_at_utc"] or detail["taken_at"]),
    }


def shutter_speed(seconds: float | None) -> str | None:
    """As a camera shows it: 1/250, 0.8, 30."""
    if seconds is None or not 1e-9 < seconds < 1e9:
        return None
    if seconds >= 0.3:
        return f"{seconds:.1f}".rstrip("0").rstrip(".")
    return f"1/{round(1 / seconds)}"


def _epoch(moment: datetime | None) -> int | None:
    return int(moment.replace(tzinfo=UTC).timestamp()) if moment else None


def _created(copy: ReplicaSnapshot, asset: Row) -> int | None:
    """Where the file system keeps a birth time that Python can read (macOS). The file may be away: then null."""
    try:
        status = original_on_disk(copy, asset).stat()
    except NotFound:
        return None
    born = getattr(status, "st_birthtime", None)
    return int(born) if born else None


_UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "path": {"type": "string", "description": "Folder, or whole path with file name"},
                        "library": {"type": "string", "description": "Id or name; default: the first"},
                    },
                }
            }
        },
    }
}


@router.post(
    "/image",
    responses={200: {"model": Uploaded}, **answers(400, 401, 403, 409, 413, 503)},
    openapi_extra=_UPLOAD_BODY,
)
async def upload_image(
    request: Request,
    context: ContextDep,
    path: Annotated[str | None, Query(description="If not sent as a form field")] = None,
    library: Annotated[str | None, Query(max_length=1000, description="If not sent as a form field")] = None,
) -> Response:
    """
    Take in a photo or video. It is complete when this answers: hashed, read, and in GET /photos.

    409 when the library has the same bytes anywhere, or another file under that name; nothing is ever overwritten.
    """
    try:
        taken = await receive_upload(request, context.settings, context.lake, context.replica, path, library)
    except AlreadyThere as exc:
        return JSONResponse({"detail": str(exc), "path": exc.path}, 409)
    announce_work(context.settings.darkroom_home)  # its stream, clip, faces, look-alikes
    return JSONResponse(taken)

"""Videos: streams (HLS), preview clips, animated pictures, and the original by ranges."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from serving.context import Context, ContextDep, SnapshotDep
from serving.errors import answers
from serving.listing.paths import chosen_library, find_asset
from serving.media.originals import BYTES, original_answer
from serving.media.streams import PLAYLIST_TYPE, StreamPart, flat_part, legacy_playlist, part_at, playlist_url
from serving.media.video_files import (
    clip_answer,
    clip_of,
    failure_of,
    find_video,
    gif_answer,
    moving_part,
    playlist_answer,
    segment_answer,
)
from serving.media.video_work import HLS, PREVIEW_CLIP
from serving.replica.snapshot import ReplicaSnapshot
from serving.schemas.videos import (
    Clip,
    ClipError,
    Clips,
    ClipsRequest,
    Processing,
    Refusal,
    Stream,
    StreamRequest,
    StreamStats,
)
from sql.lake import Row
from tasks.errors import InvalidPath, NotFound, UnsupportedMedia
from tasks.files.derivatives import PLAYLIST, hls_file

router = APIRouter(tags=["video"])

PathQuery = Annotated[str, Query(description="Relative to the library", examples=["2019/boat.mp4"])]
LibraryQuery = Annotated[str | None, Query(max_length=1000, description="Id or name; absent: the first that has it")]
VersionQuery = Annotated[str, Query(max_length=64, description="As the playlist names it: the answer may be kept")]
_VIDEO: dict[int | str, dict[str, Any]] = {200: {"description": "The bytes", "content": {"video/*": {}}}, **BYTES}
_PLAYLIST: dict[int | str, dict[str, Any]] = {200: {"description": "The playlist", "content": {PLAYLIST_TYPE: {}}}}
_ERROR: dict[str, Any] = {"model": ClipError}


@router.post("/video/generate", responses=answers(400, 401, 404, 503))
def generate(context: ContextDep, copy: SnapshotDep, asked: StreamRequest) -> Stream:
    """
    Where a video's stream is. What is not there yet is made from now on: `ready` is false until it can be played.

    404 with the reason where it cannot be decoded.
    """
    asset = find_video(copy, asked.path, _text(asked.library))
    ready = _has_playlist(context, asset)
    if not ready:
        _begin_stream(context, copy, asset)
    content_hash = asset["content_hash"]
    return Stream(
        playlist_url=playlist_url(content_hash), content_hash=content_hash, ready=ready, playlist=hls_file(content_hash)
    )


def _has_playlist(context: Context, asset: Row) -> bool:
    """A stream's folder gets its name when it is complete: what is there can be played."""
    if asset["content_hash"] is None:
        return False
    return StreamPart(asset["content_hash"], PLAYLIST).on_disk(context.settings.video_folder).is_file()


def _begin_stream(context: Context, copy: ReplicaSnapshot, asset: Row) -> None:
    if why := failure_of(copy, HLS, asset):
        raise UnsupportedMedia(asset["path"], why)
    if trouble := context.video_work.take_trouble(HLS, asset):
        raise UnsupportedMedia(asset["path"], trouble)
    context.video_work.begin(HLS, copy, asset)


@router.get("/video/stream", response_class=Response, responses={**_PLAYLIST, **answers(400, 401, 404)})
def read_stream(context: ContextDep, copy: SnapshotDep, path: PathQuery, library: LibraryQuery = None) -> Response:
    """
    The playlist of a video, by the video's path or by the `playlist` that POST /video/generate gave.

    Its entries lead to GET /video/{part}, for clients that know one folder of videos only.
    """
    part = legacy_playlist(path)
    if part is None:
        asset = find_video(copy, path, library)
        if asset["content_hash"] is None:
            raise NotFound(f"{asset['path']} has not been read yet: the scan will come to it")
        part = StreamPart(asset["content_hash"], PLAYLIST)
    return playlist_answer(context, part, f"{part.content_hash}_")


@router.head("/video/hls/{content_hash}/{file:path}", include_in_schema=False)
@router.get(
    "/video/hls/{content_hash}/{file:path}",
    response_class=Response,
    responses={**_PLAYLIST, **BYTES, **answers(400, 401, 404)},
)
def read_stream_part(
    request: Request, context: ContextDep, content_hash: str, file: str, v: VersionQuery = ""
) -> Response:
    """`playlist.m3u8` and what it lists (RFC 8216). 400: no such name."""
    part = part_at(f"{content_hash}/{file}")
    return playlist_answer(context, part) if part.is_playlist else segment_answer(request, context, part, v)


@router.get("/hls/stats", responses=answers(401))
def stream_stats(copy: SnapshotDep) -> StreamStats:
    """How many videos have a stream."""
    return StreamStats(**copy.rows("media/hls_stats")[0])


@router.head("/video/preview", include_in_schema=False)
@router.get(
    "/video/preview",
    response_class=Response,
    responses={
        **_VIDEO,
        202: {"model": Processing, "description": "It is being made: ask again"},
        400: {"model": ClipError | Refusal},
        404: _ERROR,
        500: _ERROR,
        **answers(401, 503),
    },
)
def read_preview(
    request: Request,
    context: ContextDep,
    copy: SnapshotDep,
    path: PathQuery,
    library: LibraryQuery = None,
    v: Annotated[str, Query(max_length=64, description="Of the content, as `clip_url` has it: may be kept")] = "",
) -> Response:
    """A short looping clip of a video, or of the moving part of a motion or Live Photo; made when first asked for."""
    try:
        asset = find_asset(copy, path, library)
        film = moving_part(copy, asset)
        if clip := clip_of(context, asset):
            return clip_answer(request, clip, asset, versioned=len(v) >= 8)
        why = failure_of(copy, PREVIEW_CLIP, film) or context.video_work.take_trouble(PREVIEW_CLIP, film)
        if why is None:
            context.video_work.begin(PREVIEW_CLIP, copy, film)
    except InvalidPath:
        return JSONResponse({"error": "Invalid path"}, 400)
    except NotFound:
        return JSONResponse({"error": "Video not found"}, 404)
    if why is not None:
        return JSONResponse({"error": f"Generation failed: {why}"}, 500)
    return JSONResponse({"status": "processing", "path": path}, 202, {"Retry-After": "2"})


@router.post("/video/preview/status", responses=answers(400, 401))
def preview_status(context: ContextDep, copy: SnapshotDep, asked: ClipsRequest) -> Clips:
    """How far the clips of many videos are. Asking makes nothing; GET /video/preview does."""
    library = _text(asked.library)
    chosen_library(copy, library)  # an unknown one is the whole request's fault
    return Clips(previews=[_status(context, copy, path, library) for path in asked.paths])


def _status(context: Context, copy: ReplicaSnapshot, path: str, library: str | None) -> Clip:
    try:
        asset = find_asset(copy, path, library)
        film = moving_part(copy, asset)
    except (InvalidPath, NotFound):
        return Clip(path=path, status="failed", preview_url=None)
    if clip_of(context, asset):
        where = {"path": asset["path"], "library": asset["library_id"], "v": asset["content_hash"][:16]}
        return Clip(path=path, status="complete", preview_url=f"/video/preview?{urlencode(where)}")
    if context.video_work.is_running(PREVIEW_CLIP, film):
        return Clip(path=path, status="processing", preview_url=None)
    failed = failure_of(copy, PREVIEW_CLIP, film)
    return Clip(path=path, status="failed" if failed else "pending", preview_url=None)


@router.head("/video/file", include_in_schema=False)
@router.get("/video/file", response_class=Response, responses={**_VIDEO, **answers(400, 401, 404, 503)})
def read_original(request: Request, copy: SnapshotDep, path: PathQuery, library: LibraryQuery = None) -> Response:
    """The original, by ranges: a browser that can play it may seek in it."""
    return original_answer(request, copy, find_video(copy, path, library))


@router.head("/video/gif", include_in_schema=False)
@router.get(
    "/video/gif",
    response_class=Response,
    responses={200: {"description": "The picture", "content": {"image/gif": {}}}, **BYTES, **answers(400, 401, 404)},
)
def read_gif(
    request: Request, context: ContextDep, copy: SnapshotDep, path: PathQuery, library: LibraryQuery = None
) -> Response:
    """A small animated picture of a video."""
    asset = find_asset(copy, path, library)
    return gif_answer(request, context, copy, moving_part(copy, asset))


@router.head("/video/{part:path}", include_in_schema=False)
@router.get("/video/{part:path}", response_class=Response, responses={**_PLAYLIST, **BYTES, **answers(400, 401, 404)})
def read_flat_part(request: Request, context: ContextDep, part: str, v: VersionQuery = "") -> Response:
    """A segment as the playlists of GET /video/stream name it."""
    found = flat_part(part)
    if found.is_playlist:
        return playlist_answer(context, found, f"{found.content_hash}_")
    return segment_answer(request, context, found, v)


def _text(library: str | int | None) -> str | None:
    return None if library is None else str(library)

"""What was made from a video: where it is, what it is answered as, and what is known where it is not there."""

from __future__ import annotations

from pathlib import Path

from fastapi import Request, Response

from serving.context import Context
from serving.listing.paths import find_asset
from serving.media.file_answers import file_answer, file_etag
from serving.media.streams import FOR_EVER, PLAYLIST_TYPE, SEGMENT_TYPE, StreamPart, addressed
from serving.replica.snapshot import ReplicaSnapshot
from sql.lake import Row
from tasks.errors import NotFound
from tasks.files.derivatives import on_disk

A_WEEK = "private, max-age=604800"


def clip_of(context: Context, asset: Row) -> Path | None:
    """The preview clip on disk: the asset's own, or that of a Live Photo's video."""
    file = asset["clip_file"] or asset["live_clip_file"]
    path = on_disk(context.settings.previews_folder, file) if file else None
    return path if path and path.is_file() else None


def moving_part(copy: ReplicaSnapshot, asset: Row) -> Row:
    """
    What a clip of *asset* is made from: itself, or the video beside a Live Photo's still.

    Raises:
        NotFound: Nothing in it moves.
    """
    if asset["media_type"] == "video" or asset["motion_video"]:
        return asset
    if asset["live_video"] is not None and (found := copy.rows("listing/asset_by_id", asset_id=asset["live_video"])):
        return found[0]
    raise NotFound(f"{asset['path']} is no video")


def find_video(copy: ReplicaSnapshot, path: str, library: str | None) -> Row:
    """Raises InvalidPath, UnknownLibrary, and NotFound also for a photo."""
    asset = find_asset(copy, path, library)
    if asset["media_type"] != "video":
        raise NotFound(f"{asset['path']} is no video")
    return asset


def failure_of(copy: ReplicaSnapshot, stage: str, asset: Row) -> str | None:
    """Why the present bytes could not be made into it."""
    rows = copy.rows("media/failure_of_stage", asset_id=asset["asset_id"], stage=stage)
    return str(rows[0]["message"] or rows[0]["error_class"]) if rows else None


def clip_answer(request: Request, file: Path, asset: Row, *, versioned: bool) -> Response:
    """
    Args:
        versioned: The address names the content (`v`), so a browser need not ask again each time it is shown.
    """
    name = f"{Path(asset['path']).stem}.mp4"
    cache = A_WEEK if versioned else "private, no-cache"
    return file_answer(request, file, media_type="video/mp4", etag=file_etag(file), file_name=name, cache=cache)


def gif_answer(request: Request, context: Context, copy: ReplicaSnapshot, asset: Row) -> Response:
    """Raises NotFound."""
    rows = copy.rows("media/derivative_file", asset_id=asset["asset_id"], kind="gif")
    if not rows:
        why = failure_of(copy, "gif", asset)
        raise NotFound(f"there is no animated picture of it{f': {why}' if why else ''}")
    file = on_disk(context.settings.gifs_folder, rows[0]["file"])
    name = f"{Path(asset['path']).stem}.gif"
    return file_answer(request, file, media_type="image/gif", etag=file_etag(file), file_name=name)


def segment_answer(request: Request, context: Context, part: StreamPart, version: str) -> Response:
    """A segment as it lies on disk. Raises NotFound."""
    file = part.on_disk(context.settings.video_folder)
    cache = FOR_EVER if version else "private, no-cache"
    return file_answer(request, file, media_type=SEGMENT_TYPE, etag=file_etag(file), file_name=part.name, cache=cache)


def playlist_answer(context: Context, part: StreamPart, prefix: str = "") -> Response:
    """
    A playlist whose names carry the version of the stream.

    Args:
        prefix: Before each name (serving/media/streams.py).
    Raises:
        NotFound.
    """
    file = part.on_disk(context.settings.video_folder)
    try:
        version, text = f"{file.stat().st_mtime_ns:x}", file.read_text(encoding="ascii")
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise NotFound("there is no stream of it yet: POST /video/generate makes it") from exc
    answer = addressed(text, version, prefix)
    return Response(answer, media_type=PLAYLIST_TYPE, headers={"Cache-Control": "private, no-cache"})

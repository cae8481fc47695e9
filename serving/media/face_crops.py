"""One face as a small square picture, from the smallest derivative that shows it well."""

from __future__ import annotations

from pathlib import Path

from fastapi import Request
from starlette.responses import Response

from serving.context import Context
from serving.listing.paths import find_asset
from serving.replica.snapshot import ReplicaSnapshot
from sql.lake import Row
from tasks.errors import AssetError, NotFound, ToolMissing
from tasks.faces.pictures import CROP_PADDING, CROP_PX, cut, frame_at
from tasks.faces.protocol import Box
from tasks.files.derivatives import on_disk, preview_clip_file

ENOUGH_PX = 72  # of a face in a derivative; less of it looks like a mistake
CACHE = "private, max-age=86400"


def crop_answer(request: Request, context: Context, copy: ReplicaSnapshot, face: Row) -> Response:
    """
    Raises:
        NotFound: The picture is gone, or cannot be decoded.
    """
    etag = f'"{face["id"]}-{face["crop_url"].rpartition("=")[2]}"'
    headers = {"ETag": etag, "Cache-Control": CACHE}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if face["asset_id"] is None:
        raise NotFound(f"the picture of face {face['id']} is not in the library any more")
    bbox = face["bbox"]
    box = Box(bbox["x"], bbox["y"], bbox["w"], bbox["h"])
    asset = find_asset(copy, face["path"], str(face["library_id"]))
    try:
        jpeg = cut(_picture(context, copy, asset, face, box), _roomy(box), Path(asset["path"]),
                   edge_px=CROP_PX, square=True)  # fmt: skip
    except AssetError as exc:
        raise NotFound(f"this face cannot be shown: {exc}") from exc
    return Response(jpeg, media_type="image/jpeg", headers=headers)


def _picture(context: Context, copy: ReplicaSnapshot, asset: Row, face: Row, box: Box) -> bytes:
    """Upright JPEG bytes in which the face is large enough; else the largest there is."""
    if face["at_seconds"] is not None:
        clip = on_disk(context.settings.previews_folder, preview_clip_file(asset["library_id"], asset["path"]))
        try:
            return frame_at(clip, face["at_seconds"])
        except ToolMissing as exc:
            raise NotFound("the preview clip cannot be read without ffmpeg") from exc
    if known := _thumbnail(context, asset, box):
        return known
    if (large := context.large.known_file(copy, asset)) is not None:
        return large.read_bytes()
    return context.faces.picture(copy, asset)


def _thumbnail(context: Context, asset: Row, box: Box) -> bytes | None:
    long_edge = context.settings.thumbnail_size
    width, height = asset["width"] or 0, asset["height"] or 0
    if asset["thumbnail_file"] is None or not width or not height:
        return None
    scale = min(1.0, long_edge / max(width, height))
    if min(box.width * width, box.height * height) * scale < ENOUGH_PX:
        return None
    path = on_disk(context.settings.thumbnails_folder, asset["thumbnail_file"])
    try:
        return path.read_bytes()
    except OSError:  # deleted since: the larger ones will do
        return None


def _roomy(box: Box) -> Box:
    return box.padded(CROP_PADDING)

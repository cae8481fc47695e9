"""Files as answers: ranges, validators, and nothing a browser would run."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

from fastapi import Request
from starlette.responses import FileResponse, Response

from tasks.errors import NotFound

_INERT = re.compile(r"(image/(?!svg)|video/)[\w.+-]+|application/vnd\.apple\.mpegurl")
_NO_SCRIPT = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"


def file_answer(
    request: Request, path: Path, *, media_type: str, etag: str, file_name: str, cache: str = "private, no-cache"
) -> Response:
    """
    The file, a range of it, or 304.

    Args:
        media_type: Served as it is only if it is a picture, video or playlist; all else is a download of bytes.
        etag: Strong, without quotes: changes whenever the bytes do.
        file_name: What a browser would save it as.
    Raises:
        NotFound: It is gone.
    """
    try:
        status = path.stat()
    except OSError as exc:
        raise NotFound(f"{file_name} is no longer there") from exc
    modified = datetime.fromtimestamp(max(int(status.st_mtime), 0), UTC)
    headers = {
        "ETag": f'"{etag}"',
        "Last-Modified": format_datetime(modified, usegmt=True),
        "Cache-Control": cache,
        "Content-Security-Policy": _NO_SCRIPT,
    }
    if is_fresh(request, headers["ETag"], modified):
        return Response(status_code=304, headers=headers)
    inert = bool(_INERT.fullmatch(media_type))
    return FileResponse(
        path,
        headers={**headers, "Accept-Ranges": "bytes"},
        media_type=media_type if inert else "application/octet-stream",
        stat_result=status,
        filename=file_name,
        content_disposition_type="inline" if inert else "attachment",
    )


def is_fresh(request: Request, etag: str, modified: datetime) -> bool:
    """Whether the client's copy is good (RFC 9110, 13.1): by tag, and by date only where no tag was sent."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in tags.split(",")}
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        return modified <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False


def file_etag(path: Path) -> str:
    """Of a derivative, which is replaced as a whole. Raises NotFound."""
    try:
        status = path.stat()
    except OSError as exc:
        raise NotFound("the derivative is no longer there: `darkroom scan` makes it again") from exc
    return f"{status.st_mtime_ns:x}-{status.st_size:x}"

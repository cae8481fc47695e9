"""An upload is taken when a decoder can show it: its first bytes alone prove nothing."""

from __future__ import annotations

from pathlib import Path

from serving.upload.incoming_file import NotMedia
from tasks.batches.thumbnails import SharedExifTool
from tasks.errors import CorruptMedia, DecoderTimeout, MediaTooLarge, ToolMissing, UnreadableFile, UnsupportedMedia
from tasks.files.media_file import MediaFile
from tasks.files.media_types import MediaKind
from tasks.images.thumbnail import Tools, render_thumbnail
from tasks.programs import find_exiftool
from tasks.video.ffmpeg import find_ffmpeg

PROOF_EDGE_PX = 64


def refuse_undecodable(path: Path, kind: MediaKind, name: str) -> None:
    """
    Decode a small picture of it, as its thumbnail will be made: within the same limits of time and pixels.

    What only our limits or a missing program keep from being shown is taken; so is a photo whose lower part is missing.

    Raises:
        NotMedia: No decoder can show anything of it; the message has the reason.
    """
    status = path.stat()
    file = MediaFile(path, kind, status.st_size, status.st_mtime_ns)
    with SharedExifTool(find_exiftool()) as exiftool:
        tools = Tools(ffmpeg=find_ffmpeg(), exiftool=exiftool if exiftool.executable else None)
        try:
            render_thumbnail(file, None, PROOF_EDGE_PX, tools)
        except (UnsupportedMedia, CorruptMedia) as exc:
            raise NotMedia(f"{name[:200]!r} cannot be shown: {exc.reason}") from exc
        except (MediaTooLarge, DecoderTimeout, UnreadableFile, ToolMissing):
            return

"""
A new file is read once: hash, metadata, thumbnail and placeholder come from one pass while its bytes are warm.

What only a slower tool can answer (video, maker notes, RAWs without a preview) is left to the `metadata` and
`thumbnails` backlogs.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from tasks.asset import Asset, Results, Row, in_threads, utc_now
from tasks.errors import AssetError, UnreadableFile
from tasks.files.atomic_write import atomic_write
from tasks.files.derivatives import on_disk, thumbnail_file
from tasks.files.hashing import hash_bytes, hash_stream
from tasks.files.media_types import HEAD_BYTES, MediaKind, identify
from tasks.images.sentinel import mark_unsupported, sentinel_path
from tasks.images.thumbnail import Rendered, render_quick, thumbnail_recipe
from tasks.metadata import METADATA_RECIPE, Metadata, read_quick
from tasks.programs import find_exiftool, find_ffprobe, metadata_tools, thumbnail_tools
from tasks.video.ffmpeg import find_ffmpeg

HELD_BYTES = 96 * 1024 * 1024  # larger files are hashed in chunks and decoded from disk
CONTACT_SHEET_PICTURES = 24


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """
    What an ingest needs to know besides the files.

    Args:
        thumbnails: The folder thumbnails are mirrored under.
        long_edge_px: Of a thumbnail.
        recipe: Of a thumbnail; written with each one.
        thumbnail_tools, metadata_tools: Versions that failures are recorded with; new ones try again.
        threads: Files worked on at a time.
        pixels: False hashes only.
    """

    thumbnails: Path
    long_edge_px: int
    recipe: str
    thumbnail_tools: str
    metadata_tools: str
    threads: int = 2
    pixels: bool = True


HASH_TOOL = "blake3"


def plan_ingest(thumbnails: Path, long_edge_px: int, *, threads: int = 1, pixels: bool = True) -> IngestPlan:
    """The plan for the decoders that are installed: recipes and versions are theirs."""
    recipe = thumbnail_recipe(long_edge_px)
    return IngestPlan(
        thumbnails=thumbnails,
        long_edge_px=long_edge_px,
        recipe=recipe,
        thumbnail_tools=f"{recipe} {thumbnail_tools(find_ffmpeg(), find_exiftool())}",
        metadata_tools=f"{METADATA_RECIPE} {metadata_tools(find_ffprobe(), find_exiftool())}",
        threads=threads,
        pixels=pixels,
    )


class FileChanging(Exception):
    """The file changed between two looks: somebody is still writing it."""


def ingest_files(batch: Sequence[Asset], plan: IngestPlan) -> Results:
    """Hash, metadata and thumbnail of each file; one that is bad or still being written never stops the others."""
    return in_threads(partial(ingest_file, plan=plan), batch, plan.threads)


def ingest_file(asset: Asset, plan: IngestPlan) -> Results:
    results = Results()
    try:
        content_hash, kind, content, status = _read(asset, keep=plan.pixels)
    except FileChanging:
        results.left += 1
        return results
    except UnreadableFile as exc:
        results.fail(asset, "hash", exc, tool_version=HASH_TOOL, file_version=asset.stat_version)
        return results
    results.done += 1
    results.add("fingerprint", _fingerprint(asset, content_hash, kind, status))
    results.clear(asset, "hash")
    results.clear(asset, "verify")
    if plan.pixels:
        _add_metadata(results, asset, kind, content, content_hash)
        _add_thumbnail(results, asset, kind, content, content_hash, plan)
    return results


def _read(asset: Asset, *, keep: bool) -> tuple[str, MediaKind, bytes | None, os.stat_result]:
    """Hash, kind, the content where it is small enough to hold and a decoder will want it, and the file's status."""
    try:
        with open_original(asset.path) as file:
            _check_unchanged(asset, file)
            head = file.read(HEAD_BYTES)
            kind = identify(head, asset.rel_path) or asset.media_file().kind
            file.seek(0)
            if keep and kind.media_type != "video" and asset.size_bytes <= HELD_BYTES:
                content = file.read()
                content_hash = hash_bytes(content)
            else:
                content, content_hash = None, hash_stream(file)
            status = _check_unchanged(asset, file)
    except OSError as exc:
        raise UnreadableFile(asset.path, f"cannot be read: {exc.strerror or exc}") from exc
    return content_hash, kind, content, status


def open_original(path: Path) -> BinaryIO:
    """Open a regular file for reading; a pipe put in its place can neither block us nor be drained."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableFile(path, "is no regular file")
    return os.fdopen(descriptor, "rb", buffering=0 if os.fstat(descriptor).st_size > HELD_BYTES else -1)


def _check_unchanged(asset: Asset, file: BinaryIO) -> os.stat_result:
    status = os.fstat(file.fileno())
    if (status.st_size, status.st_mtime_ns) != (asset.size_bytes, asset.mtime_ns):
        raise FileChanging(asset.rel_path)
    return status


def _fingerprint(asset: Asset, content_hash: str, kind: MediaKind, status: os.stat_result) -> Row:
    return {
        "asset_id": asset.asset_id,
        "size_bytes": asset.size_bytes,
        "mtime_ns": asset.mtime_ns,
        "content_hash": content_hash,
        "media_type": kind.media_type,
        "mime_type": kind.mime_type,
        "inode": status.st_ino,
        "ctime_ns": status.st_ctime_ns,
        "recorded_at": utc_now(),
    }


def _add_metadata(results: Results, asset: Asset, kind: MediaKind, content: bytes | None, content_hash: str) -> None:
    quick = read_quick(asset.media_file(kind), content)
    if quick.complete and quick.metadata is not None:
        add_metadata_rows(results, asset, content_hash, quick.metadata)


def add_metadata_rows(
    results: Results, asset: Asset, content_hash: str, metadata: Metadata, recipe: str = METADATA_RECIPE
) -> None:
    """The `metadata` row and its date candidates."""
    row = asdict(metadata)
    candidates = row.pop("date_candidates")
    row["keywords"] = list(metadata.keywords)
    version = {"asset_id": asset.asset_id, "content_hash": content_hash}
    results.add(
        "metadata",
        {
            **row,
            **version,
            "sidecar_version": asset.sidecar_version,
            "recipe": recipe,
            "recorded_at": utc_now(),
        },
    )
    for candidate in candidates:
        results.add(
            "date_candidate",
            {
                **version,
                "source": candidate["source"],
                "text": candidate["text"],
                "local_time": candidate["local"],
                "utc_time": candidate["utc"],
                "time_zone": candidate["time_zone"],
                "rank": candidate["rank"],
            },
        )
    results.clear(asset, "metadata")


def _add_thumbnail(
    results: Results, asset: Asset, kind: MediaKind, content: bytes | None, content_hash: str, plan: IngestPlan
) -> None:
    try:
        rendered = render_quick(asset.media_file(kind), content, plan.long_edge_px)
    except AssetError as exc:
        record_unsupported(results, asset, content_hash, exc, plan.thumbnails, plan.thumbnail_tools)
        return
    if rendered is not None:
        record_thumbnail(results, asset, content_hash, rendered, plan.thumbnails, plan.recipe)


def record_unsupported(
    results: Results, asset: Asset, content_hash: str, error: AssetError, thumbnails: Path, tools: str
) -> None:
    """The sentinel on disk, and why in the lake."""
    mark_unsupported(on_disk(thumbnails, thumbnail_file(asset.library_id, asset.rel_path)), within=thumbnails)
    results.fail(asset, "thumbnail", error, tool_version=tools, file_version=content_hash)


def record_thumbnail(
    results: Results, asset: Asset, content_hash: str, rendered: Rendered, thumbnails: Path, recipe: str
) -> None:
    """The file first, then its row."""
    file = thumbnail_file(asset.library_id, asset.rel_path)
    path = on_disk(thumbnails, file)
    atomic_write(path, rendered.jpeg, within=thumbnails)
    sentinel_path(path).unlink(missing_ok=True)
    results.add("derivative", derivative_row(asset.asset_id, content_hash, "thumbnail", file, rendered, recipe))
    results.clear(asset, "thumbnail")
    results.count("thumbnails")
    if len(results.contact_sheet) < CONTACT_SHEET_PICTURES:
        results.contact_sheet.append(rendered.jpeg)


def derivative_row(asset_id: int, content_hash: str, kind: str, file: str, rendered: Rendered, recipe: str) -> Row:
    return {
        "asset_id": asset_id,
        "content_hash": content_hash,
        "kind": kind,
        "file": file,
        "recipe": recipe,
        "width": rendered.width,
        "height": rendered.height,
        "size_bytes": len(rendered.jpeg),
        "thumbhash": rendered.thumbhash,
        "layer": rendered.layer,
        "warning": rendered.warning,
        "tool": rendered.tool,
        "tool_version": rendered.tool_version,
        "recorded_at": utc_now(),
    }

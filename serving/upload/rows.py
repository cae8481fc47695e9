"""The rows of an uploaded file: the same reading as in a scan, of one file, at once."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from serving.replica.replica import Replica
from sql.lake import Lake, Row, Writer, utc_now
from tasks.asset import Asset, Results
from tasks.batches.ingest import IngestPlan
from tasks.batches.metadata import read_metadata
from tasks.batches.thumbnails import make_thumbnails
from tasks.files.media_types import MediaKind

_RUN_ID = "upload"


def record_asset(lake: Lake, library: Row, rel_path: str, target: Path, kind: MediaKind, content_hash: str) -> Asset:
    """The asset of a file that has just been put in its place, with its hash: the next upload must see it."""
    status = target.stat()
    newcomer = {
        "library_id": library["library_id"],
        "rel_path": rel_path,
        "media_type": kind.media_type,
        "mime_type": kind.mime_type,
        "size_bytes": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "sidecar": "",
        "sidecar_version": "",
    }
    with lake.write(f"upload of {rel_path}") as writer:
        asset_id = _insert_or_revive(writer, newcomer)
        fingerprint = {name: newcomer[name] for name in ("size_bytes", "mtime_ns", "media_type", "mime_type")}
        fingerprint |= {"asset_id": asset_id, "content_hash": content_hash, "run_id": _RUN_ID, "recorded_at": utc_now()}
        writer.replace("fingerprint", [fingerprint])
    return Asset(
        asset_id=asset_id, library=library["name"], root_path=library["root_path"], content_hash=None, **newcomer
    )


def _insert_or_revive(writer: Writer, newcomer: Row) -> int:
    """A new asset; or the one that was at this path before its file went missing, or that a scan has just seen."""
    place = {"library_id": newcomer["library_id"], "rel_path": newcomer["rel_path"]}
    first_id = writer.next_id("asset", "asset_id")
    known = writer.run("serving/upload/asset_at", **place)
    if known:
        writer.run("serving/upload/revive_asset", asset_id=known[0]["asset_id"],
                   size_bytes=newcomer["size_bytes"], mtime_ns=newcomer["mtime_ns"])  # fmt: skip
        return int(known[0]["asset_id"])
    row = pa.Table.from_pylist([newcomer])
    with writer.using("newcomer", row.set_column(0, "library_id", row["library_id"].cast(pa.int32()))):
        writer.run("scan/insert_assets", first_id=first_id, now=utc_now())
    return int(writer.run("serving/upload/asset_at", **place)[0]["asset_id"])


def finish_reading(lake: Lake, replica: Replica, asset: Asset, content_hash: str, plan: IngestPlan) -> None:
    """What the quick pass left: a video's frame, maker notes. The client sees its file complete."""
    row = replica.refresh().rows("listing/asset_by_id", asset_id=asset.asset_id)
    if not row or row[0]["content_hash"] != content_hash:
        return  # changed again meanwhile: the next scan reads it
    read = Asset(**{**{name: getattr(asset, name) for name in Asset.__slots__}, "content_hash": content_hash})
    failed = {failure["stage"] for failure in replica.current.rows("listing/failures_of", asset_id=asset.asset_id)}
    if not row[0]["has_metadata"] and "metadata" not in failed:
        record_results(lake, read_metadata([read], plan.metadata_tools), asset.rel_path)
    if row[0]["thumbnail_file"] is None and "thumbnail" not in failed:
        record_results(lake, make_thumbnails([read], plan), asset.rel_path)


def record_results(lake: Lake, results: Results, rel_path: str) -> None:
    """One commit: the rows of one file, and the failures it no longer has."""
    if results.rows or results.cleared:
        with lake.write(f"upload of {rel_path}") as writer:
            writer.record(results.rows, results.cleared, _RUN_ID)

"""A batch of thumbnails fingerprinted: one `perceptual_hash` row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import cast

from tasks.asset import Asset, Results, in_threads, utc_now
from tasks.errors import AssetError
from tasks.files.derivatives import on_disk
from tasks.images.phash import PHASH_RECIPE, perceptual_hash


@dataclass(frozen=True, slots=True)
class ThumbnailedAsset(Asset):
    """An asset with its thumbnail: the columns of `sql/backlog/perceptual_hashes.sql`."""

    thumbnail_file: str


def hash_thumbnails(batch: Sequence[Asset], thumbnails: Path, threads: int) -> Results:
    """
    Args:
        batch: ThumbnailedAssets.
        thumbnails: What their files are relative to.
    """
    return in_threads(partial(_hash_thumbnail, thumbnails=thumbnails), batch, threads)


def _hash_thumbnail(asset: Asset, thumbnails: Path) -> Results:
    results = Results()
    try:
        jpeg = on_disk(thumbnails, cast(ThumbnailedAsset, asset).thumbnail_file).read_bytes()
    except OSError:  # somebody emptied the folder: the thumbnails are made anew first
        results.left += 1
        return results
    try:
        found = perceptual_hash(jpeg, asset.rel_path)
    except AssetError as exc:
        content_hash = asset.content_hash or ""
        results.fail(asset, "perceptual_hash", exc, tool_version=PHASH_RECIPE, file_version=content_hash)
        return results
    row = {"content_hash": asset.content_hash, **asdict(found), "recipe": PHASH_RECIPE, "recorded_at": utc_now()}
    results.add("perceptual_hash", row)
    results.clear(asset, "perceptual_hash")
    results.done += 1
    return results

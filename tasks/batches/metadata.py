"""The slow half of metadata: one exiftool and ffprobe over a batch of files."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from tasks.asset import Asset, Results, is_unchanged, merged
from tasks.batches.ingest import add_metadata_rows
from tasks.errors import AssetError
from tasks.metadata import read_full
from tasks.metadata.exiftool import ExifTool
from tasks.programs import find_exiftool, find_ffprobe, metadata_recipe


def read_metadata(batch: Sequence[Asset], tools: str, threads: int = 2) -> Results:
    """
    One `metadata` row per file, or its failure.

    Args:
        tools: Versions, written with failures.
        threads: Parts of the batch worked on at a time, each with an exiftool of its own.
    """
    share = max(1, -(-len(batch) // threads))
    parts = [batch[start : start + share] for start in range(0, len(batch), share)]
    with ThreadPoolExecutor(threads, thread_name_prefix="metadata") as pool:
        return merged(pool.map(partial(_read_part, tools=tools), parts))


def _read_part(batch: Sequence[Asset], tools: str) -> Results:
    results = Results()
    with ExitStack() as stack:
        exiftool, ffprobe = find_exiftool(), find_ffprobe()
        running = stack.enter_context(ExifTool(exiftool)) if exiftool else None
        answers = read_full([asset.media_file() for asset in batch], running, ffprobe)
    recipe = metadata_recipe(exiftool, ffprobe)
    for asset, answer in zip(batch, answers, strict=True):
        content_hash = asset.content_hash or ""
        if isinstance(answer, AssetError) and not is_unchanged(asset):
            results.left += 1
        elif isinstance(answer, AssetError):
            results.fail(asset, "metadata", answer, tool_version=tools, file_version=content_hash)
        else:
            add_metadata_rows(results, asset, content_hash, answer, recipe)
            results.done += 1
    return results

"""
What recording one batch costs in a small and in a large library: it must not grow with what is there already.

    python -m tests.bench.batch_cost_bench [--sizes 10000 100000 200000] [--batches 8]

Target (issue 11): flat. Each figure is the median of the batches, of 256 files each; `flush` is paid every 40 batches.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from sql.lake import Lake, Row, Writer, utc_now

BATCH_FILES = 256
HASH = "lpad(to_hex(i), 64, '0')"
FILL = {
    "asset": "i as asset_id, 1 as library_id, 'f' || i // 1000 || '/' || i || '.jpg' as rel_path, "
    "'photo' as media_type, i as size_bytes, i as mtime_ns, '' as sidecar, '' as sidecar_version",
    "fingerprint": f"i as asset_id, i as size_bytes, i as mtime_ns, {HASH} as content_hash",
    "metadata": f"i as asset_id, {HASH} as content_hash, '' as sidecar_version, 'r' as recipe",
    "derivative": f"i as asset_id, {HASH} as content_hash, 'thumbnail' as kind, 'r' as recipe",
    "failure": f"i as asset_id, 'thumbnail' as stage, {HASH} as file_version, 'CorruptMedia' as error_class, "
    "'damaged' as message, 't' as tool_version, 1 as attempts",
}


def open_lake(folder: Path) -> Lake:
    lake = Lake(f"sqlite:///{folder / 'catalog.sqlite'}", str(folder / "data"))
    lake.migrate()
    return lake


def fill(lake: Lake, files: int) -> None:
    """A library of *files* files in the pieces that batches and flushes leave behind."""
    for start in range(0, files, 40 * BATCH_FILES):
        end = min(files, start + 40 * BATCH_FILES)
        with lake.write() as writer:
            for table, columns in FILL.items():
                writer.execute(f"insert into {table} by name select {columns} from range({start}, {end}) as t(i)")


def results(first: int) -> tuple[dict[str, list[Row]], dict[str, list[Row]], list[Row]]:
    """Rows of a batch of good files, of one of failing files, and the stages that the good ones are done with."""
    now, ids = utc_now(), range(first, first + BATCH_FILES)
    read = [{"asset_id": i, "size_bytes": 1, "mtime_ns": 1, "content_hash": "a" * 64, "recorded_at": now} for i in ids]
    good = {
        "fingerprint": read,
        "metadata": [{"asset_id": i, "content_hash": "a" * 64, "recipe": "r", "recorded_at": now} for i in ids],
        "derivative": [{"asset_id": i, "content_hash": "a" * 64, "kind": "thumbnail", "recipe": "r"} for i in ids],
    }
    failed = [{"asset_id": i, "stage": "thumbnail", "message": "damaged", "failed_at": now} for i in ids]
    cleared = [{"asset_id": i, "stage": stage} for i in ids for stage in ("hash", "metadata", "thumbnail")]
    return good, {"fingerprint": read, "failure": failed}, cleared


def move(writer: Writer, first: int) -> None:
    ids = list(range(first, first + BATCH_FILES))
    seen = {
        "asset_id": ids, "rel_path": [f"moved/{i}.jpg" for i in ids], "size_bytes": ids, "mtime_ns": ids,
        "sidecar": [""] * len(ids), "sidecar_version": [""] * len(ids),
    }  # fmt: skip
    with writer.using("seen", pa.table(seen)):
        writer.run("scan/move_fingerprints")
        writer.run("scan/update_assets")


def delete(writer: Writer, first: int) -> None:
    with writer.using("gone", pa.table({"asset_id": list(range(first, first + BATCH_FILES))})):
        writer.run("scan/mark_missing", now=utc_now())


def measure(lake: Lake, files: int, batches: int) -> dict[str, float]:
    """Median seconds of a batch, by what happens to its files."""

    def record_good(writer: Writer, first: int) -> None:
        good, _, cleared = results(first)
        writer.record(good, cleared, "run")

    def record_failing(writer: Writer, first: int) -> None:
        writer.record(results(first)[1], [], "run")

    def record_failing_again(writer: Writer, first: int) -> None:
        writer.record({"failure": results(first)[1]["failure"]}, [], "run")

    kinds: dict[str, tuple[Callable[[Writer, int], None], int]] = {
        "good files, new": (record_good, files),
        "failing files, new": (record_failing, files + 100_000),
        "failing files, again": (record_failing_again, files // 2),
        "moved files": (move, files // 4),
        "deleted files": (delete, files // 3),
    }
    return {kind: median_seconds(lake, work, first, batches) for kind, (work, first) in kinds.items()}


def median_seconds(lake: Lake, work: Callable[[Writer, int], None], first: int, batches: int) -> float:
    seconds = []
    for number in range(batches):
        started = time.perf_counter()
        with lake.write() as writer:
            work(writer, first + number * BATCH_FILES)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 200_000])
    parser.add_argument("--batches", type=int, default=8)
    arguments = parser.parse_args()
    columns: list[dict[str, float]] = []
    for files in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder, open_lake(Path(folder)) as lake:
            fill(lake, files)
            measured = measure(lake, files, arguments.batches)
            started = time.perf_counter()
            lake.flush()
            columns.append(measured | {"flush": time.perf_counter() - started})
    print(f"{'seconds a batch of 256':<24}" + "".join(f"{files:>12,}" for files in arguments.sizes) + "    last/first")
    for kind in columns[0]:
        figures = [column[kind] for column in columns]
        print(f"{kind:<24}" + "".join(f"{s:>12.3f}" for s in figures) + f"{figures[-1] / figures[0]:>14.1f}")


if __name__ == "__main__":
    main()

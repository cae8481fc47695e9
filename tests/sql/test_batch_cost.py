"""What recording a batch reads of a table does not grow with the table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from sql.lake import Lake, Writer, statement, utc_now

FILES = 6


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """Each table in six files, of 1,000 assets each."""
    with Lake(f"sqlite:///{tmp_path / 'catalog.sqlite'}", str(tmp_path / "data")) as lake:
        lake.migrate()
        for number in range(FILES):
            ids = f"range({number * 1000}, {number * 1000 + 1000}) as t(i)"
            with lake.write() as writer:
                writer.execute(f"insert into asset by name select i as asset_id from {ids}")
                writer.execute(f"insert into fingerprint by name select i as asset_id from {ids}")
                writer.execute(f"insert into derivative by name select i as asset_id, 'gif' as kind from {ids}")
                writer.execute(
                    f"insert into failure by name select i as asset_id, 'hls' as stage, 1 as attempts from {ids}"
                )
        yield lake


def files_read(lake: Lake, monkeypatch: pytest.MonkeyPatch, work: object) -> list[int]:
    """How many Parquet files each statement of *work* reads, as DuckLake counts them."""
    read: list[int] = []
    real = Writer._fetch

    def fetch(self: Writer, text: str, parameters: dict[str, object]) -> object:
        if not text.startswith("insert"):  # to analyse a statement is to execute it
            plan = self._cursor.execute(f"explain analyze {text}", parameters).fetchall()[0][1]
            read.extend(map(int, re.findall(r"Total Files Read: (\d+)", plan)))
        return real(self, text, parameters)

    with lake.write() as writer, monkeypatch.context() as patch:
        patch.setattr(Writer, "_fetch", fetch)
        work(writer)  # type: ignore[operator]
    return read


def test_batch_of_failures_reads_only_the_files_of_its_own_assets(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [{"asset_id": i, "stage": "hls", "failed_at": utc_now()} for i in range(2100, 2200)]
    read = files_read(lake, monkeypatch, lambda writer: writer.record({"failure": failures}, [], "run"))
    assert read, "something was looked at"
    assert max(read) == 1
    assert lake.select("select distinct attempts from failure where asset_id between 2100 and 2199") == [
        {"attempts": 2}
    ]


def test_batch_of_good_files_reads_only_the_files_of_its_own_assets(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = range(3100, 3200)
    rows = {
        "fingerprint": [{"asset_id": i, "content_hash": "new"} for i in ids],
        "derivative": [{"asset_id": i, "kind": "gif", "recipe": "new"} for i in ids],
    }
    cleared = [{"asset_id": i, "stage": "hls"} for i in ids]
    read = files_read(lake, monkeypatch, lambda writer: writer.record(rows, cleared, "run"))
    assert read
    assert max(read) == 1
    assert lake.select("select count(*) as n from fingerprint")[0]["n"] == FILES * 1000
    assert lake.select("select count(*) as n from failure")[0]["n"] == FILES * 1000 - 100


@pytest.mark.parametrize("name", ["mark_missing", "update_assets", "move_fingerprints"])
def test_scan_updates_only_the_files_of_the_assets_that_differ(lake: Lake, name: str) -> None:
    ids = list(range(4100, 4200))
    empty = [""] * len(ids)
    table = pa.table({"asset_id": ids, "rel_path": empty, "size_bytes": ids, "mtime_ns": ids, "sidecar": empty,
                      "sidecar_version": empty, "inode": ids, "ctime_ns": ids})  # fmt: skip
    parameters = {"now": utc_now()} if "$now" in statement(f"scan/{name}") else {}
    with lake.write() as writer, writer.using("seen", table), writer.using("gone", table):
        text = statement(f"scan/{name}")
        plan = writer._cursor.execute(f"explain analyze {text}", parameters).fetchall()[0][1]
    assert re.findall(r"Total Files Read: (\d+)", plan) == ["1"]


def test_key_that_is_null_is_replaced_too(lake: Lake) -> None:
    for library in ("first", "second"):
        with lake.write() as writer:
            writer.replace("run", [{"run_id": "a", "flow": None, "library": library}])
    assert [row["library"] for row in lake.select("from run")] == ["second"]

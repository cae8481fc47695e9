"""A catalog that is locked for a moment: the transaction is done again, once, and nothing above it notices."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from sql import lake as lake_module
from sql.lake import Lake, LakeError, Writer


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake(f"sqlite:///{tmp_path / 'catalog.sqlite'}", str(tmp_path / "data")) as lake:
        lake.migrate()
        yield lake


HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("begin immediate")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(catalog: Path) -> Iterator[Callable[[], None]]:
    """Another program writes to the catalog until it is told to stop (a process: locks of one's own do not count)."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(catalog)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"

    def release() -> None:
        holder.communicate()

    try:
        yield release
    finally:
        if holder.poll() is None:
            release()


def test_commit_to_a_locked_catalog_is_made_when_the_lock_is_gone(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    more = pa.table({"run_id": ["b", "c"]})
    with locked(tmp_path / "catalog.sqlite") as release:
        release_when_it_was_tried(monkeypatch, release)
        with caplog.at_level(logging.WARNING), lake.write("three runs") as writer:
            writer.append("run", [{"run_id": "a"}])
            with writer.using("more", more):
                writer.execute("insert into run by name select run_id from more where run_id <> $no", no="x")
            writer.replace("run", [{"run_id": "a", "flow": None, "library": "l"}])
    assert sorted((row["run_id"], row["library"]) for row in lake.select("from run")) == [
        ("a", "l"), ("b", None), ("c", None),
    ]  # fmt: skip
    assert "database is locked" in caplog.text
    messages = [row["commit_message"] for row in lake.select("select commit_message from ducklake_snapshots('lake')")]
    assert messages.count("three runs") == 1


def release_when_it_was_tried(monkeypatch: pytest.MonkeyPatch, release: Callable[[], None]) -> None:
    def sleep(seconds: float) -> None:
        release()

    monkeypatch.setattr(lake_module, "time", SimpleNamespace(sleep=sleep))


def test_lock_that_stays_is_an_error_with_its_cause(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake_module, "RETRY_SECONDS", (0.01, 0.01))
    with (
        locked(tmp_path / "catalog.sqlite"),
        pytest.raises(LakeError, match="database is locked"),
        lake.write() as writer,
    ):
        writer.append("run", [{"run_id": "a"}])
    assert lake.select("from run") == []
    with lake.write() as writer:
        writer.append("run", [{"run_id": "b"}])
    assert [row["run_id"] for row in lake.select("from run")] == ["b"]


def test_commit_that_was_made_and_then_reported_an_error_is_not_made_twice(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckLake tidies up after the catalog's COMMIT; what fails there is no reason to commit again."""
    real_do = Writer._do
    fail = iter([True])

    def do(self: Writer, step: Any) -> Any:
        def failing() -> Any:
            answer = step()
            if self._newly_committed() and next(fail, False):
                raise duckdb.TransactionException("TransactionContext Error: Failed to commit: database is locked")
            return answer

        return real_do(self, failing)

    def newly_committed(self: Writer) -> bool:
        with lake.cursor() as cursor:
            return bool(cursor.execute(lake_module.LANDED, [self._mark]).fetchall())

    monkeypatch.setattr(Writer, "_newly_committed", newly_committed, raising=False)
    monkeypatch.setattr(Writer, "_do", do)
    with lake.write() as writer:
        writer.append("insight_rating", [{"insight_id": 1}])
    assert len(lake.select("from insight_rating")) == 1
    assert next(fail, None) is None, "the failure was played"


def test_statement_that_can_never_work_is_not_tried_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_module, "time", SimpleNamespace(sleep=lambda seconds: pytest.fail("it waited")))
    with pytest.raises(duckdb.Error, match="no_such_table"), lake.write() as writer:
        writer.execute("select * from no_such_table")


def test_a_long_error_keeps_its_beginning_and_its_end() -> None:
    shown = lake_module._cause(duckdb.Error("Failed to commit:\nFailed to insert " + "x" * 5000 + ":\ndisk I/O error"))
    assert shown.startswith("Failed to commit: Failed to insert")
    assert shown.endswith("disk I/O error")
    assert len(shown) < 400

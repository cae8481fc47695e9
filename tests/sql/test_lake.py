"""The lake: many writers, kills, damage, and looking back."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from sql import empty_tables
from sql.lake import FOLDER, KEYS, Lake, LakeError, LakeLocked, view_columns

WRITER = """
import sys
from sql.lake import Lake
lake = Lake(sys.argv[1], sys.argv[2])
for number in range(int(sys.argv[4])):
    with lake.write() as writer:
        writer.append("failure", [{"asset_id": number, "stage": sys.argv[3], "attempts": number}])
        writer.append("run", [{"run_id": f"{sys.argv[3]}-{number}"}])
    print(number, flush=True)
"""


def open_lake(folder: Path, **options: object) -> Lake:
    return Lake(f"sqlite:///{folder / 'catalog.sqlite'}", str(folder / "data"), **options)  # type: ignore[arg-type]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = open_lake(tmp_path)
    lake.migrate()
    return lake


def start_writer(folder: Path, name: str, commits: int) -> subprocess.Popen[str]:
    arguments = [f"sqlite:///{folder / 'catalog.sqlite'}", str(folder / "data"), name, str(commits)]
    return subprocess.Popen([sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, text=True)


def test_migration_applies_once_and_views_are_documented(lake: Lake) -> None:
    assert lake.migrate() == []
    documented = {(row["view_name"], row["column_name"]) for row in view_columns()}
    actual = {
        (row["table_name"], row["column_name"])
        for row in lake.select(
            "select table_name, column_name from duckdb_columns() where table_name like 'v\\_%' escape '\\'"
        )
    }
    assert documented == actual
    assert all(row["comment"] for row in view_columns())


def test_every_statement_says_its_grain() -> None:
    for path in FOLDER.rglob("*.sql"):
        if path.parent.name in {"schema", "checks"}:
            continue
        assert path.read_text().startswith("-- "), f"{path.name} does not say what it is"


def test_two_processes_writing_lose_nothing(lake: Lake, tmp_path: Path) -> None:
    writers = [start_writer(tmp_path, name, 15) for name in ("a", "b")]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert lake.select("select stage, count(*) as n from failure group by all order by all") == [
        {"stage": "a", "n": 15},
        {"stage": "b", "n": 15},
    ]


def test_killed_writers_leave_whole_commits_only(lake: Lake, tmp_path: Path) -> None:
    acknowledged = 0
    for round_number in range(4):
        writer = start_writer(tmp_path, f"w{round_number}", 10_000)
        assert writer.stdout is not None
        for _ in range(3 + round_number):
            writer.stdout.readline()
            acknowledged += 1
        time.sleep(0.007 * round_number)
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged += len(writer.stdout.read().splitlines())
        writer.wait()
    failures = lake.select("select count(*) as n from failure")[0]["n"]
    runs = lake.select("select count(*) as n from run")[0]["n"]
    assert failures == runs, "half a commit is visible"
    assert acknowledged <= failures <= acknowledged + 4, "an acknowledged commit is gone"
    with lake.write() as writer_again:
        writer_again.append("run", [{"run_id": "after"}])


def test_replacing_a_row_keeps_one(lake: Lake) -> None:
    for attempts in (1, 2):
        with lake.write() as writer:
            writer.replace("failure", [{"asset_id": 1, "stage": "hash", "attempts": attempts}])
    assert lake.select("select attempts from failure") == [{"attempts": 2}]


def test_failed_transaction_leaves_nothing(lake: Lake) -> None:
    before = lake.snapshot_id()
    with pytest.raises(duckdb.Error), lake.write() as writer:
        writer.append("run", [{"run_id": "x"}])
        writer.execute("select * from no_such_table")
    assert lake.select("from run") == []
    assert lake.snapshot_id() == before


def test_unknown_column_is_refused_rather_than_dropped(lake: Lake) -> None:
    with pytest.raises(ValueError, match="no column nonsense"), lake.write() as writer:
        writer.append("run", [{"run_id": "x", "nonsense": 1}])


def test_snapshot_id_sees_the_commits_of_other_processes(lake: Lake, tmp_path: Path) -> None:
    before = lake.snapshot_id()
    assert lake.snapshot_id() == before
    assert start_writer(tmp_path, "other", 2).wait(60) == 0
    assert lake.snapshot_id() == before + 2


def test_snapshot_id_is_right_after_a_writer_was_killed(lake: Lake, tmp_path: Path) -> None:
    writer = start_writer(tmp_path, "victim", 10_000)
    assert writer.stdout is not None
    writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    newest = lake.select("select max(snapshot_id) as newest from lake.snapshots()")[0]["newest"]
    assert lake.snapshot_id() == newest


def test_lock_that_is_never_given_back_is_an_error_that_says_so(lake: Lake, tmp_path: Path) -> None:
    other = open_lake(tmp_path, lock_timeout_seconds=0.2)
    with lake.write(), pytest.raises(LakeLocked, match="another process has been writing"), other.write():
        pass


def test_exclusive_work_is_given_to_one(lake: Lake, tmp_path: Path) -> None:
    other = open_lake(tmp_path)
    with lake.exclusive("scan") as first, other.exclusive("scan") as second, other.exclusive("drain") as third:
        assert (first, second, third) == (True, False, True)


def test_earlier_snapshot_shows_what_was_true_then(lake: Lake, tmp_path: Path) -> None:
    with lake.write() as writer:
        writer.append("library", [{"library_id": 1, "name": "then"}])
    then = lake.snapshot_id()
    with lake.write() as writer:
        writer.execute("update library set name = 'now'")
    past = open_lake(tmp_path, snapshot=then)
    assert past.select("select name from v_libraries") == [{"name": "then"}]


def test_damaged_catalog_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"this is no database" * 1000)
    with pytest.raises(LakeError, match=r"catalog\.sqlite"):
        open_lake(tmp_path)


def test_catalog_of_a_newer_version_is_refused(lake: Lake, tmp_path: Path) -> None:
    with lake.write() as writer:
        writer.append("schema_migration", [{"name": "999_future"}])
    with pytest.raises(LakeError, match="newer Darkroom"):
        open_lake(tmp_path).migrate()


def test_read_only_lake_cannot_be_written(lake: Lake, tmp_path: Path) -> None:
    reader = open_lake(tmp_path, read_only=True)
    with pytest.raises(duckdb.Error), reader.write() as writer:
        writer.append("run", [{"run_id": "x"}])


def test_keys_name_real_columns(lake: Lake) -> None:
    for table, keys in KEYS.items():
        columns = {row["column_name"] for row in lake.select(f"select column_name from (describe {table})")}
        assert set(keys) <= columns


def test_no_statement_writes_outside_its_room() -> None:
    for path in (FOLDER / "views").glob("v_*.sql"):
        assert not re.search(r"\b(insert|delete|update|copy|attach)\b", path.read_text(), re.IGNORECASE), path.name


def test_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    with sqlite3.connect(path) as theirs:
        theirs.execute("create table image_exif (id integer)")
    theirs.close()
    before = path.read_bytes()
    with pytest.raises(LakeError, match="another program's database"):
        open_lake(tmp_path)
    assert path.read_bytes() == before


def test_catalog_another_program_has_locked_is_one_clear_error(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sql.lake.RETRY_SECONDS", (0.01,))
    locker = subprocess.Popen(
        [sys.executable, "-c", "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
         "c.execute('begin exclusive'); print('locked', flush=True); time.sleep(60)", str(tmp_path / "catalog.sqlite")],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert locker.stdout is not None
    locker.stdout.readline()
    try:
        with pytest.raises(LakeError, match=r"locked|cannot be written"), lake.write() as writer:
            writer.append("run", [{"run_id": "x"}])
    finally:
        locker.kill()
        locker.wait()
    assert lake.select("from run") == []


def test_tables_that_never_had_a_row_have_statistics_from_the_first_opening(tmp_path: Path) -> None:
    with open_lake(tmp_path) as lake:
        lake.migrate()
        assert lake.select(empty_tables.WITHOUT_STATISTICS) == []
        asked = queries_of(
            lake, "select * from asset join fingerprint using (asset_id) left join failure using (asset_id)"
        )
    assert len([query for query in asked if "ducklake_table_stats" in query]) <= 3, "once a table, not once a column"


def test_a_lake_from_before_is_given_them_when_it_is_opened(tmp_path: Path) -> None:
    with open_lake(tmp_path) as lake:
        lake.migrate()
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as catalog:
        for table in ("ducklake_table_stats", "ducklake_table_column_stats"):
            catalog.execute(
                f"delete from {table} where table_id in (select table_id from ducklake_table where table_name = 'tag')"
            )
        catalog.commit()
    with open_lake(tmp_path) as lake:
        assert len(lake.select(empty_tables.WITHOUT_STATISTICS)) == 1
        assert lake.migrate() == []
        assert lake.select(empty_tables.WITHOUT_STATISTICS) == []


def test_statistics_of_no_rows_hide_none_that_come_later(lake: Lake) -> None:
    """The numbers DuckLake keeps afterwards are those it would have kept without ours."""
    for first in (4, 8, 3_000):  # inlined, a file, a file with numbers below
        with lake.write() as writer:
            writer.append("tag", [{"tag_id": number, "name": f"n{number}"} for number in range(first, first + 700)])
        with lake.write() as writer:
            writer.append("tag", [{"tag_id": None, "name": None}, {"tag_id": 1, "name": "ä"}])
    lake.flush()
    for condition, found in (
        ("tag_id = 3", 0),
        ("tag_id = 8", 2),
        ("tag_id is null", 3),
        ("tag_id < 4", 3),
        ("name = 'ä'", 3),
    ):
        assert len(lake.select(f"select * from tag where {condition}")) == found, condition
    assert lake.select("select min(tag_id) as a, max(tag_id) as b, count(*) as n, count(tag_id) as m from tag") == [
        {"a": 1, "b": 3699, "n": 2106, "m": 2103}
    ]
    kept = lake.select(
        """select record_count, contains_null, min_value, max_value
        from __ducklake_metadata_lake.ducklake_table_stats
        join __ducklake_metadata_lake.ducklake_table_column_stats using (table_id)
        join __ducklake_metadata_lake.ducklake_table using (table_id)
        where table_name = 'tag' and column_id = 1"""
    )
    assert kept == [{"record_count": 2106, "contains_null": True, "min_value": "1", "max_value": "3699"}]


def queries_of(lake: Lake, text: str) -> list[str]:
    """What DuckLake asks its catalog for one statement."""
    cursor = lake.cursor()
    cursor.execute("call enable_logging('QueryLog')")
    cursor.execute(text).fetchall()
    found = cursor.execute("select message from duckdb_logs where type = 'QueryLog'").fetchall()
    cursor.execute("call disable_logging()")
    return [message for (message,) in found]

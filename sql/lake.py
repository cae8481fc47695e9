"""
The lake: opened, read, and written under one lock.

DuckLake keeps its catalog in SQLite or PostgreSQL and its rows in Parquet. Writers wait for a lock of ours *before*
`BEGIN` (an `flock` beside a SQLite catalog, an advisory lock in PostgreSQL): without it four writers got "database is
locked" 20 to 50 times in 200 commits, with it never.
"""

from __future__ import annotations

import hashlib
import logging
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import duckdb
import pyarrow as pa

from sql import absent_pandas, catalogs, empty_tables
from sql import data_path as data_path_of

FOLDER = Path(__file__).parent
NEWEST_SNAPSHOT = "select max(snapshot_id) as newest from __ducklake_metadata_lake.ducklake_snapshot"
# Asked of the catalog itself: `duckdb_tables()` reads the statistics of every table, 0.2 s each time a lake is opened.
_MIGRATED = """select 1 from __ducklake_metadata_lake.ducklake_table
    where table_name = 'schema_migration' and end_snapshot is null"""
INLINE_ROWS = 500  # inserts up to this many rows go into the catalog, not into a Parquet file of their own
RETRY_SECONDS = (0.1, 0.5, 2.0, 5.0, 10.0)  # between the attempts of one transaction
CAUSE_CHARS = 300  # of an error in one line: DuckLake repeats whole statements in its own
PASSING = re.compile("Failed to commit|locked|busy|conflict|serialize|deadlock", re.IGNORECASE)
LASTING = re.compile(
    "disk is full|No space|quota|read-?only|permission|denied|server closed|connection|out of memory", re.IGNORECASE
)
COMMIT_MESSAGE = "call lake.set_commit_message('darkroom', ?, extra_info => ?)"
LANDED = "select 1 from __ducklake_metadata_lake.ducklake_snapshot_changes where commit_extra_info = ?"
LOG = logging.getLogger(__name__)
Row = dict[str, Any]
T = TypeVar("T")

# What identifies a row of each table that is written by replacement: writing the same key again replaces the row.
KEYS: dict[str, tuple[str, ...]] = {
    "fingerprint": ("asset_id",),
    "metadata": ("asset_id",),
    "date_candidate": ("asset_id",),
    "derivative": ("asset_id", "kind"),
    "failure": ("asset_id", "stage"),
    "directory": ("library_id", "rel_path"),
    "skipped_file": ("library_id", "rel_path"),
    "run": ("run_id", "flow"),
    "tag": ("tag_id",),
    "photo_tag": ("content_hash", "tag_id"),
    "favorite": ("content_hash", "account_id"),
    "photo_note": ("content_hash",),
    "face": ("face_id",),
    "face_embedding": ("face_id",),
    "face_scan": ("content_hash", "model_version"),
    "face_refusal": ("content_hash",),
    "person": ("person_id",),
    "face_cluster": ("cluster_id",),
    "face_rejection": ("face_id", "person_id"),
    "person_alias": ("name_key",),
    "face_number": ("kind",),
    "photo_place": ("content_hash", "latitude", "longitude"),
    "major_city": ("city_id",),
    "nominatim_answer": ("latitude", "longitude"),
    "nominatim_refusal": ("latitude", "longitude"),
    "perceptual_hash": ("content_hash",),
    "duplicate_decision": ("decision_id",),
    "hidden": ("asset_id",),
    "daily_summary": ("contact", "day"),
    "summary_embedding": ("summary_id", "embedding_model"),
    "insight_rating": ("insight_id",),
    "conversation_message": ("conversation_id", "position"),
    "entity": ("entity_id",),
    "entity_fact": ("fact_id",),
    "entity_photo": ("entity_id", "content_hash"),
}
WITH_RUN_ID = frozenset({"fingerprint", "metadata", "derivative", "failure", "photo_place", "perceptual_hash"})


class LakeError(Exception):
    """The catalog cannot be opened, read or written; the message says what to do."""


class LakeLocked(LakeError):
    """Another writer kept the lock for too long."""


@cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def utc_now() -> datetime:
    """Our own clock, as the lake stores it: UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


class Lake:
    """
    An open lake. Threads may share it: each call takes a cursor of its own.

    Args:
        catalog_url: `sqlite:///path` or `postgresql://…`.
        data_path: Where Parquet files go: a folder or an `s3://` prefix.
        lock_timeout_seconds: How long a writer waits for the others.
        memory_limit: DuckDB's, e.g. "1GB"; larger work spills to disk.
        threads: DuckDB's. A second one makes statements over few rows, which most are, take twice the CPU time; whoever
            reads all of a large library has it.
        snapshot: Open the lake as of this snapshot, read-only.
        confined: Statements can reach no file or address but the lake's own.
    Raises:
        LakeError: The catalog is corrupt, of a newer version, or out of reach.
    """

    def __init__(
        self,
        catalog_url: str,
        data_path: str,
        *,
        lock_timeout_seconds: float = 60,
        memory_limit: str = "1GB",
        threads: int = 1,
        snapshot: int | None = None,
        read_only: bool = False,
        confined: bool = False,
    ) -> None:
        try:
            self.catalog = catalogs.catalog_of(catalog_url, data_path)
        except ValueError as exc:
            raise LakeError(str(exc)) from exc
        absent_pandas.answer_at_once()
        self.lock_timeout_seconds = lock_timeout_seconds
        self._thread_lock = threading.RLock()
        self._newest: tuple[int | None, int] | None = None
        self._columns: dict[str, pa.Schema] = {}
        self._connection = duckdb.connect(
            config={
                "autoinstall_known_extensions": "false",
                "allow_unsigned_extensions": "true",  # until ours are loaded: see `load_extensions`
                "autoload_known_extensions": "false",
                "memory_limit": memory_limit,
                "threads": threads,
                "preserve_insertion_order": "false",
            }
        )
        try:
            self.catalog.attach(self._connection, inline_rows=INLINE_ROWS, snapshot=snapshot, read_only=read_only)
            self._accept_data_path(writable=snapshot is None and not read_only)
            if confined:
                catalogs.confine(self._connection, self.catalog)
        except (duckdb.Error, sqlite3.Error, OSError) as exc:
            self._connection.close()
            raise LakeError(_cannot_open(self.catalog.display_name, exc)) from exc

    def _accept_data_path(self, *, writable: bool) -> None:
        """A home that was moved is opened where it is now, and says so to whoever opens it next."""
        folder = catalogs.folder_url(self.catalog.data_path)
        if data_path_of.moved_from(self._connection, folder) is None or not writable:
            return
        with self.catalog.write_lock(self.lock_timeout_seconds) as got_lock:
            if got_lock:
                data_path_of.record(self._connection, folder)

    def close(self) -> None:
        self.catalog.close()
        self._connection.close()

    def __enter__(self) -> Lake:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of one's own to the same lake; close it after use."""
        cursor = self._connection.cursor()
        cursor.execute("use lake")
        return cursor

    def snapshot_id(self) -> int:
        """The newest snapshot. Costs a few microseconds while nobody writes, else one query of the catalog (6 ms)."""
        mark = self.catalog.change_mark()  # before the query: a commit in between is then seen by the next call
        known = self._newest
        if known is not None and mark is not None and known[0] == mark:
            return known[1]
        newest = int(self.select(NEWEST_SNAPSHOT)[0]["newest"])
        self._newest = (mark, newest)
        return newest

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        """All rows of `sql/<name>.sql`."""
        return self.select(statement(name), **parameters)

    def select(self, text: str, **parameters: Any) -> list[Row]:
        with self._reading() as cursor:
            result = _execute(cursor, text, parameters)
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def one(self, name: str, **parameters: Any) -> Row | None:
        """The first row of `sql/<name>.sql`, or None."""
        found = self.rows(name, **parameters)
        return found[0] if found else None

    def rows_using(self, name: str, tables: Mapping[str, pa.Table], **parameters: Any) -> list[Row]:
        """All rows of `sql/<name>.sql`, which sees *tables* under their names."""
        return list(self.table_using(name, tables, **parameters).to_pylist())

    def table_using(self, name: str, tables: Mapping[str, pa.Table], **parameters: Any) -> pa.Table:
        """The same as Arrow: a tenth of the memory where there are many."""
        with self._reading() as cursor:
            for alias, table in tables.items():
                cursor.register(alias, table)
            return _execute(cursor, statement(name), parameters).to_arrow_table()

    def count(self, name: str, **parameters: Any) -> int:
        """How many rows `sql/<name>.sql` has."""
        text = statement(name).rstrip().rstrip(";")
        return int(self.select(f"select count(*) as n from ({text}\n)", **parameters)[0]["n"])

    def table(self, name: str, **parameters: Any) -> pa.Table:
        """All rows of `sql/<name>.sql` as Arrow."""
        return self.arrow(statement(name), **parameters)

    def arrow(self, text: str, **parameters: Any) -> pa.Table:
        """All rows of a statement as Arrow."""
        with self._reading() as cursor:
            return _execute(cursor, text, parameters).to_arrow_table()

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self.cursor()
        try:
            yield cursor
        except duckdb.IOException as exc:
            raise LakeError(f"the lake {self.catalog.display_name} cannot be read: {_cause(exc)}") from exc
        finally:
            cursor.close()

    @contextmanager
    def write(self, message: str = "") -> Iterator[Writer]:
        """
        One transaction under the write lock: all of it is committed, or nothing.

        Args:
            message: Kept with the snapshot; `darkroom history` shows it.
        Raises:
            LakeLocked: Another writer kept the lock for longer than the timeout.
        """
        with self._thread_lock, self.catalog.write_lock(self.lock_timeout_seconds) as got_lock:
            if not got_lock:
                raise LakeLocked(
                    f"another process has been writing to {self.catalog.display_name} "
                    f"for {self.lock_timeout_seconds:.0f} s; try again when it is done"
                )
            cursor = self.cursor()
            try:
                writer = Writer(cursor, self._columns)
                yield writer
                writer.commit(message)
            except (duckdb.OperationalError, duckdb.InternalError) as exc:  # disk full, read-only, gone: not our SQL
                _roll_back(cursor)
                LOG.debug("%s cannot be written", self.catalog.display_name, exc_info=True)
                raise LakeError(
                    f"the lake {self.catalog.display_name} cannot be written ({_cause(exc)}); nothing of this "
                    "step was recorded: make room or make it writable, and run it again"
                ) from exc
            except BaseException:
                _roll_back(cursor)
                raise
            finally:
                cursor.close()

    def migrate(self) -> list[str]:
        """Bring the schema and the views up to date; returns what was applied. Safe to call from every process."""
        applied = []
        if not self._up_to_date():
            with self.write("schema") as writer:  # looked at again under the lock: another process may have been faster
                applied = writer.migrate()
        if self.select(empty_tables.WITHOUT_STATISTICS):
            self._give_statistics()
        return applied

    def _give_statistics(self) -> None:
        """A lake without them is whole, only slow: what stands in the way is no reason not to open it."""
        with self._thread_lock, self.catalog.write_lock(self.lock_timeout_seconds) as got_lock:
            cursor = self.cursor()
            try:
                if got_lock:
                    empty_tables.give_statistics(cursor)
            except duckdb.Error as exc:
                LOG.warning("empty tables have no statistics yet, so statements are slow: %s", _cause(exc))
            finally:
                cursor.close()

    def _up_to_date(self) -> bool:
        if not self.select(_MIGRATED):
            return False
        names = {row["name"] for row in self.select("select name from schema_migration")}
        _refuse_newer(names, self.catalog.display_name)
        return set(wanted_migrations()) <= names

    @contextmanager
    def exclusive(self, name: str) -> Iterator[bool]:
        """Whether this process alone holds *name* now; never waits. For work that two runs must not both do."""
        with self.catalog.named_lock(name) as got_it:
            yield got_it

    def maintain(self, keep_days: int) -> dict[str, int]:
        """
        Flush inlined rows, merge small files, expire snapshots older than *keep_days*, delete files nothing needs.

        Returns:
            How many snapshots were expired and files deleted.
        """
        self.flush()
        with self.write() as writer:
            writer.execute("call ducklake_merge_adjacent_files('lake')")
        with self.write() as writer:
            expired = writer.execute(
                f"call ducklake_expire_snapshots('lake', older_than => now() - interval {int(keep_days)} day)"
            )
        with self.write() as writer:
            cleaned = writer.execute(
                f"call ducklake_cleanup_old_files('lake', older_than => now() - interval {int(keep_days)} day)"
            )
            orphans = writer.execute(
                "call ducklake_delete_orphaned_files('lake', older_than => now() - interval 1 day)"
            )
        return {"snapshots_expired": len(expired), "files_deleted": len(cleaned) + len(orphans)}

    def flush(self) -> None:
        """Move inlined rows into Parquet files, so that reads stay quick."""
        with self.write() as writer:
            writer.execute("call ducklake_flush_inlined_data('lake')")


class Writer:
    """
    What can be done inside one write transaction.

    A transaction that fails for a passing reason (the catalog is locked for a moment, DuckLake sees a conflict) is done
    again from its first statement: what was answered until then stays true, since the write lock keeps others out.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, columns: dict[str, pa.Schema] | None = None) -> None:
        self._cursor = cursor
        self._columns = {} if columns is None else columns  # of tables by name: asking costs as much as a small write
        self._mark = uuid4().hex  # says afterwards whether this transaction is in the lake
        self._done: list[Callable[[], object]] = []
        self._do(lambda: cursor.execute("begin"))

    def _do(self, step: Callable[[], T]) -> T | None:
        """What *step* answers; all steps before it are done again first where it failed for a passing reason."""
        before: list[Callable[[], object]] = []
        for pause in (*RETRY_SECONDS, None):
            try:
                for each in before:
                    each()
                answer = step()
            except duckdb.Error as exc:
                if pause is None or not _is_passing(exc):
                    raise
                LOG.warning("a transaction failed and is tried again in %.1f s: %s", pause, _cause(exc))
                _roll_back(self._cursor)
                time.sleep(pause)
                if self._has_landed():
                    return None
                before = self._done
            else:
                break
        self._done.append(step)
        return answer

    def _has_landed(self) -> bool:
        """Whether the commit that failed was made all the same: what failed came after it."""
        return bool(self._cursor.execute(LANDED, [self._mark]).fetchall())

    def commit(self, message: str) -> None:
        """Raises duckdb.Error where nothing was kept."""
        words = [message or None, self._mark]
        self._do(lambda: self._cursor.execute(COMMIT_MESSAGE, words))
        self._do(lambda: self._cursor.execute("commit"))

    def execute(self, text: str, **parameters: Any) -> list[Row]:
        return self._do(lambda: self._fetch(text, parameters)) or []

    def _fetch(self, text: str, parameters: Mapping[str, Any]) -> list[Row]:
        result = _execute(self._cursor, text, parameters)
        if not result.description:
            return []
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def run(self, name: str, **parameters: Any) -> list[Row]:
        """Execute `sql/<name>.sql`."""
        return self.execute(statement(name), **parameters)

    @contextmanager
    def using(self, name: str, table: pa.Table) -> Iterator[None]:
        """Let statements see *table* under *name*."""
        self._do(lambda: self._cursor.register(name, table))
        try:
            yield
        finally:
            self._do(lambda: self._cursor.unregister(name))

    def append(self, table: str, rows: Sequence[Mapping[str, Any]] | pa.Table) -> None:
        """Insert *rows* by column name. Columns left out are null."""
        arrow = self._arrow(table, rows)
        if arrow.num_rows:
            with self.using("incoming", arrow):
                self.execute(f"insert into {table} by name select * from incoming")

    def replace(self, table: str, rows: Sequence[Mapping[str, Any]] | pa.Table) -> None:
        """Insert *rows*; what was there under the same key (KEYS) goes."""
        arrow = self._arrow(table, rows)
        if arrow.num_rows:
            self.delete(table, arrow)
            self.append(table, arrow)

    def delete(self, table: str, rows: Sequence[Mapping[str, Any]] | pa.Table) -> None:
        """Delete what has the keys of *rows*; deletes nothing (and writes nothing) where there is none."""
        keys = KEYS[table]
        arrow = self._arrow(table, rows)
        if not arrow.num_rows:
            return
        matches = " and ".join(_same(table, key, arrow.column(key)) for key in keys)
        with self.using("incoming", arrow.select(list(keys))):
            if self.execute(f"select 1 from {table} semi join incoming on {matches} limit 1"):
                self.execute(f"delete from {table} using incoming where {matches}")

    def record(self, rows: Mapping[str, Sequence[Row]], cleared: Sequence[Row], run_id: str) -> None:
        """
        What a batch of files came to: rows replace what was known, a failure counts on, a success ends its failure.

        Args:
            rows: By table.
            cleared: Keys of failures (asset_id, stage) that are over.
            run_id: Written with every row of a table that has the column.
        """
        for table, found in rows.items():
            stamped = [{**row, "run_id": run_id} for row in found] if table in WITH_RUN_ID else found
            if table == "failure":
                known = self._failed_before([row["asset_id"] for row in stamped])
                stamped = [{**row, "attempts": known.get((row["asset_id"], row["stage"]), 0) + 1} for row in stamped]
            self.replace(table, stamped)
        self.delete("failure", cleared)

    def _failed_before(self, asset_ids: Sequence[int]) -> dict[tuple[int, str], int]:
        """How often each of these assets failed at each stage."""
        with self.using("failing", pa.table({"asset_id": pa.array(asset_ids, pa.int64())})):
            rows = self.run("backlog/failed_before")
        return {(row["asset_id"], row["stage"]): row["attempts"] or 0 for row in rows}

    def next_id(self, table: str, column: str) -> int:
        """One more than the largest there is; unique, because writers are serialised."""
        return int(self.execute(f"select coalesce(max({column}), 0) + 1 as next from {table}")[0]["next"])

    def migrate(self) -> list[str]:
        self.execute("create table if not exists schema_migration (name varchar, applied_at timestamp)")
        done = {row["name"] for row in self.execute("select name from schema_migration")}
        applied = []
        for name, text in wanted_migrations().items():
            if name in done:
                continue
            self.execute(text)
            if name.startswith("views:"):
                self.execute("delete from schema_migration where name like 'views:%'")
                self.execute("delete from view_column")
                self.append("view_column", view_columns())
            self.append("schema_migration", [{"name": name, "applied_at": utc_now()}])
            applied.append(name)
            self._columns.clear()
        return applied

    def _arrow(self, table: str, rows: Sequence[Mapping[str, Any]] | pa.Table) -> pa.Table:
        if isinstance(rows, pa.Table):
            return rows
        if not rows:
            return pa.table({})
        if table not in self._columns:
            self._columns[table] = self._cursor.execute(f"select * from {table} limit 0").to_arrow_table().schema
        types = self._columns[table]
        given = {name for row in rows for name in row}
        if unknown := given - set(types.names):
            raise ValueError(f"{table} has no column {', '.join(sorted(unknown))}")
        return pa.Table.from_pylist(list(rows), schema=pa.schema([field for field in types if field.name in given]))


def _same(table: str, key: str, values: pa.ChunkedArray) -> str:
    """
    The condition that a row has one of these keys: an equality, by which DuckLake leaves out the files whose bounds say
    that none of them is in it. Where nulls are to match nulls it reads every file of the table.
    """
    return f"{table}.{key} {'is not distinct from' if values.null_count else '='} incoming.{key}"


def wanted_migrations() -> dict[str, str]:
    """Name to SQL: the numbered files in order, then the views under a name that changes when any of them does."""
    migrations = {path.stem: path.read_text(encoding="utf-8") for path in sorted((FOLDER / "schema").glob("*.sql"))}
    views = "".join(path.read_text(encoding="utf-8") for path in sorted((FOLDER / "views").glob("*.sql")))
    migrations[f"views:{hashlib.sha256(views.encode()).hexdigest()[:16]}"] = views
    return migrations


def view_columns() -> list[Row]:
    """The documentation of the public views: every select column is followed by its comment."""
    rows: list[Row] = []
    for path in sorted((FOLDER / "views").glob("v_*.sql")):
        body = path.read_text(encoding="utf-8").split("\nselect\n", 1)[1].split("\nfrom ", 1)[0]
        for position, line in enumerate((line for line in body.splitlines() if line.strip()), start=1):
            code, _, comment = line.partition("  --")
            column = re.findall(r"\w+", code)[-1]
            rows.append(
                {"view_name": path.stem, "column_name": column, "position": position, "comment": comment.strip()}
            )
    return rows


def _refuse_newer(applied: set[str], display_name: str) -> None:
    numbered = {name for name in applied if not name.startswith("views:")}
    if unknown := numbered - set(wanted_migrations()):
        raise LakeError(
            f"the lake {display_name} was written by a newer Darkroom (it has {max(unknown)}); upgrade this one"
        )


def _execute(cursor: duckdb.DuckDBPyConnection, text: str, parameters: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
    return cursor.execute(text, dict(parameters)) if parameters else cursor.execute(text)


def _roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    try:
        cursor.execute("rollback")
    except duckdb.Error:  # the failure that brought us here has ended the transaction already
        return


def _is_passing(exc: duckdb.Error) -> bool:
    """Whether the same transaction may succeed in a moment. DuckDB has one class for whatever fails at a commit."""
    text = str(exc)
    return bool(PASSING.search(text)) and not LASTING.search(text)


def _cause(exc: BaseException) -> str:
    """The error in one line: DuckLake says what it did first, the catalog's own words come last."""
    line = " ".join(catalogs.without_password(str(exc)).split()) or type(exc).__name__
    half = CAUSE_CHARS // 2
    return line if len(line) <= CAUSE_CHARS else f"{line[:half]} … {line[-half:]}"


def _cannot_open(display_name: str, exc: BaseException) -> str:
    text = str(exc)
    if "not a database" in text or "malformed" in text or "corrupt" in text.lower():
        return f"the catalog {display_name} is damaged ({_cause(exc)}); put a backup of it in its place"
    if "locked" in text:
        return f"the catalog {display_name} is locked by another program; close it and try again"
    return f"the catalog {display_name} cannot be opened: {_cause(exc)}"

"""From the lake into a copy: all of it, or what changed since."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa

from serving.replica.annotations import refresh_annotations, said_of_all
from serving.replica.change_feed import changed_tables
from serving.replica.snapshot import ReplicaSnapshot
from sql.lake import Lake, statement

SLICE_IDS = 250_000  # assets joined at a time: bounds the memory of a load
PER_ASSET = ("asset", "fingerprint", "metadata", "derivative", "failure", "hidden")
PER_CONTENT = ("photo_place",)  # its rows belong to every asset with these bytes
COPIED_WHOLE = {  # small tables, and the queries that read them
    "library": "replica/libraries",
    "failure": "replica/failures",
    "account": "auth/accounts",
    "api_key": "auth/api_keys",
    "revoked_token": "auth/revoked_tokens",
}
# Table: the column whose values tell which rows changed; what is copied of it: sql/serving/replica/copied/.
COPIED_BY_KEY: dict[str, str] = {
    "tag": "tag_id",
    "photo_tag": "content_hash",
    "favorite": "content_hash",
    "photo_note": "content_hash",
    "face": "content_hash",
    "face_scan": "content_hash",
    "person": "person_id",
    "face_cluster": "cluster_id",
    "face_rejection": "face_id",
}
OWN_TABLES = frozenset({*PER_ASSET, *PER_CONTENT, *COPIED_WHOLE, *COPIED_BY_KEY})
_SNAPSHOT = "select id from lake.current_snapshot()"


@dataclass(frozen=True, slots=True)
class Changes:
    """
    What differs between a copy and the lake.

    Args:
        snapshot_id: Of the lake.
        asset_ids: One column, `asset_id`: assets with a changed row in any table.
        per_asset: Their present rows, for `timeline` and `derivative`.
        whole: Small tables that changed, complete.
        by_key: Of tables in COPIED_BY_KEY: the keys (one column) that changed, and their present rows.
    """

    snapshot_id: int
    asset_ids: pa.Table
    per_asset: dict[str, pa.Table]
    whole: dict[str, pa.Table]
    by_key: dict[str, tuple[pa.Table, pa.Table]]


@contextmanager
def _one_state(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor whose statements all see the same snapshot of the lake."""
    cursor = lake.cursor()
    try:
        cursor.execute("begin transaction")
        yield cursor
    finally:
        cursor.close()


def load_snapshot(lake: Lake) -> ReplicaSnapshot:
    """A new copy of everything."""
    connection = duckdb.connect(config={"threads": 2, "autoinstall_known_extensions": "false"})
    with _one_state(lake) as source:
        snapshot_id = source.execute(_SNAPSHOT).fetchall()[0][0]
        _stage_timeline(source, connection)
        _create(connection, "derivative", _read(source, "replica/other_derivatives"))
        for table, query in COPIED_WHOLE.items():
            _create(connection, table, _read(source, query))
        for table in COPIED_BY_KEY:
            _create(connection, table, _read(source, f"replica/copied/{table}"))
    pairs = statement("serving/replica/live_pairs").format(source="staged")
    paired = statement("serving/replica/timeline_paired").format(pairs=pairs, said=said_of_all())
    connection.execute(f"create table timeline as {paired}")
    connection.execute("create index timeline_asset_id on timeline(asset_id)")  # 0.6 s and 36 MB for a million
    connection.execute("drop table staged")
    connection.execute(f"create table tag_set as {statement('serving/replica/tag_sets')}")
    connection.execute(f"create table folder as {statement('serving/replica/folders')}")
    connection.execute("set threads = 1")  # requests run beside each other; splitting a 3 ms query only adds waiting
    return _summarised(ReplicaSnapshot(connection, snapshot_id))


def _stage_timeline(source: duckdb.DuckDBPyConnection, connection: duckdb.DuckDBPyConnection) -> None:
    first, last = _read(source, "replica/asset_id_range").to_pylist()[0].values()
    for start in range(first, max(last, first) + 1, SLICE_IDS):
        rows = source.execute(
            statement("serving/replica/timeline"), {"first_id": start, "last_id": start + SLICE_IDS - 1}
        ).to_arrow_table()
        connection.register("incoming", rows)
        connection.execute(
            "create table if not exists staged as select *, hash(path) as path_key from incoming limit 0"
        )
        connection.execute("insert into staged select *, hash(path) as path_key from incoming")
        connection.unregister("incoming")


def _create(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    connection.register("incoming", rows)
    connection.execute(f"create table {table} as from incoming")
    connection.unregister("incoming")


def _summarised(copy: ReplicaSnapshot) -> ReplicaSnapshot:
    """With what is small and asked for on every page as Python values."""
    months = copy.rows("listing/months")
    return replace(
        copy,
        months=months,
        photos=sum(row["photos"] for row in months),
        accounts={row["name"]: row for row in copy.rows("auth/accounts")},
        api_keys={row["prefix"]: row for row in copy.rows("auth/api_keys")},
        revoked_tokens=frozenset(row["token_id"] for row in copy.rows("auth/revoked_tokens")),
        libraries=copy.rows("replica/libraries"),
    )


def changes_since(lake: Lake, known: int, allowed_assets: float) -> Changes | None:
    """
    What was committed after snapshot *known*, as the lake's own change feed tells it.

    Returns:
        None when that cannot be said (expired snapshots, another schema), or is more than *allowed_assets*.
    """
    with _one_state(lake) as source:
        feed = changed_tables(source, known, OWN_TABLES)
        if feed is None or feed.last == known:
            return None
        changed, span = feed.names, (feed.first, feed.last)
        ids = _changed_ids(source, changed.intersection((*PER_ASSET, *PER_CONTENT)), *span)
        if ids.num_rows > allowed_assets:
            return None
        whole = {table: _read(source, COPIED_WHOLE[table]) for table in changed.intersection(COPIED_WHOLE)}
        by_key = {table: _rows_by_key(source, table, *span) for table in changed.intersection(COPIED_BY_KEY)}
        if sum(keys.num_rows for keys, _ in by_key.values()) > allowed_assets:
            return None
        return Changes(feed.last, ids, _rows_of(source, ids), whole, by_key)


def _changed_ids(source: duckdb.DuckDBPyConnection, tables: Collection[str], first: int, last: int) -> pa.Table:
    feeds = [_feed(table, first, last) for table in sorted(tables)]
    if not feeds:
        return pa.table({"asset_id": pa.array([], pa.int64())})
    ids = source.execute(f"select distinct asset_id from ({' union all '.join(feeds)})").to_arrow_table()
    source.register("changed", ids)  # a duplicate is shown again when the copy that was kept instead of it is gone
    return source.execute(statement("serving/replica/with_hidden_copies")).to_arrow_table()


def _feed(table: str, first: int, last: int) -> str:
    """A query for the assets that have a changed row in *table*."""
    changes = f"lake.table_changes('{table}', {first}, {last})"
    if table in PER_CONTENT:
        return f"select asset_id from fingerprint where content_hash in (select content_hash from {changes})"
    return f"select asset_id from {changes}"


def _rows_by_key(source: duckdb.DuckDBPyConnection, table: str, first: int, last: int) -> tuple[pa.Table, pa.Table]:
    """The keys of *table* that changed, and all its present rows of these keys."""
    key = COPIED_BY_KEY[table]
    feed = f"select distinct {key} from lake.table_changes('{table}', {first}, {last})"
    keys = source.execute(feed).to_arrow_table()
    source.register("changed_keys", keys)
    query = statement(f"serving/replica/copied/{table}").strip().rstrip(";")
    rows = source.execute(f"from ({query}) semi join changed_keys using ({key})").to_arrow_table()
    source.unregister("changed_keys")
    return keys, rows


def _rows_of(source: duckdb.DuckDBPyConnection, ids: pa.Table) -> dict[str, pa.Table]:
    if not ids.num_rows:
        return {}
    source.register("changed", ids)
    first, last = source.execute("select min(asset_id), max(asset_id) from changed").fetchall()[0]
    timeline = f"from ({statement('serving/replica/timeline')}) semi join changed using (asset_id)"
    others = statement("serving/replica/other_derivatives").strip().rstrip(";")
    derivative = f"from ({others}) semi join changed using (asset_id)"
    rows = {
        "timeline": source.execute(timeline, {"first_id": first, "last_id": last}).to_arrow_table(),
        "derivative": source.execute(derivative).to_arrow_table(),
    }
    source.unregister("changed")
    return rows


def apply_changes(copy: ReplicaSnapshot, changes: Changes) -> ReplicaSnapshot:
    """
    The copy as of *changes*, in one transaction on its tables.

    Raises:
        duckdb.Error: Nothing was applied.
    """
    writer = copy.connection.cursor()
    try:
        writer.execute("begin transaction")
        writer.register("changed", changes.asset_ids)
        live_keys = _live_keys(writer, changes)
        for table, rows in changes.per_asset.items():
            writer.execute(f"delete from {table} using changed where {table}.asset_id = changed.asset_id")
            _insert(writer, table, rows)
        _pair_again(writer, live_keys)
        for table, rows in changes.whole.items():
            writer.execute(f"delete from {table}")
            _insert(writer, table, rows)
        if "library" in changes.whole:  # the timeline carries its name
            writer.execute(statement("serving/replica/library_names"))
            writer.execute("delete from timeline where library_id not in (select library_id from library)")
        for table, (keys, rows) in changes.by_key.items():
            key = COPIED_BY_KEY[table]
            writer.register("changed_keys", keys)
            writer.execute(f"delete from {table} using changed_keys where {table}.{key} = changed_keys.{key}")
            writer.unregister("changed_keys")
            _insert(writer, table, rows)
        changed = {table: keys for table, (keys, _) in changes.by_key.items()}
        said = refresh_annotations(writer, changed, changes.per_asset.get("timeline"))
        if changes.per_asset:
            writer.execute("delete from folder")
            writer.execute(f"insert into folder {statement('serving/replica/folders')}")
        writer.execute("commit")
    finally:
        writer.close()
    disorder = copy.disorder + changes.asset_ids.num_rows + said
    return _summarised(replace(copy, snapshot_id=changes.snapshot_id, disorder=disorder))


def _live_keys(writer: duckdb.DuckDBPyConnection, changes: Changes) -> pa.Table:
    """Live Photos that a changed asset belonged to until now or belongs to from now on; one column, `live_key`."""
    if not changes.per_asset:
        return pa.table({"live_key": pa.array([], pa.uint64())})
    writer.register("incoming", changes.per_asset["timeline"])
    before = "select live_key from timeline semi join changed using (asset_id)"
    keys = writer.execute(f"from ({before} union select live_key from incoming) where live_key is not null")
    found = keys.to_arrow_table()
    writer.unregister("incoming")
    return found


def _pair_again(writer: duckdb.DuckDBPyConnection, live_keys: pa.Table) -> None:
    if not live_keys.num_rows:
        return
    writer.register("touched", live_keys)
    pairs = statement("serving/replica/live_pairs").format(source="(from timeline semi join touched using (live_key))")
    writer.execute(statement("serving/replica/pair_again").format(pairs=pairs))
    writer.unregister("touched")


def _insert(writer: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    writer.register("incoming", rows)
    keys = ", hash(path) as path_key, 0 as tag_key" if table == "timeline" else ""  # no tags yet: refresh_annotations
    writer.execute(f"insert into {table} by name select *{keys} from incoming")
    writer.unregister("incoming")


def _read(source: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    return source.execute(statement(f"serving/{query}")).to_arrow_table()

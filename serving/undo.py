"""Take back one edit: every row it wrote is again what it was before, unless somebody has edited it since."""

from __future__ import annotations

from serving.changes import UNDOABLE, Edit, Known, NoLongerKept, as_edit
from sql.lake import KEYS, Lake, Row, Writer
from tasks.errors import Conflict, NotFound

_BEFORE = "change_type in ('delete', 'update_preimage')"


class CannotUndo(Conflict):
    """The commit is no edit of a person, or what it wrote has been edited since; the message says which."""


def undo(lake: Lake, snapshot_id: int, who: str) -> Row:
    """
    Undo the edit that made a snapshot. That is an edit itself, and can be undone.

    Returns:
        snapshot_id of the undo, `undone`, `what` was undone, and how many `rows` it wrote.
    Raises:
        NotFound: There is no such snapshot. NoLongerKept: There was. CannotUndo.
    """
    edit = _edit_at(lake, snapshot_id)
    message = f"{who}: undid {snapshot_id} ({edit.what})"
    with lake.write(message) as writer:
        newest = writer.execute("select max(snapshot_id) as newest from ducklake_snapshots('lake')")[0]["newest"]
        rows = 0
        for table in sorted(edit.tables):
            _refuse_if_edited_since(writer, table, snapshot_id, newest)
            rows += _put_back(writer, table, snapshot_id)
        for check in sorted({check for table in edit.tables for check in UNDOABLE[table]}):
            if writer.run(f"checks/{check}"):
                raise CannotUndo(
                    f"snapshot {snapshot_id} cannot be undone: what was edited since relies on it ({check})"
                )
    made = lake.one("serving/snapshot_called", message=message)
    return {
        "snapshot_id": made["snapshot_id"] if made else newest,
        "undone": snapshot_id,
        "what": edit.what,
        "rows": rows,
    }


def _edit_at(lake: Lake, snapshot_id: int) -> Edit:
    commits = {row["snapshot_id"]: row for row in lake.rows("serving/commits", after=-1)}
    if snapshot_id not in commits:
        if snapshot_id < min(commits):
            raise NoLongerKept(f"snapshot {snapshot_id} is no longer kept, so it cannot be undone any more")
        raise NotFound(f"there is no snapshot {snapshot_id}")
    edit = as_edit(commits[snapshot_id], Known.of(lake))
    if edit is None:
        said = commits[snapshot_id]["message"] or "the program's own housekeeping"
        raise CannotUndo(f"snapshot {snapshot_id} is no edit that can be undone: {said}")
    return edit


def _feed(table: str, first: int, last: int) -> str:
    return f"lake.table_changes('{table}', {int(first)}, {int(last)})"


def _refuse_if_edited_since(writer: Writer, table: str, snapshot_id: int, newest: int) -> None:
    if newest <= snapshot_id:
        return
    keys = ", ".join(KEYS[table])
    later = writer.execute(
        f"select min(later.snapshot_id) as snapshot_id from {_feed(table, snapshot_id + 1, newest)} as later "
        f"semi join (select {keys} from {_feed(table, snapshot_id, snapshot_id)}) as undone using ({keys})"
    )[0]["snapshot_id"]
    if later is not None:
        raise CannotUndo(
            f"snapshot {snapshot_id} cannot be undone: what it changed was edited again in snapshot {later}; "
            "undo that first"
        )


def _put_back(writer: Writer, table: str, snapshot_id: int) -> int:
    """How many rows were written or taken away."""
    feed, keys = _feed(table, snapshot_id, snapshot_id), ", ".join(KEYS[table])
    matches = " and ".join(f"{table}.{key} is not distinct from undone.{key}" for key in KEYS[table])
    count = writer.execute(f"select count(*) as n from (select distinct {keys} from {feed})")[0]["n"]
    writer.execute(f"delete from {table} using (select distinct {keys} from {feed}) as undone where {matches}")
    writer.execute(
        f"insert into {table} by name select * exclude (snapshot_id, rowid, change_type) from {feed} where {_BEFORE}"
    )
    return int(count)

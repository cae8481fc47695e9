"""
Take back one edit: what it changed is again what it was before, unless a person has edited it since.

What drains wrote in the meantime stays: grouping faces anew, or a newer model, does not stand in the way of an undo.
"""

from __future__ import annotations

from serving.edits.changes import COMMAND_LINE, UNDOABLE, Edit, Known, NoLongerKept, as_edit, who_of
from sql.lake import KEYS, Lake, Row, Writer
from tasks.errors import Conflict, NotFound

_BEFORE = "change_type in ('delete', 'update_preimage')"
_DETECTED = frozenset({"face", "face_embedding"})  # tables whose rows drains take away and find anew
_AFTER = "change_type in ('insert', 'update_postimage')"


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
    known = Known.of(lake)
    edit = _edit_at(lake, snapshot_id, known)
    if edit.tables == {"favorite"} and who not in (edit.who, COMMAND_LINE):
        raise CannotUndo(f"snapshot {snapshot_id} is about the favourites of {edit.who}, who alone can undo it")
    message = f"{who}: undid {snapshot_id} ({edit.what})"
    with lake.write(message) as writer:
        newest = writer.execute("select max(snapshot_id) as newest from ducklake_snapshots('lake')")[0]["newest"]
        rows = 0
        for table in sorted(edit.tables):
            _refuse_if_edited_since(writer, table, snapshot_id, newest, known)
            rows += _put_back(writer, table, snapshot_id)
        for check in sorted({check for table in edit.tables for check in UNDOABLE[table]}):
            if writer.run(f"checks/{check}"):
                raise CannotUndo(
                    f"snapshot {snapshot_id} cannot be undone: what was edited since relies on it ({check})"
                )
    made = lake.one("serving/edits/snapshot_called", message=message)
    return {
        "snapshot_id": made["snapshot_id"] if made else newest,
        "undone": snapshot_id,
        "what": edit.what,
        "rows": rows,
    }


def _edit_at(lake: Lake, snapshot_id: int, known: Known) -> Edit:
    commit = lake.one("serving/edits/commit", snapshot_id=snapshot_id)
    if commit is None:
        if snapshot_id < lake.rows("cli/snapshot_range")[0]["oldest"]:
            raise NoLongerKept(f"snapshot {snapshot_id} is no longer kept, so it cannot be undone any more")
        raise NotFound(f"there is no snapshot {snapshot_id}")
    edit = as_edit(commit, known)
    if edit is None:
        said = commit["message"] or "the program's own housekeeping"
        raise CannotUndo(f"snapshot {snapshot_id} is no edit that can be undone: {said}")
    return edit


def _feed(table: str, first: int, last: int) -> str:
    return f"lake.table_changes('{table}', {int(first)}, {int(last)})"


def _refuse_if_edited_since(writer: Writer, table: str, snapshot_id: int, newest: int, known: Known) -> None:
    if newest <= snapshot_id:
        return
    keys = ", ".join(KEYS[table])
    later = writer.execute(
        f"select distinct later.snapshot_id from {_feed(table, snapshot_id + 1, newest)} as later "
        f"semi join (select {keys} from {_feed(table, snapshot_id, snapshot_id)}) as undone using ({keys}) "
        "order by snapshot_id"
    )
    for row in later:
        commit = writer.run("serving/edits/commit", snapshot_id=row["snapshot_id"])[0]
        if who_of(commit, known) is not None:
            raise CannotUndo(
                f"snapshot {snapshot_id} cannot be undone: what it changed was edited again in snapshot "
                f"{row['snapshot_id']}; undo that first"
            )


def _put_back(writer: Writer, table: str, snapshot_id: int) -> int:
    """
    How many rows were written or taken away.

    Of a row that the edit changed, only the columns it changed are put back: the others are as they are now. A face
    that a drain has taken away since (its region has left the file, say) stays away.

    Raises:
        CannotUndo: A row that it changed is gone, or all of its faces are.
    """
    feed, keys = _feed(table, snapshot_id, snapshot_id), ", ".join(KEYS[table])
    on = " and ".join(f"{{0}}.{key} is not distinct from {{1}}.{key}" for key in KEYS[table])
    columns = [row["column_name"] for row in writer.execute(f"describe {table}")]
    kept = ", ".join(
        f"case when after.{key} is null or before.{name} is distinct from after.{name} "
        f"then before.{name} else present.{name} end as {name}"
        for name, key in ((name, KEYS[table][0]) for name in columns)
    )
    writer.execute(
        f"create or replace temp table put_back as select {kept}, "
        f"(after.{KEYS[table][0]} is not null and present.{KEYS[table][0]} is null) as gone "
        f"from (select * from {feed} where {_BEFORE}) as before "
        f"left join (select * from {feed} where {_AFTER}) as after on {on.format('before', 'after')} "
        f"left join {table} as present on {on.format('before', 'present')}"
    )
    found = writer.execute("select count(*) as n, count(*) filter (gone) as gone from put_back")[0]
    if found["gone"] and (table not in _DETECTED or found["gone"] == found["n"]):
        raise CannotUndo(f"snapshot {snapshot_id} cannot be undone: a {table.replace('_', ' ')} it changed is gone")
    count = writer.execute(f"select count(*) as n from (select distinct {keys} from {feed})")[0]["n"]
    writer.execute(
        f"delete from {table} using (select distinct {keys} from {feed}) as undone where {on.format(table, 'undone')}"
    )
    writer.execute(f"insert into {table} by name select * exclude (gone) from put_back where not gone")
    writer.execute("drop table put_back")
    return int(count) - int(found["gone"])

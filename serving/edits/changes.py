"""
What people changed, as the lake's own history tells it: one commit is one edit.

Commits of scans and drains are no edits. The history reaches back `LAKE_KEEP_DAYS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sql.lake import Lake, Row, statement
from tasks.errors import InvalidQuery, RefusedError

# Tables that people write, and the checks (sql/checks/) that undoing one of their commits must not break. What
# identifies a row is in sql/lake.py, KEYS. A commit that wrote any other table is no edit and cannot be undone; nor is
# one that no account made: drains write faces, too.
UNDOABLE: dict[str, tuple[str, ...]] = {
    "tag": ("unique_tag", "unique_tag_name", "orphan_photo_tag"),
    "photo_tag": ("unique_photo_tag", "orphan_photo_tag"),
    "favorite": ("unique_favorite",),
    "photo_note": ("unique_photo_note",),
    "face": ("unique_face", "orphan_face_person"),
    "face_embedding": ("unique_face_embedding", "orphan_face_embedding"),
    "person": ("unique_person", "unique_person_name", "orphan_face_person"),
    "person_alias": ("unique_person_alias", "orphan_person_alias"),
    "face_cluster": ("unique_face_cluster",),
    "face_rejection": (),
    "hidden": ("unique_hidden",),
    "duplicate_decision": ("unique_duplicate_decision",),
}
BOOKKEEPING = frozenset({"tag_number", "face_number"})  # numbers that were given: undoing gives none back
NAMED = {"tag": "tag_id", "person": "person_id"}  # tables whose rows have names, and what names them elsewhere
_ROWS_CHANGED = {"tables_inserted_into", "tables_deleted_from", "inlined_insert", "inlined_delete"}
COMMAND_LINE = "command line"  # who `darkroom undo` is
_LISTED = ("content_hash", "asset_id", "tag_id", "person_id")
MOST_LISTED = 100
_READ_AT_ONCE = 500  # commits


class NoLongerKept(RefusedError):
    """The history does not reach back that far."""

    status_code = 410


@dataclass
class Edit:
    """
    One commit of one person.

    Args:
        tables: Which it wrote.
        rows: How many rows it added, changed or took away.
        listed: By column (`content_hash`, `asset_id`, `tag_id`, `person_id`): the first hundred values in its rows.
    """

    snapshot_id: int
    written_at: datetime
    message: str
    tables: frozenset[str]
    rows: int = 0
    listed: dict[str, list[str | int]] = field(default_factory=dict)

    def as_row(self) -> Row:
        return {
            "snapshot_id": self.snapshot_id,
            "written_at": self.written_at,
            "who": self.who,
            "what": self.what,
            "kinds": sorted(self.tables),
            "rows": self.rows,
        }

    @property
    def who(self) -> str | None:
        who, said, _ = self.message.partition(": ")
        return who if said else None

    @property
    def what(self) -> str:
        who, said, what = self.message.partition(": ")
        return what if said else who


@dataclass(frozen=True)
class History:
    """
    Args:
        edits: Newest first.
        names: By column (`tag_id`, `person_id`) and number: what it was called when it was edited.
        newest: The newest snapshot there is, of whatever kind.
        has_more: There are older ones that were asked for.
    """

    edits: list[Edit]
    names: dict[str, dict[int, str]]
    newest: int
    has_more: bool


def read_history(lake: Lake, since: str | None, limit: int) -> History:
    """
    Args:
        since: A snapshot, itself not included, or a time (ISO; UTC where it names no zone); None: all that is kept.
    Raises:
        InvalidQuery: Neither, or a snapshot that is still to come. NoLongerKept.
    """
    known = Known.of(lake)
    reach = lake.rows("cli/snapshot_range")[0]
    after, before = _after(lake, since, reach["oldest"], reach["newest"]), reach["newest"] + 1
    edits: list[Edit] = []
    while len(edits) <= limit:
        commits = lake.rows(
            "serving/edits/commits", after=after, before=before, people=sorted(known.people), row_limit=_READ_AT_ONCE
        )
        edits += [edit for commit in commits if (edit := as_edit(commit, known))]
        if len(commits) < _READ_AT_ONCE:
            break
        before = commits[-1]["snapshot_id"]
    shown = edits[:limit]
    return History(shown, _describe(lake, shown), reach["newest"], len(edits) > limit)


@dataclass(frozen=True)
class Known:
    """
    Args:
        tables: Their names, by the numbers that commits know them by.
        people: Whose commits are edits: all accounts there ever were, and the command line.
    """

    tables: Mapping[str, str]
    people: frozenset[str]

    @classmethod
    def of(cls, lake: Lake) -> Known:
        tables = {row["table_id"]: row["table_name"] for row in lake.rows("serving/replica/table_ids")}
        return cls(tables, frozenset({COMMAND_LINE, *(row["name"] for row in lake.select("select name from account"))}))


def who_of(commit: Row, known: Known) -> str | None:
    """The person whose commit it is; None for the program's own: faces named by tags, and grouped."""
    who, said, _ = str(commit["message"] or "").partition(": ")
    return who if said and who in known.people else None


def as_edit(commit: Row, known: Known) -> Edit | None:
    """None for a commit that is no edit of a person."""
    changes: Mapping[str, Sequence[str]] = commit["changes"]
    tables = frozenset(known.tables.get(table, "?") for written in changes.values() for table in written) - BOOKKEEPING
    if who_of(commit, known) is None:
        return None
    if not tables or not changes.keys() <= _ROWS_CHANGED or not tables <= UNDOABLE.keys():
        return None
    return Edit(commit["snapshot_id"], commit["written_at"], commit["message"], tables)


def _after(lake: Lake, since: str | None, oldest: int, newest: int) -> int:
    """The snapshot that what was asked for comes after."""
    if not since:
        return -1
    if since.isascii() and since.isdigit() and len(since) <= 18:
        number = int(since)
        if number > newest:
            raise InvalidQuery(f"there is no snapshot {number} yet: the newest is {newest}")
    else:
        found = lake.rows("cli/snapshot_at", moment=_parsed_time(since))[0]["snapshot_id"]
        number = -1 if found is None else int(found)
    if number < oldest - 1:
        raise NoLongerKept(f"what was changed before snapshot {oldest} is no longer kept")
    return number


def _parsed_time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError) as exc:  # the year 0 in another zone
        raise InvalidQuery(
            f"since is a snapshot's number or a time such as 2026-11-20T18:30, not {text[:50]!r}"
        ) from exc


def _describe(lake: Lake, edits: list[Edit]) -> dict[str, dict[int, str]]:
    """Fill in what each edit touched; the names of tags and persons that were written."""
    names: dict[str, dict[int, str]] = {}
    for table in sorted({table for edit in edits for table in edit.tables}):
        touching = {edit.snapshot_id: edit for edit in edits if table in edit.tables}
        span = {"table": table, "first": min(touching), "last": max(touching)}
        columns = [row["column_name"] for row in lake.select(f"describe {table}")]
        listed = [column for column in _LISTED if column in columns]
        lists = "".join(f", list(distinct {name})[1:{MOST_LISTED}] as {name}" for name in listed)
        text = statement("serving/edits/edited_rows").format(**span, lists=lists)
        for row in lake.select(text, snapshots=list(touching)):
            edit = touching[row["snapshot_id"]]
            edit.rows += row["rows"]
            for column in listed:
                known = edit.listed.setdefault(column, [])
                known += [value for value in row[column] or [] if value is not None and value not in known]
        if table in NAMED:
            found = lake.select(statement("serving/edits/edited_names").format(**span, key=NAMED[table]))
            names[NAMED[table]] = {row["id"]: row["name"] for row in found}
    return names

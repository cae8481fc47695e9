"""
Hiding photos, and choosing among duplicates. Nothing is deleted: a row in `hidden` is all.

A duplicate is hidden *in favour of* the copy that was kept. While that copy is not there (missing, or with other
bytes), the duplicate is shown: sql/serving/replica/timeline.sql decides that anew whenever either of the two changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from serving.replica.snapshot import ReplicaSnapshot, as_list
from sql.lake import Row, Writer, statement, utc_now
from tasks.errors import Conflict, InvalidQuery, NotFound

MOST_AT_ONCE = 10_000


def existing(copy: ReplicaSnapshot, asset_ids: Sequence[int]) -> list[Row]:
    """
    The assets of these numbers: asset_id, content_hash, path.

    Raises:
        InvalidQuery: None, or too many. NotFound: One of them is not there.
    """
    wanted = list(dict.fromkeys(asset_ids))
    if not 0 < len(wanted) <= MOST_AT_ONCE:
        raise InvalidQuery(f"name 1 to {MOST_AT_ONCE:,} photos by their asset_ids")
    rows = copy.rows("edits/assets_by_id", asset_ids=as_list(wanted))
    if len(rows) < len(wanted):
        known = {row["asset_id"] for row in rows}
        raise NotFound(f"there is no photo {next(one for one in wanted if one not in known)}")
    return rows


def hide(writer: Writer, assets: Sequence[Row], who: str) -> None:
    writer.replace("hidden", [_row(asset, who, "user") for asset in assets])


def restore(writer: Writer, assets: Sequence[Row]) -> int:
    """Show them again, whyever they were hidden; returns how many were."""
    ids = [asset["asset_id"] for asset in assets]
    hidden = writer.execute(statement("serving/edits/hidden_among"), asset_ids=as_list(ids))
    writer.delete("hidden", hidden)
    return len(hidden)


def resolve(writer: Writer, keep: Row, others: Sequence[Row], who: str) -> None:
    """
    Keep one copy and hide the others in its favour.

    What was hidden in favour of one of the others is from now on hidden in favour of the kept one, and what people said
    of the others is said of it.

    Raises:
        InvalidQuery: The kept one is among the others. Conflict: A file that was not read yet.
    """
    if any(asset["asset_id"] == keep["asset_id"] for asset in others):
        raise InvalidQuery("the photo to keep is also among those to hide")
    if keep["content_hash"] is None:
        raise Conflict(f"{keep['path'][:200]} has not been read yet; try again when the scan is done")
    ids = [asset["asset_id"] for asset in others]
    leaning = writer.execute(statement("serving/edits/hidden_in_favour_of"), asset_ids=as_list(ids))
    restore(writer, [keep])
    kept = {"kept_asset_id": keep["asset_id"], "kept_content_hash": keep["content_hash"]}
    again = [{**row, **kept} for row in leaning if row["asset_id"] not in {*ids, keep["asset_id"]}]
    writer.replace("hidden", [*({**_row(asset, who, "duplicate"), **kept} for asset in others), *again])
    said_of = {asset["content_hash"] for asset in others} - {None, keep["content_hash"]}
    if said_of:
        _keep_what_was_said(writer, keep["content_hash"], sorted(said_of))


def _keep_what_was_said(writer: Writer, kept: str, hidden: Sequence[str]) -> None:
    """
    Tags and favourites of the hidden pictures go to the kept one as well; a rating or description only where it has
    none. The hidden ones keep theirs: shown again, they are as they were.
    """
    writer.run("serving/edits/keep_tags", kept=kept, hidden=list(hidden))
    writer.run("serving/edits/keep_favorites", kept=kept, hidden=list(hidden))
    notes = writer.run("serving/edits/notes_of", hashes=[kept, *hidden])
    own = next((note for note in notes if note["content_hash"] == kept), None)
    best = {column: next((note[column] for note in notes if note[column] is not None), None)
            for column in ("rating", "description")}  # fmt: skip
    said = own or {"rating": None, "description": None}
    filled = {column: value for column, value in best.items() if said[column] is None and value is not None}
    if filled:
        others = next(note for note in notes if note["content_hash"] != kept)
        said_by = {name: (own or others)[name] for name in ("updated_by", "updated_at")}
        writer.replace("photo_note", [{**said, **said_by, "content_hash": kept, **filled}])


def _row(asset: Row, who: str, reason: str) -> dict[str, Any]:
    return {
        "asset_id": asset["asset_id"],
        "hidden_by": who,
        "hidden_at": utc_now(),
        "reason": reason,
        "kept_asset_id": None,
        "kept_content_hash": None,
    }


def ignore(writer: Writer, content_hashes: Sequence[str], who: str) -> Row:
    """These pictures are no duplicates of each other; one alone: its copies are meant to be there."""
    row = {
        "decision_id": writer.next_id("duplicate_decision", "decision_id"),
        "content_hashes": sorted(set(content_hashes)),
        "decision": "ignored",
        "decided_by": who,
        "decided_at": utc_now(),
    }
    writer.append("duplicate_decision", [row])
    return row

"""What one person likes, and what people say of a picture beside its tags: a rating, a description."""

from __future__ import annotations

from typing import Any

from sql.lake import Row, Writer, utc_now

MAX_DESCRIPTION_CHARACTERS = 10_000


def add_favorite(writer: Writer, content_hash: str, account_id: int) -> bool:
    """Whether it is new among the favourites of the account."""
    key = {"content_hash": content_hash, "account_id": account_id}
    if writer.execute("select 1 from favorite where content_hash = $content_hash and account_id = $account_id", **key):
        return False
    writer.append("favorite", [{**key, "added_at": utc_now()}])
    return True


def remove_favorite(writer: Writer, content_hash: str, account_id: int) -> None:
    writer.delete("favorite", [{"content_hash": content_hash, "account_id": account_id}])


def set_note(writer: Writer, content_hash: str, who: str, **changes: Any) -> Row:
    """
    Rating or description of a picture; None gives the word back to the file. A note that says nothing is no row.

    Args:
        who: Name of the account.
        changes: `rating`, `description`.
    Returns:
        rating and description as they are set now.
    """
    known = writer.execute("select rating, description from photo_note where content_hash = $hash", hash=content_hash)
    note = {**(known[0] if known else {"rating": None, "description": None}), **changes}
    if known and note == known[0]:
        return note
    if any(value is not None for value in note.values()):
        row = {"content_hash": content_hash, **note, "updated_by": who, "updated_at": utc_now()}
        writer.replace("photo_note", [row])
    else:
        writer.delete("photo_note", [{"content_hash": content_hash}])
    return note

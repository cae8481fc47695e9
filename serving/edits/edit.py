"""What all edits of a client have in common: which picture is meant, one commit, and an answer that shows it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from serving.auth.tokens import Identity
from serving.context import Context
from serving.listing.paths import find_asset, library_id_of
from serving.replica.snapshot import ReplicaSnapshot
from sql.lake import Row, Writer
from tasks.errors import Conflict, InvalidQuery

MAX_MESSAGE_CHARACTERS = 300
_NEVER_IN_TEXT = {"Cc", "Cs", "Zl", "Zp"}  # controls, half characters, line separators


@contextmanager
def edit(context: Context, who: Identity, what: str) -> Iterator[Writer]:
    """One commit, said to be *who*'s; the replica knows of it when this ends. GET /changes shows *what*."""
    with context.lake.write(f"{who.name}: {what}"[:MAX_MESSAGE_CHARACTERS]) as writer:
        yield writer
    context.replica.refresh()


def picture_at(copy: ReplicaSnapshot, path: str | None, library: str | int | None) -> Row:
    """
    The asset a client means, with the hash that edits hang on.

    Raises:
        InvalidQuery, InvalidPath, UnknownLibrary, NotFound.
        Conflict: The file was not read to its end yet, so nothing can be said of what is in it.
    """
    if not path:
        raise InvalidQuery("say which photo: path (or file_name), relative to the library")
    asset = find_asset(copy, path, None if library is None else str(library))
    if asset["content_hash"] is None:
        raise Conflict(f"{path[:200]} has not been read yet; try again when the scan is done")
    return asset


def pictures_at(copy: ReplicaSnapshot, paths: Sequence[str], library: str | int | None) -> pa.Table:
    """
    The same for many, in one statement.

    Returns:
        One column, `content_hash`, each once.
    Raises:
        As `picture_at`, for the first that cannot be found: all are edited or none.
    """
    wanted = list(dict.fromkeys(paths))
    library_id = library_id_of(copy, None if library is None else str(library))
    found: dict[str, str] = {}
    for row in copy.rows("edits/pictures_at", paths=wanted, library_id=library_id):
        found.setdefault(row["path"], row["content_hash"])
    for path in wanted:
        if path not in found:  # in another spelling, or not there
            found[path] = picture_at(copy, path, library)["content_hash"]
    return pa.table({"content_hash": pa.array(sorted(set(found.values())), pa.string())})


def checked_text(text: str, *, most: int, what: str, lines: bool = False) -> str:
    """
    Composed (NFC), without blanks around it.

    Args:
        lines: It may have several.
    Raises:
        InvalidQuery: Too long, or with control characters.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if not lines:
        text = " ".join(text.split())
    if len(text) > most:
        raise InvalidQuery(f"{what} has at most {most:,} characters")
    allowed = {"\n", "\t"} if lines else set()
    if any(unicodedata.category(char) in _NEVER_IN_TEXT and char not in allowed for char in text):
        raise InvalidQuery(f"{what} has control characters in it")
    return text

"""Sort orders, and cursors: where a page ended, so that the next one begins there whatever was added meanwhile."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import datetime

from tasks.errors import InvalidQuery

# What is sorted by; never null, ties are broken by asset_id.
SORTS = {
    "taken_at": "order_at",
    "name": "lower(parse_filename(timeline.path, false, 'forward_slash'))",
    "path": "timeline.path",
    "size": "timeline.size_bytes",
    "modified": "timeline.modified_at",
}
_ALIASES = {"date": "taken_at", "datetaken": "taken_at", "taken": "taken_at", "takenat": "taken_at",
            "filename": "name", "sizebytes": "size", "modifiedat": "modified"}  # fmt: skip
_NEWEST_OR_LARGEST_FIRST = {"taken_at", "size", "modified"}


@dataclass(frozen=True, slots=True)
class Sort:
    name: str
    descending: bool


def parsed_sort(text: str | None) -> Sort:
    """
    `taken_at`, `name`, `path`, `size` or `modified`, with `-` in front, or `_asc`, `:desc`, ` asc` … behind it.

    Without a direction: newest and largest first, names from A. Raises InvalidQuery.
    """
    words = (text or "taken_at").strip().lower()
    found = re.fullmatch(r"([-+]?)([a-z_]+?)(?:[ _:,.-]?(asc|desc))?", words)
    word = found[2].replace("_", "").strip() if found else ""
    name = _ALIASES.get(word, word)
    if not found or name not in SORTS:
        raise InvalidQuery(f"sort is one of {', '.join(SORTS)}, with _asc or _desc; not {words[:50]!r}")
    if found[1] or found[3]:
        return Sort(name, found[1] == "-" or found[3] == "desc")
    return Sort(name, name in _NEWEST_OR_LARGEST_FIRST)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last photo of a page: its sort key as text, and its number."""

    sort: Sort
    key: str
    asset_id: int

    @property
    def moment(self) -> datetime | None:
        return datetime.fromisoformat(self.key) if self.sort.name == "taken_at" else None

    @property
    def value(self) -> datetime | int | str:
        """The sort key as the value it was."""
        if self.sort.name in {"taken_at", "modified"}:
            return datetime.fromisoformat(self.key)
        return int(self.key) if self.sort.name == "size" else self.key

    def encoded(self) -> str:
        content = json.dumps([self.sort.name, self.sort.descending, self.key, self.asset_id], separators=(",", ":"))
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def parsed_cursor(text: str | None, sort: Sort) -> Cursor | None:
    """Raises InvalidQuery: It is none of ours, or of another sort order."""
    if not text:
        return None
    try:
        name, descending, key, asset_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        cursor = Cursor(Sort(str(name), bool(descending)), str(key), _stored_number(asset_id))
        cursor.key.encode()  # JSON may smuggle in half a surrogate pair
        if isinstance(cursor.value, int):
            _stored_number(cursor.value)
    except (ValueError, TypeError, RecursionError) as exc:
        raise InvalidQuery("this is no cursor of ours; take next_cursor of the page before") from exc
    if cursor.sort != sort:
        raise InvalidQuery("this cursor belongs to another sort order")
    return cursor


def _stored_number(value: int) -> int:
    """Raises ValueError: No column holds a number this large."""
    if not abs(int(value)) < 1 << 63:
        raise ValueError(value)
    return int(value)

"""Rated insights with their transcripts, a page at a time: a library may have more of them than memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import orjson

from sql.lake import Lake, Row

PAGE_INSIGHTS = 20
_ABOUT = ("insight_id", "title", "summary", "model", "rating")


def training_lines(lake: Lake) -> Iterator[bytes]:
    """One JSON object a line. Raises LakeError."""
    last = 0
    while rows := lake.rows("ai/training_data", after=last, row_limit=PAGE_INSIGHTS):
        for insight_id, messages in groupby(rows, key=lambda row: row["insight_id"]):
            yield _line(list(messages))
            last = insight_id


def _line(messages: Sequence[Row]) -> bytes:
    about = {name: messages[0][name] for name in _ABOUT}
    return orjson.dumps({**about, "messages": list(map(_spoken, messages))}) + b"\n"


def _spoken(row: Row) -> dict[str, Any]:
    return {
        "role": row["role"],
        "content": row["content"],
        **({"tool_calls": orjson.loads(row["tool_calls"])} if row["tool_calls"] else {}),
        **({"tool_name": row["tool_name"]} if row["tool_name"] else {}),
    }

"""Daily summaries by meaning: the question's vector against those of the summaries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from tasks.models.embed import Embedder
from tasks.vectors.index import VectorIndex

Row = dict[str, Any]


async def search_summaries(
    index: VectorIndex,
    embedder: Embedder,
    read: Callable[[Sequence[int]], Sequence[Row]],
    query: str,
    *,
    top_k: int,
    first: date | None,
    last: date | None,
    contact: str | None,
) -> list[Row]:
    """
    The closest first, each with its `score` (cosine).

    Args:
        read: The rows of these summary_ids, in any order; called in a thread.
    Raises:
        ModelUnavailable: The query cannot be embedded. EmbeddingMismatch.
    """
    if not len(index):
        return []
    vectors = await embedder.embed([query], "query")
    hits = await asyncio.to_thread(index.search, vectors[0], top_k, first=first, last=last, contact=contact)
    rows = {row["summary_id"]: row for row in await asyncio.to_thread(read, [hit.number for hit in hits])}
    return [{**rows[hit.number], "score": round(hit.score, 4)} for hit in hits if hit.number in rows]

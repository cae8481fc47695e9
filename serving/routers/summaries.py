"""GET /summaries: what was talked about, by day and by meaning."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from serving.context import ContextDep
from serving.errors import answers
from serving.json import json_answer
from serving.schemas.insights import FoundSummaries, Summaries, Summary
from tasks.errors import NotFound

router = APIRouter(prefix="/summaries", tags=["summaries"])

From = Annotated[date | None, Query(description="First day, YYYY-MM-DD")]
To = Annotated[date | None, Query(description="Last day, YYYY-MM-DD")]
Contact = Annotated[str | None, Query(max_length=200, description="Only conversations with this contact")]


@router.get("/search", responses={200: {"model": FoundSummaries}, **answers(401, 503)})
async def search(
    context: ContextDep,
    q: Annotated[str, Query(min_length=1, max_length=1_000, description="What to look for, in words")],
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    date_from: From = None,
    date_to: To = None,
    contact: Contact = None,
) -> Response:
    """Daily summaries by meaning, the closest first. `score` is the cosine; the search is exact."""
    rows = await context.ai.search(q, top_k=limit, first=date_from, last=date_to, contact=contact)
    return json_answer({"summaries": rows, "embedding_model": context.ai.embedder.model})


@router.get("", responses={200: {"model": Summaries}, **answers(401)})
def read_summaries(
    context: ContextDep,
    date_from: From = None,
    date_to: To = None,
    contact: Contact = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=1 << 40)] = 0,
) -> Response:
    """Daily summaries, the latest day first."""
    rows = context.lake.rows(
        "summaries/page", first_day=date_from, last_day=date_to, contact=contact, row_limit=limit + 1, row_offset=offset
    )
    return json_answer({"summaries": rows[:limit], "has_more": len(rows) > limit})


@router.get("/{summary_id:int}", responses={200: {"model": Summary}, **answers(401, 404)})
def read_summary(context: ContextDep, summary_id: Annotated[int, Path(ge=0, lt=1 << 63)]) -> Response:
    """One daily summary, as an answer of the chat cites it."""
    rows = context.lake.rows("summaries/by_id", summary_ids=[summary_id])
    if not rows:
        raise NotFound(f"there is no summary {summary_id}")
    return json_answer(rows[0])

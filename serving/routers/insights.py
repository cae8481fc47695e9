"""/insights: what models write about pictures, the conversation about them, and what models there are."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from serving.ai.chat_turn import complete_turn
from serving.ai.conversations import history, rewind
from serving.ai.insights import chat_plan, conversation_lock, current_insight, make_insight, played, refuse_second_turn
from serving.ai.training_data import training_lines
from serving.cancel_on_disconnect import cancel_on_disconnect
from serving.context import Context, ContextDep, SnapshotDep
from serving.errors import answers
from serving.json import json_answer
from serving.listing.paths import find_asset
from serving.routers.chat import account_id
from serving.schemas.insights import (
    ChatAnswer,
    ChatHistory,
    Insight,
    InsightChatRequest,
    InsightRequest,
    Insights,
    LocalModels,
    Picker,
    Pulling,
    PullRequest,
    Rating,
    Rewind,
)  # fmt: skip
from serving.sse import sse_answer
from sql.lake import Row, utc_now

router = APIRouter(prefix="/insights", tags=["insights"])

PathQuery = Annotated[str, Query(description="Relative to the library", examples=["2012/summer/ladybug.jpg"])]
LibraryQuery = Annotated[str | None, Query(max_length=1000, description="Id or name; absent: the first that has it")]


@router.post("/generate", responses={200: {"model": Insight}, **answers(400, 401, 404, 409, 503)})
async def generate(request: Request, context: ContextDep, asked: InsightRequest) -> Response:
    """Write an insight in one go, from what is known of the picture and what was talked about around that time."""
    return await _generate(request, context, asked, agentic=False)


@router.post("/generate/agentic", responses={200: {"model": Insight}, **answers(400, 401, 404, 409, 503)})
async def generate_agentic(request: Request, context: ContextDep, asked: InsightRequest) -> Response:
    """The same with tools: at most AGENTIC_MAX_ITERATIONS rounds of them, then the model must answer."""
    return await _generate(request, context, asked, agentic=True)


async def _generate(request: Request, context: Context, asked: InsightRequest, *, agentic: bool) -> Response:
    asset = await _asset(context, asked.file_path, asked.library)
    with conversation_lock(context, asset["content_hash"] or ""):
        making = make_insight(context, asset, asked, agentic=agentic, who=account_id(request, context))
        await cancel_on_disconnect(request, making)
    return json_answer(_shown(await asyncio.to_thread(current_insight, context, asset["content_hash"]), asset))


@router.get("", responses={200: {"model": Insight}, **answers(400, 401, 404)})
def read_insight(context: ContextDep, copy: SnapshotDep, path: PathQuery, library: LibraryQuery = None) -> Response:
    """The current insight of a picture, wherever it lies."""
    asset = find_asset(copy, path, library)
    return json_answer(_shown(current_insight(context, asset["content_hash"]), asset))


@router.delete("", responses=answers(400, 401, 404))
def delete_insight(context: ContextDep, copy: SnapshotDep, path: PathQuery, library: LibraryQuery = None) -> Response:
    """Take the current insight away; the one before it counts again."""
    insight = current_insight(context, find_asset(copy, path, library)["content_hash"])
    with context.lake.write(f"insight {insight['insight_id']} deleted") as writer:
        writer.execute(
            "update insight set deleted_at = $now where insight_id = $id", now=utc_now(), id=insight["insight_id"]
        )
    return json_answer({"deleted": insight["insight_id"]})


@router.get("/all", responses={200: {"model": Insights}, **answers(401)})
def read_insights(
    context: ContextDep,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=1 << 40)] = 0,
) -> Response:
    """The current insights of all pictures, the latest first."""
    rows = context.lake.rows("ai/insights_page", row_limit=limit + 1, row_offset=offset)
    shown = [{"id": row.pop("insight_id"), **row} for row in rows[:limit]]
    return json_answer({"insights": shown, "has_more": len(rows) > limit})


@router.post("/rate", responses=answers(400, 401, 404))
def rate(request: Request, context: ContextDep, copy: SnapshotDep, asked: Rating) -> Response:
    """Thumbs up or down for the current insight."""
    insight = current_insight(context, find_asset(copy, asked.file_path, asked.library)["content_hash"])
    row = {"insight_id": insight["insight_id"], "rating": asked.rating,
           "account_id": account_id(request, context), "rated_at": utc_now()}  # fmt: skip
    with context.lake.write(f"insight {insight['insight_id']} rated {asked.rating}") as writer:
        if asked.rating:
            writer.replace("insight_rating", [row])
        else:
            writer.delete("insight_rating", [row])
    return json_answer({"id": insight["insight_id"], "rating": asked.rating or None})


@router.get("/training-data", response_class=Response, responses={200: {"content": {"application/x-ndjson": {}}}})
def training_data(context: ContextDep) -> Response:
    """Rated insights with their transcripts, one JSON object a line."""
    return StreamingResponse(training_lines(context.lake), media_type="application/x-ndjson")


@router.post("/chat", responses={200: {"model": ChatAnswer}, **answers(400, 401, 404, 409, 503)})
async def chat(request: Request, context: ContextDep, asked: InsightChatRequest) -> Response:
    """
    Go on talking about a picture that has an insight; one turn at a time per picture, a second one gets 409.

    With `amend` the answer becomes the picture's new insight.
    """
    asset = await _asset(context, asked.file_path, asked.library)
    with conversation_lock(context, asset["content_hash"] or ""):
        plan = await chat_plan(context, asset, asked, account_id(request, context))
        return json_answer(await cancel_on_disconnect(request, complete_turn(plan)))


@router.post(
    "/chat/stream",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}}, **answers(400, 401, 404, 409)},
)
async def chat_stream(request: Request, context: ContextDep, asked: InsightChatRequest) -> Response:
    """The same as server-sent events: text, tool_call, tool_result, truncated, then done or error."""
    asset = await _asset(context, asked.file_path, asked.library)
    refuse_second_turn(context, asset["content_hash"] or "")
    plan = await chat_plan(context, asset, asked, account_id(request, context))
    return sse_answer(played(context, asset["content_hash"], plan))


@router.get("/chat/history", responses={200: {"model": ChatHistory}, **answers(400, 401, 404)})
def chat_history(context: ContextDep, copy: SnapshotDep, path: PathQuery, library: LibraryQuery = None) -> Response:
    """The conversation about a picture, each answer with the tools it took."""
    conversation = _conversation(context, find_asset(copy, path, library))
    return json_answer(history(context.lake, conversation))


@router.post("/chat/rewind", responses={200: {"model": ChatHistory}, **answers(400, 401, 404, 409)})
def chat_rewind(context: ContextDep, copy: SnapshotDep, asked: Rewind) -> Response:
    """Take back a message, the tool calls before it, and all that came after. The first message stays."""
    asset = find_asset(copy, asked.file_path, asked.library)
    conversation = _conversation(context, asset)
    with conversation_lock(context, asset["content_hash"]):
        rewind(context.lake, conversation["conversation_id"], asked.discard_from_rendered_index)
    return json_answer(history(context.lake, conversation))


@router.get("/models", responses={200: {"model": LocalModels}, **answers(401)})
async def local_models(
    context: ContextDep, refresh: Annotated[bool, Query(description="Ask the servers again")] = False
) -> Response:
    """The local models and what they can do, per server; a server that is down says why."""
    listed = await context.ai.models.listing(fresh=refresh)
    return json_answer({"servers": [found.as_dict() for found in listed]})


@router.post("/models/pull", status_code=202, responses=answers(401, 404, 409))
async def pull_model(context: ContextDep, asked: PullRequest) -> Pulling:
    """Have an Ollama server fetch a model; `pulls` of GET /insights/models says how far it is."""
    return Pulling(server=context.ai.pulls.start(asked.model, asked.server), model=asked.model)


@router.get("/openrouter/models", responses={200: {"model": Picker}, **answers(401)})
async def openrouter_models(context: ContextDep) -> Response:
    """The models a client may choose from for the hybrid backend; none means no picker: the default one is used."""
    return json_answer(context.ai.hybrid.picker())


async def _asset(context: Context, path: str, library: str | None) -> Row:
    return await asyncio.to_thread(find_asset, context.replica.current, path, library)


def _conversation(context: Context, asset: Row) -> Row:
    insight = current_insight(context, asset["content_hash"])
    conversation = context.lake.one("ai/conversation", conversation_id=insight["conversation_id"])
    assert conversation is not None, "an insight is written together with its conversation"
    return conversation


def _shown(insight: Row, asset: Row) -> dict[str, Any]:
    columns = ("title", "summary", "generated_at", "model_version", "backend", "server", "made_by", "rating")
    return {
        "id": insight["insight_id"],
        "file_path": asset["path"],
        "library_id": asset["library_id"],
        **{name: insight[name] for name in columns},
        "is_current": True,
    }

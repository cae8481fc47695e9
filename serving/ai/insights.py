"""Insights: what a model writes about a picture, and the conversation that goes on from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

from serving.ai.chat_turn import TurnPlan, stream_turn, toolbox_of
from serving.ai.conversations import read_messages
from serving.ai.vision import image_describer
from serving.context import Context
from serving.schemas.insights import InsightChatRequest, InsightRequest
from serving.sse import Named
from sql.lake import Row
from tasks.agent.insight import known_hash, titled, write_insight
from tasks.agent.loop import Done, Limits, default_num_ctx
from tasks.agent.photo_context import ContextSources, system_message
from tasks.agent.prompts import prompt
from tasks.agent.tools import Toolbox
from tasks.agent.transcripts import WrittenInsight, append_messages, keep_insight
from tasks.agent.vision import ImageDescriber
from tasks.errors import Conflict, InvalidQuery, NotFound
from tasks.models.chat import ChatOptions, Message


async def make_insight(context: Context, asset: Row, asked: InsightRequest, *, agentic: bool, who: int | None) -> int:
    """
    Have an insight written and keep it; returns its number.

    Raises:
        NotFound, ModelRefused (the model's no, or hybrid without a key), ModelUnavailable.
    """
    photo = await _photo(context, asset)
    hybrid = asked.backend == "hybrid"
    model = context.ai.chat_model(asked.backend or "local")
    vision = image_describer(context.ai, context.large, context.replica)
    sees = not hybrid and await context.ai.models.all_see(asked.model or "")
    sources = ContextSources(
        context.ai.zone, context.ai, context.ai.messages, vision, attach=sees, forgiving=True
    )  # fmt: skip
    iterations = _rounds(asked.max_iterations, context.settings.agentic_max_iterations)
    written = await write_insight(
        model,
        photo,
        sources,
        toolbox=await _toolbox(context, asset, vision, hybrid=hybrid) if agentic else None,
        iterations=iterations if agentic else 0,
        num_ctx=asked.num_ctx,
        options=_options(asked),
    )
    return await asyncio.to_thread(_keep, context, written, "agentic" if agentic else "generate", who)


async def chat_plan(context: Context, asset: Row, asked: InsightChatRequest, who: int | None) -> TurnPlan:
    """
    A turn of the conversation about a picture.

    Raises:
        NotFound: There is no insight to talk about. InvalidQuery: A local conversation cannot become hybrid.
    """
    photo = await _photo(context, asset)
    insight = await asyncio.to_thread(current_insight, context, photo["content_hash"])
    conversation = await asyncio.to_thread(
        context.lake.one, "ai/conversation", conversation_id=insight["conversation_id"]
    )
    assert conversation is not None, "an insight is written together with its conversation"
    backend = asked.backend or conversation["backend"]
    if conversation["backend"] == "local" and backend == "hybrid":
        raise InvalidQuery("a local conversation cannot go on with the hybrid backend: generate a new insight with it")
    model = context.ai.chat_model(backend)
    before = await asyncio.to_thread(read_messages, context.lake, conversation["conversation_id"])
    said = Message("user", asked.user_message)
    vision = image_describer(context.ai, context.large, context.replica)

    async def amend(done: Done) -> dict[str, Any]:
        told = (*before, said)
        written = await titled(model, photo["content_hash"], done, told, asked.model or "")
        return {"amended_insight_id": await asyncio.to_thread(_keep, context, written, "amend", who)}

    async def append(done: Done) -> dict[str, Any]:
        new = [said, *done.messages]
        await asyncio.to_thread(_append, context, conversation["conversation_id"], len(before), new, done)
        return {"amended_insight_id": None}

    addition = prompt("amend") if asked.amend else ""
    iterations = _rounds(asked.max_iterations, context.settings.agentic_chat_max_iterations)
    return TurnPlan(
        model,
        [system_message(photo, context.ai.zone, addition=addition), *before, said],
        await _toolbox(context, asset, vision, hybrid=backend == "hybrid"),
        Limits(iterations, asked.num_ctx or conversation["num_ctx"] or default_num_ctx(backend)),
        _options(asked),
        amend if asked.amend else append,
    )


def current_insight(context: Context, content_hash: str | None) -> Row:
    """Raises NotFound."""
    row = context.lake.one("ai/current_insight", content_hash=content_hash) if content_hash else None
    if row is None:
        raise NotFound("there is no insight of this photo: POST /insights/generate makes one")
    return row


@contextmanager
def conversation_lock(context: Context, content_hash: str) -> Iterator[None]:
    """One turn at a time per picture. Raises Conflict."""
    refuse_second_turn(context, content_hash)
    context.ai.active_conversations.add(content_hash)
    try:
        yield
    finally:
        context.ai.active_conversations.discard(content_hash)


def refuse_second_turn(context: Context, content_hash: str) -> None:
    if content_hash in context.ai.active_conversations:
        raise Conflict("the model is still busy with this photo; ask again when it has answered")


async def played(context: Context, content_hash: str, plan: TurnPlan) -> AsyncGenerator[Named, None]:
    """The turn as events, alone on its picture."""
    with conversation_lock(context, content_hash):
        async with aclosing(stream_turn(plan)) as events:
            async for event in events:
                yield event


async def _photo(context: Context, asset: Row) -> Row:
    """All that is known of it. Raises NotFound."""
    known_hash(asset)
    photo = await asyncio.to_thread(context.lake.one, "ai/photo", asset_id=asset["asset_id"])
    if photo is None:
        raise NotFound(f"{asset['path']} is gone")
    known_hash(photo)
    return photo


async def _toolbox(context: Context, asset: Row, vision: ImageDescriber, *, hybrid: bool) -> Toolbox:
    """With describe_photo only where a local model sees; never in hybrid, whose words hold a description already."""
    sees = not hybrid and await vision.has_vision()
    return toolbox_of(
        context,
        may_write=True,  # serving/auth/permissions.py lets nobody in who may not
        asset_id=asset["asset_id"],
        content_hash=asset["content_hash"],
        vision=vision if sees else None,
    )


def _rounds(wanted: int | None, cap: int) -> int:
    return cap if wanted is None else min(wanted, cap)


def _options(asked: InsightRequest) -> ChatOptions:
    return ChatOptions(model=asked.model or "", temperature=asked.temperature)


def _keep(context: Context, written: WrittenInsight, made_by: str, who: int | None) -> int:
    with context.lake.write(f"insight: {made_by}") as writer:
        insight_id = keep_insight(writer, written, made_by, who)
    context.replica.refresh()
    return insight_id


def _append(context: Context, conversation_id: int, position: int, new: list[Message], done: Done) -> None:
    """Raises Conflict."""
    with context.lake.write("insight chat") as writer:
        append_messages(writer, conversation_id, position, new, done.answered_by)

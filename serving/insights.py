"""Insights: what a model writes about a picture, and the conversation that goes on from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from serving.chat_turn import TurnPlan, play, toolbox_of
from serving.context import Context
from serving.conversations import append_messages, read_messages, start_conversation
from serving.eyes import LocalEyes
from serving.insight_models import InsightChatRequest, InsightRequest
from serving.sse import Named
from sql.lake import Row, utc_now
from tasks.agent.library_tools import library_tools
from tasks.agent.loop import Done, Limits
from tasks.agent.prompts import prompt, prompt_version
from tasks.agent.sources import Sources
from tasks.agent.tools import Toolbox
from tasks.errors import Conflict, DarkroomError, InvalidQuery, ModelUnavailable, NotFound
from tasks.models.chat import ChatModel, ChatOptions, Message, whole_answer

LOCAL_NUM_CTX, HYBRID_NUM_CTX = 8_192, 32_768
AROUND = timedelta(days=2)
TITLE_CHARACTERS = 120
_SUMMARIES = 5


async def insight_plan(
    context: Context, asset: Row, asked: InsightRequest, *, agentic: bool, who: int | None
) -> TurnPlan:
    """
    The turn that writes an insight; its end is kept.

    Raises:
        NotFound, ModelRefused (hybrid without a key).
    """
    content_hash = _hash_of(asset)
    backend = asked.backend or "local"
    model = context.ai.chat_model(backend)
    eyes = LocalEyes(context.ai, context.large, context.replica)
    first = Message("user", await _told(context, asset, eyes))
    system = Message("system", _system(context, asset))
    toolbox = await _toolbox(context, asset, eyes, hybrid=backend == "hybrid") if agentic else Toolbox()
    cap = context.settings.agentic_max_iterations
    iterations = min(asked.max_iterations, cap) if asked.max_iterations is not None else cap
    return TurnPlan(
        model,
        [system, first],
        toolbox,
        Limits(iterations if agentic else 0, asked.num_ctx or _num_ctx(backend)),
        ChatOptions(model=asked.model or "", temperature=asked.temperature),
        keep=lambda done, title: _keep(
            context, content_hash, who, done, title, [first, *done.messages], "agentic" if agentic else "generate"
        ),
        title=lambda done: _title(model, done, asked.model or ""),
    )


async def chat_plan(context: Context, asset: Row, asked: InsightChatRequest, who: int | None) -> TurnPlan:
    """
    A turn of the conversation about a picture.

    Raises:
        NotFound: There is no insight to talk about. InvalidQuery: A local conversation cannot become hybrid.
    """
    content_hash = _hash_of(asset)
    insight = await asyncio.to_thread(current_insight, context, content_hash)
    number = insight["conversation_id"]
    conversation = await asyncio.to_thread(context.lake.one, "ai/conversation", conversation_id=number)
    assert conversation is not None
    backend = asked.backend or conversation["backend"]
    if conversation["backend"] == "local" and backend == "hybrid":
        raise InvalidQuery("a local conversation cannot go on with the hybrid backend: generate a new insight with it")
    model = context.ai.chat_model(backend)
    before = await asyncio.to_thread(read_messages, context.lake, conversation["conversation_id"])
    said = Message("user", asked.user_message)
    system = _system(context, asset) + (f"\n\n{prompt('amend')}" if asked.amend else "")
    eyes = LocalEyes(context.ai, context.large, context.replica)

    def keep(done: Done, title: str) -> dict[str, Any]:
        if asked.amend:
            transcript = [*before, said, *done.messages]
            return {
                "amended_insight_id": _keep(context, content_hash, who, done, title, transcript, "amend")["insight_id"]
            }
        with context.lake.write("insight chat") as writer:
            append_messages(
                writer, conversation["conversation_id"], len(before), [said, *done.messages], done.answered_by
            )
        return {"amended_insight_id": None}

    cap = context.settings.agentic_chat_max_iterations
    iterations = min(asked.max_iterations, cap) if asked.max_iterations is not None else cap
    return TurnPlan(
        model,
        [Message("system", system), *before, said],
        await _toolbox(context, asset, eyes, hybrid=backend == "hybrid"),
        Limits(iterations, asked.num_ctx or conversation["num_ctx"] or _num_ctx(backend)),
        ChatOptions(model=asked.model or "", temperature=asked.temperature),
        keep,
        title=(lambda done: _title(model, done, asked.model or "")) if asked.amend else None,
    )


def current_insight(context: Context, content_hash: str | None) -> Row:
    """Raises NotFound."""
    row = context.lake.one("ai/current_insight", content_hash=content_hash) if content_hash else None
    if row is None:
        raise NotFound("there is no insight of this photo: POST /insights/generate makes one")
    return row


@contextmanager
def one_turn(context: Context, content_hash: str) -> Iterator[None]:
    """One turn at a time per picture. Raises Conflict."""
    refuse_second_turn(context, content_hash)
    context.ai.talking_about.add(content_hash)
    try:
        yield
    finally:
        context.ai.talking_about.discard(content_hash)


def refuse_second_turn(context: Context, content_hash: str) -> None:
    if content_hash in context.ai.talking_about:
        raise Conflict("the model is still busy with this photo; ask again when it has answered")


async def played(context: Context, content_hash: str, plan: TurnPlan) -> AsyncGenerator[Named, None]:
    """The turn as events, alone on its picture."""
    with one_turn(context, content_hash):
        async with aclosing(play(plan)) as events:
            async for event in events:
                yield event


def _hash_of(asset: Row) -> str:
    if asset["content_hash"] is None:
        raise NotFound(f"{asset['path']} has not been read yet: the scan will come to it")
    return str(asset["content_hash"])


def _num_ctx(backend: str) -> int:
    return HYBRID_NUM_CTX if backend == "hybrid" else LOCAL_NUM_CTX


def _system(context: Context, asset: Row) -> str:
    known = orjson.dumps({"asset_id": asset["asset_id"], "path": asset["path"]}, default=str).decode()
    today = f"{datetime.now(context.ai.zone):%A, %Y-%m-%d}"
    return prompt("photo_chat").replace("{today}", today).replace("{photo}", known)


async def _told(context: Context, asset: Row, eyes: LocalEyes) -> str:
    """What is known of the picture, what is in it, and what was talked about around that time."""
    photo = await asyncio.to_thread(context.lake.one, "serving/asset_detail", asset_id=asset["asset_id"])
    known = {name: value for name, value in (photo or {}).items() if name in _TOLD and value not in (None, "", [])}
    try:
        known["description_by_a_local_model"] = await eyes.describe(asset["asset_id"], "Describe this photo in detail.")
    except DarkroomError:  # no model that sees, or nothing to be seen: the rest is told all the same
        known.pop("description_by_a_local_model", None)
    rows = await _summaries_around(context, photo or {})
    lines = [f"- {row['day']} with {row['contact']} [summary {row['summary_id']}]: {row['summary']}" for row in rows]
    return (
        prompt("photo_context")
        .replace("{task}", prompt("insight"))
        .replace("{photo}", orjson.dumps(known, default=str, option=orjson.OPT_INDENT_2).decode())
        .replace("{summaries}", "\n".join(lines) or "none")
    )


_TOLD = frozenset(
    {"asset_id", "path", "media_type", "taken_at", "time_zone", "taken_at_source", "camera_make", "camera_model",
     "lens_model", "latitude", "longitude", "altitude_m", "title", "description", "keywords", "duration_s"}
)  # fmt: skip


async def _summaries_around(context: Context, photo: Row) -> list[Row]:
    taken_at = photo.get("taken_at")
    if taken_at is None or photo.get("taken_at_source") == "mtime":
        return []
    words = " ".join(str(photo.get(name) or "") for name in ("path", "title", "description"))
    first, last = (taken_at - AROUND).date(), (taken_at + AROUND).date()
    try:
        return await context.ai.search(words, top_k=_SUMMARIES, first=first, last=last, contact=None)
    except ModelUnavailable:
        return []


async def _toolbox(context: Context, asset: Row, eyes: LocalEyes, *, hybrid: bool) -> Toolbox:
    """With describe_photo only where a local model sees; never in hybrid, whose words hold a description already."""
    sees = not hybrid and await eyes.can_see()
    box = toolbox_of(context, asset_id=asset["asset_id"], content_hash=asset["content_hash"])
    extra = library_tools(Sources(eyes=eyes, asset_id=asset["asset_id"])) if sees else []
    return replace(box, tools=[*box.tools, *extra]) if extra else box


async def _title(model: ChatModel, done: Done, wanted: str) -> str:
    text, _ = await whole_answer(
        model,
        [Message("user", prompt("insight_title").replace("{summary}", done.text))],
        ChatOptions(model=wanted, max_tokens=60),
    )
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line.strip("\"'“”«»*# ")[:TITLE_CHARACTERS] or done.text[:TITLE_CHARACTERS]


def _keep(
    context: Context,
    content_hash: str,
    who: int | None,
    done: Done,
    title: str,
    transcript: list[Message],
    made_by: str,
) -> dict[str, Any]:
    """A new insight with a conversation of its own. An empty answer is none: nothing is kept."""
    if done.empty:
        raise ModelUnavailable(f"the model {done.answered_by.model} gave no answer; try again, or another model")
    with context.lake.write(f"insight: {made_by}") as writer:
        conversation = {
            "content_hash": content_hash, "account_id": who, "title": title, "backend": done.answered_by.backend,
            "model": done.answered_by.model, "num_ctx": _num_ctx(done.answered_by.backend),
        }  # fmt: skip
        number = start_conversation(writer, conversation)
        append_messages(writer, number, 0, transcript, done.answered_by)
        insight_id = writer.next_id("insight", "insight_id")
        row = {
            "insight_id": insight_id, "content_hash": content_hash, "title": title, "summary": done.text,
            "backend": done.answered_by.backend, "model": done.answered_by.model, "server": done.answered_by.server,
            "prompt_version": prompt_version("insight", "photo_chat", "photo_context"), "made_by": made_by,
            "conversation_id": number, "account_id": who, "generated_at": utc_now(),
        }  # fmt: skip
        writer.append("insight", [row])
    return {"insight_id": insight_id}

"""POST /chat: questions about the whole library."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from serving.ai.chat_turn import TurnPlan, complete_turn, stream_turn, toolbox_of
from serving.ai.conversations import delete_conversation, history, read_conversation, read_messages
from serving.ai.vision import image_describer
from serving.auth.permissions import Permission
from serving.auth.tokens import is_permitted
from serving.cancel_on_disconnect import cancel_on_disconnect
from serving.context import Context, ContextDep
from serving.errors import answers
from serving.json import json_answer
from serving.schemas.insights import ChatAnswer, ChatHistory, ChatRequest, Conversations
from serving.sse import sse_answer
from sql.lake import Row
from tasks.agent.loop import Done, Limits, default_num_ctx
from tasks.agent.prompts import filled
from tasks.agent.sources import Vision
from tasks.agent.transcripts import append_messages, start_conversation
from tasks.errors import InvalidQuery
from tasks.models.chat import ChatOptions, Message

router = APIRouter(prefix="/chat", tags=["chat"])

_TITLE_CHARACTERS = 80


@router.post("", responses={200: {"model": ChatAnswer}, **answers(400, 401, 404, 409, 503)})
async def chat(request: Request, context: ContextDep, asked: ChatRequest) -> Response:
    """
    Ask about the library; the answer cites photos and summaries.

    Without `conversation_id` a new conversation begins. Nothing is kept of a turn that fails, or that nobody waits for.
    Facts are remembered only for who may write: a login, or a key with that scope.
    """
    return json_answer(await cancel_on_disconnect(request, complete_turn(await _planned(request, context, asked))))


@router.post(
    "/stream",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}}, **answers(400, 401, 404, 409)},
)
async def chat_stream(request: Request, context: ContextDep, asked: ChatRequest) -> Response:
    """The same as server-sent events: text, tool_call, tool_result, truncated, then done or error."""
    return sse_answer(stream_turn(await _planned(request, context, asked)))


@router.get("", responses={200: {"model": Conversations}, **answers(401)})
def conversations(request: Request, context: ContextDep, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> Response:
    """One's own conversations, the latest first."""
    rows = context.lake.rows("ai/conversations", account_id=account_id(request, context), row_limit=limit)
    return json_answer({"conversations": rows})


@router.get("/history", responses={200: {"model": ChatHistory}, **answers(401, 404)})
def chat_history(
    request: Request, context: ContextDep, conversation_id: Annotated[int, Query(ge=0, le=1 << 53)]
) -> Response:
    """What was said, each answer with the tools it took."""
    conversation = read_conversation(context.lake, conversation_id, account_id(request, context))
    return json_answer(history(context.lake, conversation))


@router.delete("", responses=answers(401, 404))
def forget_conversation(
    request: Request, context: ContextDep, conversation_id: Annotated[int, Query(ge=0, le=1 << 53)]
) -> Response:
    """
    Delete one of one's own conversations.

    Facts that were learned in it stay: see `/knowledge`. It is out of the lake's earlier snapshots when these expire.
    """
    read_conversation(context.lake, conversation_id, account_id(request, context))
    with context.lake.write(f"conversation {conversation_id} deleted") as writer:
        delete_conversation(writer, conversation_id)
    return json_answer({"deleted": conversation_id})


def account_id(request: Request, context: Context) -> int | None:
    account = context.replica.current.accounts.get(request.state.user)
    return int(account["account_id"]) if account else None


async def _planned(request: Request, context: Context, asked: ChatRequest) -> TurnPlan:
    """Raises NotFound, InvalidQuery, ModelRefused."""
    vision = image_describer(context.ai, context.large, context.replica)
    sees = await vision.has_vision()
    return await asyncio.to_thread(_plan, request, context, asked, vision if sees else None)


def _plan(request: Request, context: Context, asked: ChatRequest, vision: Vision | None) -> TurnPlan:
    who = account_id(request, context)
    conversation = read_conversation(context.lake, asked.conversation_id, who) if asked.conversation_id else None
    backend = asked.backend or (conversation["backend"] if conversation else "local")
    refuse_switch(conversation, backend)
    before = read_messages(context.lake, conversation["conversation_id"]) if conversation else []
    said = Message("user", asked.message)
    system = filled("library_chat", today=f"{datetime.now(context.ai.zone):%A, %Y-%m-%d}")

    def keep(done: Done) -> dict[str, Any]:
        with context.lake.write(f"{request.state.user}: chat") as writer:
            number = conversation["conversation_id"] if conversation else start_conversation(
                writer,
                {"account_id": who, "title": asked.message[:_TITLE_CHARACTERS], "backend": backend,
                 "model": done.answered_by.model, "num_ctx": asked.num_ctx},
            )  # fmt: skip
            append_messages(writer, number, len(before), [said, *done.messages], done.answered_by)
        return {"conversation_id": number}

    return TurnPlan(
        context.ai.chat_model(backend),
        [Message("system", system), *before, said],
        toolbox_of(
            context,
            may_write=is_permitted(request.state.identity, Permission.write),
            vision=vision if backend == "local" else None,  # what a picture shows stays in the house
        ),
        limits_of(asked, context, backend),
        ChatOptions(model=asked.model or "", temperature=asked.temperature),
        lambda done: asyncio.to_thread(keep, done),
    )


def refuse_switch(conversation: Row | None, backend: str) -> None:
    """What was said in the house stays there. Raises InvalidQuery."""
    if conversation and conversation["backend"] == "local" and backend == "hybrid":
        raise InvalidQuery("a local conversation cannot go on with the hybrid backend: begin a new one")


def limits_of(asked: ChatRequest, context: Context, backend: str) -> Limits:
    """The client may ask for fewer rounds than the cap, not for more."""
    cap = context.settings.agentic_chat_max_iterations
    wanted = cap if asked.max_iterations is None else min(asked.max_iterations, cap)
    return Limits(wanted, asked.num_ctx or default_num_ctx(backend))

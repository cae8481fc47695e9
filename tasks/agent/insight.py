"""An insight: what a model writes about a photo, with a title. The API and the flow write it alike."""

from __future__ import annotations

from contextlib import aclosing

from tasks.agent.loop import Done, Limits, default_num_ctx, run_turn
from tasks.agent.photo_context import ContextSources, first_message, system_message
from tasks.agent.prompts import filled
from tasks.agent.sources import Row
from tasks.agent.tools import Toolbox
from tasks.agent.transcripts import WrittenInsight
from tasks.errors import EmptyAnswer, NotFound
from tasks.models.chat import DEFAULTS, ChatModel, ChatOptions, Message, whole_answer

TITLE_CHARACTERS = 120
_TITLE_TOKENS = 60


async def write_insight(
    model: ChatModel,
    photo: Row,
    sources: ContextSources,
    *,
    toolbox: Toolbox | None = None,
    iterations: int = 0,
    num_ctx: int | None = None,
    options: ChatOptions = DEFAULTS,
) -> WrittenInsight:
    """
    Args:
        photo: A row of `sql/ai/photo.sql`.
        toolbox, iterations: Tools the model may use first, and for how many rounds; none for a single shot.
    Raises:
        NotFound: The photo has not been read yet. EmptyAnswer: The model wrote nothing.
        ModelUnavailable, ModelRefused. TransientError: Of a source that is away, unless *sources* are forgiving.
    """
    content_hash = known_hash(photo)
    told = await first_message(photo, sources)
    done = await _done(
        model,
        [system_message(photo, sources.zone), told],
        toolbox or Toolbox(),
        Limits(iterations, num_ctx or default_num_ctx(model.backend)),
        options,
    )
    return await titled(model, content_hash, done, (Message(told.role, told.content),), options.model)


async def titled(
    model: ChatModel, content_hash: str, done: Done, before: tuple[Message, ...], wanted: str
) -> WrittenInsight:
    """
    The end of a turn as an insight.

    Args:
        before: The transcript up to the turn. wanted: the model the client asked for; "" for the configured one.
    Raises:
        EmptyAnswer: The turn has no answer. ModelUnavailable, ModelRefused: Nobody gives it a title.
    """
    if done.empty:
        raise EmptyAnswer(f"the model {done.answered_by.model} gave no answer; try again, or another model")
    asked = [Message("user", filled("insight_title", summary=done.text))]
    text, _ = await whole_answer(model, asked, ChatOptions(model=wanted, max_tokens=_TITLE_TOKENS))
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    title = line.strip("\"'“”«»*# ")[:TITLE_CHARACTERS] or done.text[:TITLE_CHARACTERS]
    return WrittenInsight(content_hash, title, done, (*before, *done.messages))


def known_hash(photo: Row) -> str:
    """Raises NotFound."""
    if photo["content_hash"] is None:
        raise NotFound(f"{photo['path']} has not been read yet: the scan will come to it")
    return str(photo["content_hash"])


async def _done(
    model: ChatModel, messages: list[Message], toolbox: Toolbox, limits: Limits, options: ChatOptions
) -> Done:
    async with aclosing(run_turn(model, messages, toolbox, limits=limits, options=options)) as events:
        async for event in events:
            if isinstance(event, Done):
                return event
    raise AssertionError("a turn ends with Done or an error")

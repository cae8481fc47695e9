"""What a model is told before it writes about a photo: what is known of it, is in it, and was said around then."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Protocol, TypeVar

import orjson

from tasks.agent.prompts import filled, prompt
from tasks.agent.sources import Row, Summaries, Vision
from tasks.errors import AssetError, RefusedError, TransientError
from tasks.messages.book import MessageExcerpt
from tasks.models.chat import Message

log = logging.getLogger(__name__)

AROUND_DAYS = timedelta(days=2)  # of summaries, to both sides
AROUND_HOURS = timedelta(hours=12)  # of messages
MOST_SUMMARIES, MOST_MESSAGES = 5, 30
_MESSAGE_CHARACTERS, _SUMMARY_CHARACTERS = 200, 1_000  # with the picture it fits a window of 8,192 tokens
_LOOK = "Describe this photo in detail."
_KNOWN = (
    "asset_id", "library", "path", "media_type", "taken_at", "time_zone", "place", "people", "tags", "title",
    "description", "keywords", "rating", "camera_make", "camera_model", "lens_model", "focal_length_mm", "f_number",
    "exposure_time_s", "iso", "width", "height", "latitude", "longitude", "altitude_m", "duration_s",
)  # fmt: skip

Found = TypeVar("Found")


class MessagesAround(Protocol):
    """The messages closest to a moment. Raises MessagesUnavailable."""

    async def around(
        self, moment: datetime, span: timedelta, limit: int, likely: Sequence[str] = ()
    ) -> Sequence[MessageExcerpt]: ...


@dataclass(frozen=True, slots=True)
class ContextSources:
    """
    Where the context comes from; what is None is left out.

    Args:
        zone: Of photos that do not say theirs, and of the times of messages.
        vision: A local model that sees. attach: the model that writes sees for itself, and is local: it gets it.
        forgiving: A source that is away is left out, for somebody who waits for the answer; else its TransientError is
            raised, for a flow, whose insight stands for years.
    """

    zone: tzinfo
    summaries: Summaries | None = None
    messages: MessagesAround | None = None
    vision: Vision | None = None
    attach: bool = False
    forgiving: bool = False


async def first_message(photo: Row, sources: ContextSources) -> Message:
    """
    What the model is told of *photo* (a row of `sql/ai/photo.sql`), and what to do.

    Raises:
        TransientError: A source is away, and *sources* are not forgiving.
    """
    pictures, described = await _seen(photo, sources)
    moment = moment_of(photo, sources.zone)
    summaries = await _summaries(photo, sources) if moment else []
    messages = await _messages(moment, sources, [row["contact"] for row in summaries]) if moment else []
    words = filled(
        "photo_context",
        task=prompt("insight"),
        photo=orjson.dumps(known_of(photo) | described, default=str, option=orjson.OPT_INDENT_2).decode(),
        seen="\nThe picture itself is attached.\n" if pictures else "",
        messages="\n".join(_message_line(said, sources.zone) for said in messages) or "none",
        summaries="\n".join(map(_summary_line, summaries)) or "none",
    )
    return Message("user", words, images=pictures)


def system_message(photo: Row, zone: tzinfo, *, addition: str = "") -> Message:
    """Who the model is, which photo it is about, and what day it is."""
    known = orjson.dumps({"asset_id": photo["asset_id"], "path": photo["path"]}).decode()
    words = filled("photo_chat", today=f"{datetime.now(zone):%A, %Y-%m-%d}", photo=known)
    return Message("system", f"{words}\n\n{addition}" if addition else words)


def known_of(photo: Row) -> dict[str, Any]:
    """What there is to tell, by name; a date that is only the file's is none."""
    row = {**photo, "place": place_of(photo)}
    if not _has_capture_date(photo):
        row["taken_at"] = None
    return {name: row[name] for name in _KNOWN if row.get(name) not in (None, "", [])}


def place_of(photo: Row) -> str:
    """`Cabin (Ralston, Nebraska, United States)`: the user's own name first."""
    public = dict.fromkeys(photo[name] for name in ("city", "major_city", "region", "country") if photo.get(name))
    own, words = photo.get("personal_place") or "", ", ".join(public)
    return f"{own} ({words})" if own and words else own or words


def moment_of(photo: Row, zone: tzinfo) -> datetime | None:
    """When it was taken, with a zone; None where only the file's own time is known."""
    if not _has_capture_date(photo):
        return None
    in_utc: datetime | None = photo.get("taken_at_utc")
    on_the_wall: datetime = photo["taken_at"]
    return in_utc.replace(tzinfo=UTC) if in_utc is not None else on_the_wall.replace(tzinfo=zone)


def _has_capture_date(photo: Mapping[str, Any]) -> bool:
    return photo.get("taken_at") is not None and photo.get("taken_at_source") != "mtime"


async def _seen(photo: Row, sources: ContextSources) -> tuple[tuple[bytes, ...], dict[str, str]]:
    """The picture for a model that sees, or a description for one that does not; neither where it cannot be shown."""
    vision = sources.vision
    if vision is None:
        return (), {}
    if sources.attach:
        picture = await _or_nothing(vision.picture(photo["asset_id"]), b"", sources)
        return ((picture,) if picture else ()), {}
    if not await vision.has_vision():
        return (), {}
    words = await _or_nothing(vision.describe(photo["asset_id"], _LOOK), "", sources)
    return (), {"description_by_a_local_model": words} if words else {}


async def _summaries(photo: Row, sources: ContextSources) -> Sequence[Row]:
    if sources.summaries is None:
        return []
    named = [str(photo.get(name) or "") for name in ("path", "title", "description")]
    words = " ".join([*named, place_of(photo), *(photo.get("people") or []), *(photo.get("tags") or [])])
    first, last = (photo["taken_at"] + step for step in (-AROUND_DAYS, AROUND_DAYS))
    search = sources.summaries.search(
        words, top_k=MOST_SUMMARIES, first=first.date(), last=last.date(), contact=None
    )  # fmt: skip
    nothing: Sequence[Row] = []
    return await _or_nothing(search, nothing, sources)


async def _messages(moment: datetime, sources: ContextSources, likely: list[str]) -> Sequence[MessageExcerpt]:
    if sources.messages is None:
        return []
    nothing: Sequence[MessageExcerpt] = []
    return await _or_nothing(sources.messages.around(moment, AROUND_HOURS, MOST_MESSAGES, likely), nothing, sources)


async def _or_nothing(work: Awaitable[Found], nothing: Found, sources: ContextSources) -> Found:
    """A picture that cannot be shown is none; a service that is away is one's own fault only where nobody can wait."""
    try:
        return await work
    except (AssetError, RefusedError) as exc:  # no such picture any more, or a model that will not look at it
        log.info("insight: told without the picture: %s", exc)
    except TransientError as exc:
        if not sources.forgiving:
            raise
        log.warning("insight: told without all sources: %s", exc)
    return nothing


def _message_line(said: MessageExcerpt, zone: tzinfo) -> str:
    """One line a message, whatever line ends are in it: nobody's words may look like another's message."""
    at = f"{said.message.sent_at.astimezone(zone):%Y-%m-%d %H:%M}"
    words = " ".join(said.message.text.split())[:_MESSAGE_CHARACTERS]
    return f"- {at}, with {' '.join(said.contact.split())}: {' '.join(said.message.sender.split())}: {words}"


def _summary_line(row: Row) -> str:
    words = " ".join(str(row["summary"]).split())[:_SUMMARY_CHARACTERS]
    return f"- {row['day']} with {row['contact']} [summary {row['summary_id']}]: {words}"

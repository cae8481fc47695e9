"""Which days are summarised, one contact at a time, and how the result is kept."""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from typing import Any

from flows.engine.context import FlowContext
from flows.engine.models import embedder_of, messages_of, run_and_close, servers_of
from sql.lake import Row, utc_now
from tasks.errors import ModelRefused, ModelUnavailable
from tasks.messages.sms_api import SmsApi, TextMessage, by_day, days_bounds, input_hash
from tasks.messages.summaries import EMBEDDING_RECIPE, DaySummary, embedding_text, extract, summarise
from tasks.models.chat import ChatModel
from tasks.models.embed import Embedder
from tasks.models.ollama import OllamaChat
from tasks.models.ollama_models import OllamaModels
from tasks.models.ollama_server import OllamaServer

log = logging.getLogger(__name__)

FETCHED_DAYS = 31  # of a conversation in memory
BATCH_DAYS = 8  # one commit: a model takes seconds a day, and none of them should be lost
BATCH_TEXTS = 256
UNANSWERED_IN_A_ROW = 3  # days: then it is not the days


@dataclass
class Summariser:
    """
    Args:
        chat: None, or set to None in the middle, where no model can be asked: then sentences are picked.
        why_extractive: What became of the model.
    """

    context: FlowContext
    sms: SmsApi
    zone: tzinfo
    embedder: Embedder
    servers: list[OllamaServer]
    chat: ChatModel | None
    why_extractive: str = ""
    unanswered: int = 0  # days in a row

    def contacts(self, wanted: Sequence[str]) -> list[str]:
        """Those of the settings; `*` asks the SMS API. Raises MessagesUnavailable."""
        return self.run(self.sms.contacts()) if "*" in wanted else list(wanted)

    def summarise_contact(self, contact: str, first: date, last: date, *, redo: bool) -> dict[str, int]:
        """
        Summarise the days of a conversation that changed since they were, and take those out of sight that have no
        messages any more.

        Returns:
            Days with messages, made by a model, extracted; and gone, where some are.
        Raises:
            MessagesUnavailable, ModelUnavailable (of the embedder): what was made before is recorded.
        """
        counts = {"days": 0, "summarised": 0, "extracted": 0}
        for start, end in _windows(first, last):
            messages = self.run(self.sms.between(contact, *days_bounds(start, end, self.zone)))
            days = by_day(messages, self.zone)
            known = self._known(contact, start, end)
            counts["days"] += len(days)
            if gone := self._mark_gone(contact, days, known):
                counts["gone"] = counts.get("gone", 0) + gone
            waiting = [day for day in sorted(days) if redo or self._is_stale(known.get(day), days[day])]
            for number in range(0, len(waiting), BATCH_DAYS):
                batch = waiting[number : number + BATCH_DAYS]
                made = self.run(self._made(contact, {day: days[day] for day in batch}))
                self._record(contact, made, days, known)
                for summary in made.values():
                    counts["summarised" if summary.kind == "model" else "extracted"] += 1
        return counts

    def embed_missing(self) -> int:
        """Vectors for every summary that has none by the present model; returns how many. Raises ModelUnavailable."""
        done = 0
        model = self.embedder.model
        while rows := without_embedding(self.context):
            vectors = self.run(
                self.embedder.embed([embedding_text(row["contact"], row["day"], row["summary"]) for row in rows])
            )
            with self.context.lake.write(f"daily-summaries: {len(rows)} embedded by {model}") as writer:
                writer.replace(
                    "summary_embedding",
                    [
                        {
                            "summary_id": row["summary_id"],
                            "embedding_model": model,
                            "embedding": vector.tolist(),
                            "text_hash": row["text_hash"],
                            "recorded_at": utc_now(),
                        }
                        for row, vector in zip(rows, vectors, strict=True)
                    ],
                )
            done += len(rows)
        return done

    def _known(self, contact: str, first: date, last: date) -> dict[date, Row]:
        rows = self.context.lake.rows("summaries/known_days", contact=contact, first_day=first, last_day=last)
        return {row["day"]: row for row in rows}

    def _mark_gone(self, contact: str, days: dict[date, list[TextMessage]], known: dict[date, Row]) -> int:
        """
        Days without messages are not shown any more, days whose messages came back are; returns how many went.

        Marked, not deleted: a phone that is being set up anew has no messages for a while.
        """
        gone = [day for day, row in known.items() if row["gone_at"] is None and day not in days]
        back = [day for day, row in known.items() if row["gone_at"] is not None and day in days]
        if gone or back:
            message = f"daily-summaries: messages of {len(gone)} days are gone, of {len(back)} are there again"
            with self.context.lake.write(message) as writer:
                for marked, gone_at in ((gone, utc_now()), (back, None)):
                    if marked:
                        writer.run("summaries/mark_gone", contact=contact, days=marked, gone_at=gone_at)
        return len(gone)

    def _is_stale(self, known: Row | None, messages: Sequence[TextMessage]) -> bool:
        """Never summarised, changed since, or only extracted while there is a model now."""
        if known is None or known["input_hash"] != input_hash(messages):
            return True
        return known["kind"] == "extractive" and self.chat is not None

    async def _made(self, contact: str, days: dict[date, list[TextMessage]]) -> dict[date, DaySummary]:
        return {day: await self._one(contact, day, messages) for day, messages in days.items()}

    async def _one(self, contact: str, day: date, messages: list[TextMessage]) -> DaySummary:
        if self.chat is not None:
            try:
                summary = await summarise(contact, day, messages, self.zone, self.chat)
            except (ModelUnavailable, ModelRefused) as exc:
                self._unanswered(day, exc)
            else:
                self.unanswered = 0
                return summary
        return await extract(messages, self.embedder)

    def _unanswered(self, day: date, exc: Exception) -> None:
        """One day the model does not take must not cost the others theirs: it is asked until it fails at several."""
        self.unanswered += 1
        self.why_extractive = str(exc)
        if self.unanswered < UNANSWERED_IN_A_ROW:
            log.warning("daily summaries: sentences are picked for %s: %s", day, exc)
        else:
            log.warning("daily summaries: sentences are picked from now on: %s", exc)
            self.chat = None

    def _record(
        self, contact: str, made: dict[date, DaySummary], days: dict[date, list[TextMessage]], known: dict[date, Row]
    ) -> None:
        with self.context.lake.write(f"daily-summaries: {len(made)} days") as writer:
            number = writer.next_id("daily_summary", "summary_id")
            rows = []
            for day, summary in made.items():
                before = known.get(day)
                rows.append(self._row(contact, day, summary, days[day]))
                rows[-1]["summary_id"] = before["summary_id"] if before else number
                number += before is None
            writer.replace("daily_summary", rows)

    def _row(self, contact: str, day: date, summary: DaySummary, messages: list[TextMessage]) -> Row:
        return {
            "contact": contact,
            "day": day,
            "time_zone": str(self.zone),
            "summary": summary.text,
            "kind": summary.kind,
            "message_count": len(messages),
            "input_hash": input_hash(messages),
            "model": summary.model,
            "server": summary.server,
            "prompt_version": summary.prompt_version,
            "run_id": self.context.run_id,
            "recorded_at": utc_now(),
        }

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Each call has an event loop of its own; connections end with it."""
        return run_and_close(self.servers, work)


def without_embedding(context: FlowContext) -> list[Row]:
    """The next summaries without a vector by the present model."""
    model = context.settings.embedding_model
    return context.lake.rows(
        "summaries/without_embedding", embedding_model=model, recipe=EMBEDDING_RECIPE, row_limit=BATCH_TEXTS
    )


def new_summariser(context: FlowContext, zone: tzinfo) -> Summariser:
    """With the chat model, where a server answers that has it."""
    settings = context.settings
    servers = servers_of(settings)
    summariser = Summariser(context, messages_of(settings), zone, embedder_of(settings, servers), servers, None)
    listed = summariser.run(OllamaModels(servers).listing())
    if any(found.has_model for found in listed):
        summariser.chat = OllamaChat(servers)
    else:
        summariser.why_extractive = "; ".join(
            f"{found.server}: {found.error or f'no model {found.model}: `ollama pull {found.model}`'}"
            for found in listed
        )
    return summariser


def _windows(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        end = min(last, first + timedelta(days=FETCHED_DAYS - 1))
        yield first, end
        first = end + timedelta(days=1)

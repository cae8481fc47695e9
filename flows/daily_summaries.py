"""What was talked about, day by day: one summary per contact and local day, with its vector."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from typing import Any

from prefect import flow

from flows.engine.context import FlowContext, open_context
from flows.engine.independent import IndependentStages
from flows.engine.models import summary_zone
from flows.engine.reporting import record_run, show_run
from flows.engine.task_runs import run_as_task
from flows.work.summarising import new_summariser, without_embedding
from sql.lake import utc_now

DEFAULT_DAYS = 30


@flow(flow_run_name="daily summaries {contact}")
def daily_summaries(contact: str = "all", redo: bool = False) -> dict[str, Any]:
    """
    Summarise the days whose messages changed, of one contact or of all of SUMMARY_CONTACTS.

    Args:
        redo: Days that did not change too: after a better model or another prompt.
    """
    context = open_context()
    with context.lake.exclusive("daily-summaries") as alone:
        if not alone:
            return {"busy": True}
        return _summarise(context, contact, redo=redo)


def _summarise(context: FlowContext, wanted: str, *, redo: bool) -> dict[str, Any]:
    started_at = utc_now()
    configured = context.settings.summary_contacts if wanted == "all" else [wanted]
    numbers: dict[str, Any] = {"contacts": 0, "days": 0, "summarised": 0, "extracted": 0, "embedded": 0}
    if not configured and not without_embedding(context):
        return numbers  # nothing is asked for: nobody is asked
    zone = summary_zone(context.settings)
    work = new_summariser(context, zone)
    first, last = _span(context, zone)
    stages = IndependentStages()
    nobody: list[str] = []
    for name in stages.run("contacts", partial(run_as_task, "contacts", partial(work.contacts, configured)), nobody):
        one = partial(work.summarise_contact, name, first, last, redo=redo)
        counts = stages.run(f"messages of {name}", partial(run_as_task, f"messages of {name}", one), None)
        numbers["contacts"] += counts is not None
        for what, count in (counts or {}).items():
            numbers[what] = numbers.get(what, 0) + count
    numbers["embedded"] = stages.run("embeddings", partial(run_as_task, "embeddings", work.embed_missing), 0)
    _report(context, wanted, started_at, numbers, work.why_extractive)
    stages.finish()
    return numbers


def _span(context: FlowContext, zone: tzinfo) -> tuple[date, date]:
    """The first and the last day; today is not over, so it would be summarised again tomorrow."""
    today = datetime.now(zone).date()
    settings = context.settings
    return settings.summary_from or today - timedelta(days=DEFAULT_DAYS), settings.summary_to or today - timedelta(
        days=1
    )


def _report(
    context: FlowContext, contact: str, started_at: datetime, numbers: dict[str, Any], why_extractive: str
) -> None:
    done = numbers["summarised"] + numbers["extracted"]
    if not done and not numbers["embedded"] and not numbers.get("gone"):
        return
    shown = {**numbers, "why_extractive": why_extractive} if numbers["extracted"] else numbers
    message = ", ".join(f"{value} {name}" for name, value in numbers.items() if value)
    record_run(context, "daily-summaries", contact, started_at, shown, done=done, failed=0, message=message)
    show_run(context, "daily-summaries", contact, shown)

"""Insights in the background: what the local model writes about photos nobody asked it about."""

from __future__ import annotations

from functools import partial
from typing import Any

import structlog
from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from deployments.backlogs import backlogs
from flows.engine.context import FlowContext, Library, open_context
from flows.engine.drain import DrainReport
from flows.engine.drain_runs import run_drain, show_drains
from flows.engine.prefect_runs import IDLE_TAG
from flows.engine.progress import current_flow_run
from flows.engine.reporting import describe_run, end_run
from flows.engine.run_logs import log_problems
from flows.engine.triggers import DRAIN_HOOKS
from flows.work.insight_writer import InsightWriter, insight_writer, record_insights
from tasks.asset import Results

log = structlog.get_logger(__name__)


_ONE_AT_A_TIME: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=1)  # a model answers one after the other


@flow(flow_run_name="insights {library}", task_runner=_ONE_AT_A_TIME, **DRAIN_HOOKS)
def insights(library: str = "all", limit: int | None = None) -> dict[str, Any]:
    """
    At most INSIGHT_MAX_PER_TICK insights (or *limit*) of INSIGHT_LIBRARIES, or of one of them, newest photos first.

    A task run is one photo: a model takes its 10 to 60 seconds for each. Where no server has the model, the run ends
    and the photos wait; one that goes away in the middle fails the run, and nothing is recorded about the photo.
    """
    context = open_context()
    context.libraries(library)
    if not _chosen(context) or not _is_waiting(context, library):
        return end_run(show_drains(context, "insights", library, DrainReport("insights")))
    writer, in_the_way = insight_writer(context)
    if writer is None:
        log.warning("insights.no_model", reason=in_the_way)
        numbers = show_drains(context, "insights", library, DrainReport("insights"))
        describe_run(f"insights {library}: waiting for a model: {in_the_way}", IDLE_TAG)
        return numbers | {"waiting_for": in_the_way}
    return end_run(_write(context, writer, library, limit or context.settings.insight_max_per_tick))


def _write(context: FlowContext, writer: InsightWriter, library: str, limit: int) -> dict[str, Any]:
    shown: list[dict[str, str]] = []
    report = run_drain(
        context, "insights", writer, library=library, limit=limit, batch_files=1,
        recorder=partial(_record_and_show, shown),
    )  # fmt: skip
    refused = writer.given_up()
    if refused.failed:
        record_insights(context, refused, f"insights {library}: refused")
        log_problems(refused.problems)
        report.add(refused)
    numbers = show_drains(context, "insights", library, report)
    if shown and current_flow_run() is not None:
        create_table_artifact(shown, key="insights-written", description=f"What the model wrote: {len(shown)} photos")
    return numbers


def _record_and_show(shown: list[dict[str, str]], context: FlowContext, results: Results, message: str) -> None:
    record_insights(context, results, message)
    for asset, written in getattr(results, "written", []):
        shown.append({"photo": asset.rel_path, "title": written.title, "insight": written.done.text})


def _chosen(context: FlowContext) -> list[Library]:
    """Of INSIGHT_LIBRARIES. Raises UnknownLibrary: one of them is none."""
    return [library for wanted in context.settings.insight_libraries for library in context.libraries(wanted)]


def _is_waiting(context: FlowContext, library: str) -> bool:
    parameters = backlogs(context.lake, context.settings)["insights"]
    return bool(context.lake.count("backlog/insights", library=library, row_limit=1, **parameters))

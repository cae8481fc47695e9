"""A drain as a whole flow run: alone, recorded, reported."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from deployments.backlogs import backlogs
from flows.engine.context import FlowContext
from flows.engine.drain import DrainReport, Recorder, Work, drain
from flows.engine.progress import current_flow_run
from flows.engine.reporting import record_run, show_idle_run, show_run
from sql.lake import utc_now
from tasks.asset import Asset

reports_of_run: defaultdict[str, list[DrainReport]] = defaultdict(list)  # of Prefect runs; `triggers` takes them


def run_drain(
    context: FlowContext,
    backlog: str,
    work: Work,
    *,
    library: str,
    limit: int | None,
    flow: str | None = None,
    batch_files: int = 256,
    batch_bytes: int = 512 << 20,
    row_type: type[Asset] = Asset,
    at_once: int | None = None,
    recorder: Recorder | None = None,
) -> DrainReport:
    """
    Drain *backlog* unless another process is at it: then the report is empty, and that one's result is ours.

    Args:
        flow: Name of the run in `v_runs` where it is not the backlog's.
        batch_bytes: Of originals in a batch; more than there are where none is read.
        at_once: Batches worked on at a time; None for one, and the next one ahead.
        recorder: Commits a batch, where its rows depend on what is known by then.
    """
    context.libraries(library)  # an unknown name is refused, not drained as nothing
    with context.lake.exclusive(f"drain-{backlog}") as alone:
        if not alone:
            return DrainReport(backlog)
        started_at = utc_now()
        parameters = backlogs(context.lake, context.settings)[backlog]
        report = DrainReport(backlog, row_type=row_type)
        if current_flow_run() is not None:
            reports_of_run[context.run_id].append(report)
        drain(
            context, backlog, work, library=library, limit=limit, batch_files=batch_files, batch_bytes=batch_bytes,
            row_type=row_type, at_once=at_once, recorder=recorder, report=report,
            **parameters,
        )  # fmt: skip
        if report.done or report.failed:
            record_run(
                context, flow or backlog, library, started_at, report.numbers(), done=report.done, failed=report.failed,
                message=f"{report.done} done, {report.failed} failed",
            )  # fmt: skip
        return report


def show_drains(context: FlowContext, flow: str, library: str, *reports: DrainReport) -> dict[str, Any]:
    """The run's name and artifacts in the Prefect UI; returns the numbers of all its drains."""
    numbers: dict[str, Any] = {report.stage: report.done for report in reports}
    numbers["failed"] = sum(report.failed for report in reports)
    if any(numbers.values()):
        show_run(context, flow, library, numbers, [picture for report in reports for picture in report.contact_sheet])
    else:
        show_idle_run(flow, library)
    numbers["left"] = sum(report.left for report in reports)
    numbers["seconds"] = round(sum(report.seconds for report in reports), 3)
    return numbers

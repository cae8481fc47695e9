"""What quick and full scans share: every library in turn, the brake on one never stopping the others."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flows.engine.context import FlowContext, open_context
from flows.engine.prefect_runs import name_planned_runs
from flows.engine.reporting import describe_run, record_run, show_idle_run, show_run
from flows.engine.triggers import is_retry, start_what_waits
from flows.scanning.scan_library import ScanReport, scan_library
from sql.lake import utc_now
from tasks.errors import LibraryLost

NUMBERS = ("found", "new", "changed", "moved", "missing", "restored", "skipped", "failed", "thumbnails")


def scan(flow: str, library: str, *, full: bool, accept_loss: bool = False) -> dict[str, Any]:
    """
    Scan the wanted libraries; returns the summed numbers.

    Raises:
        LibraryLost: The brake of one library or more, after the others were scanned.
    """
    context = open_context()
    started_at = utc_now()
    reports, lost = _scan_each(context, library, full=full, accept_loss=accept_loss)
    total: dict[str, Any] = {name: sum(getattr(report, name) for report in reports) for name in NUMBERS}
    total["seconds"] = round(sum(report.seconds for report in reports), 3)
    total["waiting"] = sum(report.waiting for report in reports)
    total["unreadable"] = [line for report in reports for line in report.unreadable]
    total["busy"] = [report.library for report in reports if report.busy]
    worked = any(report.did_something for report in reports)
    message = "; ".join(str(error) for error in lost) or _said(total)
    if worked or lost:
        plain = [{**asdict(report), "contact_sheet": None} for report in reports]
        record_run(
            context, flow, library, started_at, {**total, "libraries": plain},
            done=total["new"] + total["changed"], failed=total["failed"], message=message,
            state="failed" if lost else "completed",
        )  # fmt: skip
    if worked:
        sheet = [picture for report in reports for picture in report.contact_sheet][:24]
        show_run(context, flow, library, {name: total[name] for name in NUMBERS}, sheet)
    elif is_retry():
        describe_run(f"{flow} {library}: trying again what failed")
    elif not lost:
        show_idle_run(flow, library)
    if not total["busy"]:  # a first scan goes on: it starts them when it is done
        start_what_waits(context, always=full)
    name_planned_runs()
    if lost:
        raise LibraryLost(message)
    return total


def _scan_each(
    context: FlowContext, wanted: str, *, full: bool, accept_loss: bool
) -> tuple[list[ScanReport], list[LibraryLost]]:
    reports, lost = [], []
    for library in context.libraries(wanted):
        try:
            report = scan_library(context, library, full=full, accept_loss=accept_loss)
        except LibraryLost as exc:
            lost.append(exc)
            continue
        reports.append(report)
    return reports, lost


def _said(total: dict[str, Any]) -> str:
    return ", ".join(f"{total[name]} {name}" for name in NUMBERS if total[name]) or "nothing new"

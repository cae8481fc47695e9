"""What quick and full scans share: every library in turn, the brake on one never stopping the others."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from prefect.deployments import run_deployment

from deployments.backlogs import backlogs, engine_choice
from flows.house import House, open_house
from flows.progress import current_flow_run
from flows.reporting import record_run, show_run
from flows.scanning import ScanReport, scan_library
from sql.lake import utc_now
from tasks.errors import LibraryLost

NUMBERS = ("found", "new", "changed", "moved", "missing", "restored", "skipped", "failed", "thumbnails")
FACE_BACKLOG = "face-backlog/face-backlog"
# Deployment to the backlogs it works off: what a scan's one pass leaves to slower tools.
DRAINS = {
    "metadata/metadata": {"metadata"},
    "thumbnails/thumbnails": {"thumbnails", "large"},
    "preview-clips/preview-clips": {"preview_clips"},
    "gifs/gifs": {"gifs"},
    "hls/hls": {"hls"},
    "places/places": {"places"},
    "perceptual-hashes/perceptual-hashes": {"perceptual_hashes"},
    FACE_BACKLOG: {"faces", "face_regions"},
}


def scan(flow: str, library: str, *, full: bool, accept_loss: bool = False) -> dict[str, Any]:
    """
    Scan the wanted libraries; returns the summed numbers.

    Raises:
        LibraryLost: The brake of one library or more, after the others were scanned.
    """
    house = open_house()
    started_at = utc_now()
    reports, lost = _scan_each(house, library, full=full, accept_loss=accept_loss)
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
            house, flow, library, started_at, {**total, "libraries": plain},
            done=total["new"] + total["changed"], failed=total["failed"], message=message,
            state="failed" if lost else "completed",
        )  # fmt: skip
    if worked:
        sheet = [picture for report in reports for picture in report.contact_sheet][:24]
        show_run(house, flow, library, {name: total[name] for name in NUMBERS}, sheet)
        start_drains(house)
    elif engine_choice(house.settings).is_on:  # capped per run, so there is work left from earlier scans
        start_drains(house, FACE_BACKLOG)
    if lost:
        raise LibraryLost(message)
    return total


def _scan_each(
    house: House, wanted: str, *, full: bool, accept_loss: bool
) -> tuple[list[ScanReport], list[LibraryLost]]:
    reports, lost = [], []
    for library in house.libraries(wanted):
        try:
            report = scan_library(house, library, full=full, accept_loss=accept_loss)
        except LibraryLost as exc:
            lost.append(exc)
            continue
        reports.append(report)
    return reports, lost


def start_drains(house: House, *deployments: str) -> None:
    """
    In a deployment's run, start the drains that have work, without waiting; a second run of one cancels itself.

    Args:
        deployments: Names in DRAINS; none for all of them.
    """
    flow_run = current_flow_run()
    if flow_run is None or flow_run.deployment_id is None:
        return
    known = backlogs(house.lake, house.settings)
    for deployment in deployments or DRAINS:
        if any(_is_waiting(house, backlog, known[backlog]) for backlog in DRAINS[deployment] if backlog in known):
            run_deployment(deployment, timeout=0, as_subflow=False)


def _is_waiting(house: House, backlog: str, parameters: dict[str, Any]) -> bool:
    return bool(house.lake.count(f"backlog/{backlog}", library="all", row_limit=1, **parameters))


def _said(total: dict[str, Any]) -> str:
    return ", ".join(f"{total[name]} {name}" for name in NUMBERS if total[name]) or "nothing new"

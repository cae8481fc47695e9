"""A drain as a whole flow run: alone, reported, recorded."""

from __future__ import annotations

from typing import Any

from flows.drain import Work, drain
from flows.house import House
from flows.reporting import record_run, show_run
from sql.lake import utc_now


def run_drain(
    house: House,
    backlog: str,
    work: Work,
    *,
    library: str,
    limit: int | None,
    flow: str | None = None,
    batch_files: int = 256,
    **parameters: Any,
) -> dict[str, Any]:
    """
    Drain *backlog* unless another process is at it; returns the numbers.

    Args:
        flow: Name of the flow where it is not the backlog's.
    """
    name = flow or backlog
    house.libraries(library)  # an unknown name is refused, not drained as nothing
    with house.lake.exclusive(f"drain-{backlog}") as alone:
        if not alone:
            return {"stage": backlog, "done": 0, "failed": 0, "left": 0, "busy": True}
        started_at = utc_now()
        report = drain(house, backlog, work, library=library, limit=limit, batch_files=batch_files, **parameters)
        numbers = report.numbers()
        if report.done or report.failed:
            message = f"{report.done} done, {report.failed} failed"
            record_run(
                house, name, library, started_at, numbers, done=report.done, failed=report.failed, message=message
            )
            show_run(house, name, library, {"done": report.done, "failed": report.failed}, report.contact_sheet)
        return numbers

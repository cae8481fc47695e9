"""What a run leaves for people: a row in the lake, artifacts in the Prefect UI, a name with numbers in it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import orjson
from PIL import Image
from prefect.artifacts import create_image_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from flows.engine.context import FlowContext
from flows.engine.prefect_runs import IDLE_TAG, prune_idle_runs
from flows.engine.progress import current_flow_run
from sql.lake import utc_now
from tasks.files.names import printable

STATE_WITH_FAILURES = "Completed with failures"
FAILURES_TAG = "failures"  # what the list of runs in the Prefect UI can be filtered by
SHEET_TILE_PX = 120
SHEET_COLUMNS = 6


def record_run(
    context: FlowContext,
    flow: str,
    library: str,
    started_at: datetime,
    report: Mapping[str, Any],
    *,
    done: int,
    failed: int,
    message: str,
    state: str = "completed",
) -> None:
    """The run's row in `v_runs`."""
    with context.lake.write(f"{flow}: {message}") as writer:
        writer.replace(
            "run",
            [
                {
                    "run_id": context.run_id,
                    "flow": flow,
                    "library": library,
                    "state": state,
                    "started_at": started_at,
                    "finished_at": utc_now(),
                    "done": done,
                    "failed": failed,
                    "report": orjson.dumps(dict(report), default=str).decode(),
                    "message": message,
                }
            ],
        )


def show_run(
    context: FlowContext, flow: str, library: str, numbers: Mapping[str, Any], sheet: Sequence[bytes] = ()
) -> None:
    """In a Prefect run: rename it, and leave a table of the numbers, of the failures, and the contact sheet."""
    if current_flow_run() is None:
        return
    outcome = ", ".join(f"{value:,} {name}" for name, value in numbers.items() if value) or "nothing to do"
    failed = int(numbers.get("failed") or 0)
    describe_run(f"{flow} {library}: {outcome}", FAILURES_TAG if failed else "")
    get_run_logger().info("%s", outcome)
    key = re.sub("[^a-z0-9]+", "-", flow.lower())
    create_table_artifact([dict(numbers)], key=f"{key}-numbers", description=f"{flow} of {library}")
    failures = context.lake.rows("runs/failures_of_run", run_id=context.run_id)
    if failures:
        shown = "All of them" if len(failures) >= failed else f"{len(failures):,} of {failed:,}"
        create_table_artifact(
            failures,
            key=f"{key}-failures",
            description=f"{shown}; `darkroom failures` lists every one. They are tried again when the file or its "
            "decoder changes; **Retry** of this run, or `darkroom retry`, tries them now.",
        )
    if sheet:
        create_image_artifact(contact_sheet(sheet), key=f"{key}-contact-sheet", description="Made in this run")


def show_idle_run(flow: str, library: str) -> None:
    """In a Prefect run that found nothing to do: say so, and leave only the last few of its kind on the server."""
    flow_run = current_flow_run()
    if flow_run is None:
        return
    describe_run(f"{flow} {library}: nothing to do", IDLE_TAG)
    if flow_run.deployment_id is not None:
        prune_idle_runs(flow_run.deployment_id)


def end_run(numbers: dict[str, Any]) -> dict[str, Any]:
    """What a flow returns: its numbers; in a Prefect run with failures the state that says so, with the count."""
    failed = int(numbers.get("failed") or 0)
    if current_flow_run() is None or not failed:
        return numbers
    files = "1 file" if failed == 1 else f"{failed:,} files"
    message = f"{files} failed: the run's log and its failures artifact say which and why. Retry tries them again."
    state: State[Any] = Completed(name=STATE_WITH_FAILURES, message=message, data=numbers)
    return cast(dict[str, Any], state)  # Prefect alone sees it, and takes the numbers out of it


def describe_run(name: str, tag: str = "") -> None:
    """In a Prefect run: what its line in the UI says from now on. Args: tag: How it came out, in place of another."""
    flow_run = current_flow_run()
    if flow_run is not None:
        tags = {*flow_run.tags} - {IDLE_TAG, FAILURES_TAG} | ({tag} if tag else set())
        with get_client(sync_client=True) as client:
            client.update_flow_run(flow_run.id, name=printable(name)[:250], tags=sorted(tags))


def contact_sheet(pictures: Sequence[bytes]) -> str:
    """Up to four rows of small pictures as a data: URL, since nothing serves files to the Prefect UI."""
    rows = -(-len(pictures) // SHEET_COLUMNS)
    sheet = Image.new("RGB", (SHEET_COLUMNS * SHEET_TILE_PX, rows * SHEET_TILE_PX), "white")
    for number, jpeg in enumerate(pictures):
        with Image.open(io.BytesIO(jpeg)) as picture:
            picture.draft("RGB", (SHEET_TILE_PX, SHEET_TILE_PX))
            picture.thumbnail((SHEET_TILE_PX, SHEET_TILE_PX))
            column, row = number % SHEET_COLUMNS, number // SHEET_COLUMNS
            left = column * SHEET_TILE_PX + (SHEET_TILE_PX - picture.width) // 2
            sheet.paste(picture, (left, row * SHEET_TILE_PX + (SHEET_TILE_PX - picture.height) // 2))
    encoded = io.BytesIO()
    sheet.save(encoded, "JPEG", quality=70)
    return "data:image/jpeg;base64," + base64.b64encode(encoded.getvalue()).decode()

"""What a run leaves for people: a row in the lake, artifacts in the Prefect UI, a name with numbers in it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from PIL import Image
from prefect.artifacts import create_image_artifact, create_table_artifact
from prefect.client.orchestration import get_client

from flows.house import House
from flows.progress import current_flow_run
from sql.lake import utc_now

SHEET_TILE_PX = 120
SHEET_COLUMNS = 6


def record_run(
    house: House,
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
    with house.lake.write(f"{flow}: {message}") as writer:
        writer.replace(
            "run",
            [
                {
                    "run_id": house.run_id,
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


def show_run(house: House, flow: str, library: str, numbers: Mapping[str, Any], sheet: Sequence[bytes] = ()) -> None:
    """In a Prefect run: rename it, and leave a table of the numbers, of the failures, and the contact sheet."""
    flow_run = current_flow_run()
    if flow_run is None:
        return
    said = ", ".join(f"{value} {name}" for name, value in numbers.items() if value) or "nothing to do"
    name_run(f"{flow} {library}: {said}")
    key = re.sub("[^a-z0-9]+", "-", flow.lower())
    create_table_artifact([dict(numbers)], key=f"{key}-numbers", description=f"{flow} of {library}")
    failures = house.lake.rows("runs/failures_of_run", run_id=house.run_id)
    if failures:
        create_table_artifact(
            failures,
            key=f"{key}-failures",
            description="Recorded on the file, tried again when it or its decoder changes (`darkroom retry` sooner)",
        )
    if sheet:
        create_image_artifact(contact_sheet(sheet), key=f"{key}-contact-sheet", description="Made in this run")


def name_run(name: str) -> None:
    """In a Prefect run: what its line in the UI says from now on."""
    flow_run = current_flow_run()
    if flow_run is not None:
        with get_client(sync_client=True) as client:
            client.update_flow_run(flow_run.id, name=name[:250])


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

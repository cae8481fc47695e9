"""Thumbnails that the scan's one pass left: videos, RAWs without a preview of their own, new recipes."""

from __future__ import annotations

from functools import partial
from typing import Any

from prefect import flow

from flows.drains import run_drain
from flows.house import open_house
from tasks.thumbnails import make_thumbnails


@flow(flow_run_name="thumbnails {library}")
def thumbnails(library: str = "all", limit: int = 5_000) -> dict[str, Any]:
    """Make the thumbnails that are missing. Safe to stop and to start again."""
    house = open_house()
    work = partial(make_thumbnails, plan=house.ingest_plan())
    return run_drain(
        house, "thumbnails", work, library=library, limit=limit, batch_files=64,
        recipe=house.recipe, tool_version=house.thumbnail_version,
    )  # fmt: skip

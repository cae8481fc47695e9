"""How far each library is, stage by stage: counted in the lake, never remembered in a flag."""

from __future__ import annotations

from typing import Any

from flows.house import House
from tasks.ingest import HASH_TOOL
from tasks.metadata import METADATA_RECIPE


def library_status(house: House) -> list[dict[str, Any]]:
    """One entry per library: name, root, assets, missing, and per stage assets, done, backlog, failed."""
    failed = {(row["library"], row["stage"]): row["failed"] for row in house.lake.rows("cli/stage_failures")}
    return [
        {**library, "stages": [_stage(house, library, stage, failed) for stage in backlogs(house)]}
        for library in house.lake.rows("cli/library_counts")
    ]


def backlogs(house: House) -> dict[str, tuple[str, dict[str, Any]]]:
    """Stage (as failures name it) to its backlog query and the parameters the drains pass."""
    return {
        "hash": ("hash", {"tool_version": HASH_TOOL}),
        "metadata": ("metadata", {"recipe": METADATA_RECIPE, "tool_version": house.metadata_version}),
        "thumbnail": ("thumbnails", {"recipe": house.recipe, "tool_version": house.thumbnail_version}),
    }


def _stage(house: House, library: dict[str, Any], stage: str, failed: dict[tuple[str, str], int]) -> dict[str, Any]:
    query, parameters = backlogs(house)[stage]
    backlog = house.lake.count(f"backlog/{query}", library=library["library"], row_limit=1 << 40, **parameters)
    bad = failed.get((library["library"], stage), 0)
    unread = 0
    if stage != "hash":  # a file that was not read yet waits at the first stage, and for all later ones
        hash_query, hash_parameters = backlogs(house)["hash"]
        unread = house.lake.count(
            f"backlog/{hash_query}", library=library["library"], row_limit=1 << 40, **hash_parameters
        ) + failed.get((library["library"], "hash"), 0)
    waiting = backlog + unread
    return {
        "stage": stage,
        "assets": library["assets"],
        "done": max(library["assets"] - waiting - bad, 0),
        "backlog": waiting,
        "failed": bad,
    }

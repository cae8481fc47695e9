"""How far each library is, stage by stage: counted in the lake, never remembered in a flag."""

from __future__ import annotations

from typing import Any

from flows.backlogs import backlogs
from flows.face_engine import engine_choice
from flows.house import House
from tasks.stages import STAGES, stage_backlog


def library_status(house: House) -> list[dict[str, Any]]:
    """One entry per library: library, root_path, assets, missing, and per stage done, backlog, failed."""
    failed = {(row["library"], row["stage"]): row["failed"] for row in house.lake.rows("cli/stage_failures")}
    done = {row["library"]: row for row in house.lake.rows("cli/stage_done")}
    libraries = house.lake.rows("cli/library_counts")
    for library in libraries:
        name = library["library"]
        waiting = {stage: _backlog(house, name, stage) for stage in STAGES}
        library["stages"] = [
            {
                "stage": stage,
                "assets": library["assets"],
                "done": done[name][stage],
                "backlog": stage_backlog(waiting, stage),
                "failed": failed.get((name, stage), 0),
            }
            for stage in waiting
        ]
        library["stages"].append(_insights(house, name, library["assets"], failed.get((name, "insight"), 0)))
        library["stages"].append(_faces(house, name, library["assets"]))
    return libraries


def _faces(house: House, library: str, assets: int) -> dict[str, Any]:
    """As the other stages; `engine` is apollo, local or off, and what is off has no backlog."""
    found = {row["library"]: row for row in house.lake.rows("cli/face_status")}[library]
    engine = engine_choice(house)
    return {
        "stage": "faces",
        "engine": engine.name,
        "assets": assets,
        "done": found["done"],
        "backlog": _waiting(house, library, "faces") if engine.is_on else 0,
        "failed": found["failed"],
    }


def _insights(house: House, library: str, assets: int, failed: int) -> dict[str, Any]:
    """As faces; `engine` is local in the libraries of INSIGHT_LIBRARIES, off in the others."""
    done = {row["library"]: row["done"] for row in house.lake.rows("cli/insight_status")}
    known = backlogs(house).get("insights")
    is_on = known is not None and library in known["libraries"]
    return {
        "stage": "insight",
        "engine": "local" if is_on else "off",
        "assets": assets,
        "done": done[library],
        "backlog": _waiting(house, library, "insights") if is_on else 0,
        "failed": failed,
    }


def _backlog(house: House, library: str, stage: str) -> int:
    return _waiting(house, library, STAGES[stage])


def _waiting(house: House, library: str, query: str) -> int:
    parameters = backlogs(house)[query]
    return house.lake.count(f"backlog/{query}", library=library, row_limit=1 << 40, **parameters)

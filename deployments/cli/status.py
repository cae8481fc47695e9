"""How far each library is, stage by stage: counted in the lake, never remembered in a flag."""

from __future__ import annotations

from typing import Any

from deployments.backlogs import backlogs, engine_choice, waiting
from deployments.settings import Settings
from sql.lake import Lake, Row
from tasks.stages import STAGES


def library_status(lake: Lake, settings: Settings) -> list[Row]:
    """
    One entry per library: library, root_path, assets, missing, and per stage done, backlog, failed.

    The stages `insight` and `faces` have an `engine` as well: apollo, local or off. What is off has no backlog.
    """
    counted = {query: _by_library(lake, query) for query in ("cli/stage_done", "cli/insight_status", "cli/face_status")}
    failed = {(row["library"], row["stage"]): row["failed"] for row in lake.rows("cli/stage_failures")}
    known = backlogs(lake, settings)
    libraries = []
    for library in lake.rows("cli/library_counts"):
        name = library["library"]
        if any(name not in rows for rows in counted.values()):
            continue  # it came, or got another name, while this was counted
        files, insights, faces = (rows[name] for rows in counted.values())
        left = waiting(lake, known, name)
        done = {stage: files[stage] for stage in STAGES} | {"insight": insights["done"], "faces": faces["done"]}
        engines = {"insight": "local" if "insight" in left else "off", "faces": engine_choice(settings).name}
        library["stages"] = [
            {
                "stage": stage,
                **({"engine": engines[stage]} if stage in engines else {}),
                "assets": library["assets"],
                "done": done[stage],
                "backlog": left.get(stage, 0),
                "failed": faces["failed"] if stage == "faces" else failed.get((name, stage), 0),
            }
            for stage in done
        ]
        libraries.append(library)
    return libraries


def _by_library(lake: Lake, query: str) -> dict[str, Any]:
    return {row["library"]: row for row in lake.rows(query)}

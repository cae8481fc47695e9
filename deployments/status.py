"""How far each library is, stage by stage: counted in the lake, never remembered in a flag."""

from __future__ import annotations

from typing import Any

from flows.backlogs import backlogs
from flows.face_engine import engine_choice
from flows.house import House

# As failures name it, to its backlog.
STAGES = {
    "hash": "hash",
    "metadata": "metadata",
    "thumbnail": "thumbnails",
    "large": "large",
    "preview_clip": "preview_clips",
    "gif": "gifs",
    "hls": "hls",
    "place": "places",
    "perceptual_hash": "perceptual_hashes",
}


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
                # what was never read waits for metadata and thumbnail too, though their own backlog cannot say so yet
                "backlog": waiting[stage] + (waiting["hash"] if stage in {"metadata", "thumbnail"} else 0),
                "failed": failed.get((name, stage), 0),
            }
            for stage in waiting
        ]
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


def _backlog(house: House, library: str, stage: str) -> int:
    return _waiting(house, library, STAGES[stage])


def _waiting(house: House, library: str, query: str) -> int:
    parameters = backlogs(house)[query]
    return house.lake.count(f"backlog/{query}", library=library, row_limit=1 << 40, **parameters)

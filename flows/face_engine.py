"""Which face engine the house has, and what of the backlog is its business."""

from __future__ import annotations

from typing import Any

from flows.house import House
from tasks.errors import ToolMissing
from tasks.faces.engines import EngineChoice


def engine_choice(house: House) -> EngineChoice:
    settings = house.settings
    return EngineChoice(
        apollo_url=settings.face_service_url,
        model_folder=settings.face_model_path,
        timeout_seconds=settings.face_detect_timeout_sec,
        concurrency=settings.face_detect_concurrency,
        threads=settings.threads,
    )


def faces_parameters(house: House) -> dict[str, Any] | None:
    """Of `backlog/faces`; None while faces are off. EXCLUDED_DIRS apply: rooted entries, and bare names."""
    choice = engine_choice(house)
    if not choice.is_on:
        return None
    entries = house.settings.excluded_dirs
    return {
        "model_version": _model_version(house, choice),
        "excluded_folders": [f"{entry.rstrip('/')}/" for entry in entries if entry.startswith("/")],
        "excluded_names": [entry for entry in entries if not entry.startswith("/")],
    }


def _model_version(house: House, choice: EngineChoice) -> str:
    """Of local models now; of Apollo, what its last answer said. A new one makes everything backlog again."""
    try:
        local = choice.model_version()
    except ToolMissing:
        return ""  # the drain says what is wrong with them
    if local is not None:
        return local
    known = house.lake.one("faces/engine_version")
    return str(known["model_version"]) if known else ""

"""
The backlogs as the settings make them: which query, asked with which versions.

Drains work off what these find, `darkroom status` and GET /metrics count it: one thing, so they never differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deployments.settings import Settings
from sql.lake import Lake
from tasks.agent.transcripts import PROMPT_VERSION
from tasks.batches.ingest import plan_ingest
from tasks.batches.video import plan_videos
from tasks.errors import ToolMissing
from tasks.faces.engines import EngineChoice
from tasks.faces.regions import REGIONS_RECIPE
from tasks.places.personal import PersonalPlace
from tasks.stages import DEPLOYMENTS, STAGES, backlog_parameters, stage_backlog

Backlogs = dict[str, dict[str, Any]]


def backlogs(lake: Lake, settings: Settings) -> Backlogs:
    """
    Name of the query in `sql/backlog/` to its parameters, beside library and row limit. What is off is not among them.

    Looks at the tools each time: one that was upgraded meanwhile makes files backlog.
    """
    plan = plan_ingest(settings.thumbnails_folder, settings.thumbnail_size)
    videos = plan_videos(
        settings.video_folder, settings.previews_folder, settings.gifs_folder, ladder=settings.hls_ladder, threads=1
    )
    places, asks_nominatim = known_places(lake, settings), bool(settings.nominatim_url)
    faces, insights = _faces(lake, settings), _insights(lake, settings)
    return {
        **backlog_parameters(plan, videos, places, asks_nominatim=asks_nominatim),
        "face_regions": {"recipe": REGIONS_RECIPE},
        **({"faces": faces} if faces else {}),
        **({"insights": insights} if insights else {}),
    }


def waiting(lake: Lake, known: Backlogs, library: str) -> dict[str, int]:
    """
    Files of a library that each stage has yet to work on; `faces` and `insight` where they are on.

    Args:
        known: Of `backlogs`.
    """

    def count(query: str) -> int:
        return lake.count(f"backlog/{query}", library=library, row_limit=1 << 40, **known[query])

    files = {stage: count(query) for stage, query in STAGES.items()}
    found = {stage: stage_backlog(files, stage) for stage in STAGES}
    if library in known.get("insights", {}).get("libraries", ()):
        found["insight"] = count("insights")
    if "faces" in known:
        found["faces"] = count("faces")
    return found


def deployments_with_work(lake: Lake, settings: Settings, queries: Iterable[str] = DEPLOYMENTS) -> list[str]:
    """
    The deployments that have something to do, in the order of DEPLOYMENTS.

    Args:
        queries: Only the backlogs of these names; those that are off, or worked off by no deployment, are left out.
    """
    known, asked = backlogs(lake, settings), set(queries)
    found: dict[str, None] = {}
    for query, deployment in DEPLOYMENTS.items():
        if query in asked and query in known and deployment not in found and _has_rows(lake, query, known[query]):
            found[deployment] = None
    return list(found)


def _has_rows(lake: Lake, query: str, parameters: dict[str, Any]) -> bool:
    return bool(lake.count(f"backlog/{query}", library="all", row_limit=1, **parameters))


def known_places(lake: Lake, settings: Settings) -> list[PersonalPlace]:
    """As Apollo told them last; none where it is not configured."""
    if not settings.apollo_api_base_url:
        return []
    return [PersonalPlace(**row) for row in lake.rows("places/personal")]


def engine_choice(settings: Settings) -> EngineChoice:
    """Which face engine there is, if any."""
    return EngineChoice(
        apollo_url=settings.face_service_url,
        model_folder=settings.face_model_path,
        timeout_seconds=settings.face_detect_timeout_sec,
        concurrency=settings.face_detect_concurrency,
        threads=settings.threads,
    )


def insight_tool(settings: Settings) -> str:
    """What a refusal is remembered with: another model, or other prompts, and the photo is tried again."""
    return f"{settings.ollama_primary_model} {PROMPT_VERSION}"


def _faces(lake: Lake, settings: Settings) -> dict[str, Any] | None:
    """None while faces are off. EXCLUDED_DIRS apply: rooted entries, and bare names."""
    choice = engine_choice(settings)
    if not choice.is_on:
        return None
    entries = settings.excluded_dirs
    return {
        "model_version": _model_version(lake, choice),
        "tool_version": choice.tool_version(),
        "excluded_folders": [f"{entry.rstrip('/')}/" for entry in entries if entry.startswith("/")],
        "excluded_names": [entry for entry in entries if not entry.startswith("/")],
    }


def _model_version(lake: Lake, choice: EngineChoice) -> str:
    """Of local models now; of Apollo, what its last answer said. A new one makes everything backlog again."""
    try:
        local = choice.model_version()
    except ToolMissing:
        return ""  # the drain says what is wrong with them
    if local is not None:
        return local
    known = lake.one("faces/engine_version")
    return str(known["model_version"]) if known else ""


def _insights(lake: Lake, settings: Settings) -> dict[str, Any] | None:
    """None while no library is chosen. A name that none has is for the flow to complain about."""
    libraries = [
        row["name"]
        for row in lake.rows("scan/libraries")
        if {"all", row["name"], str(row["library_id"])}.intersection(settings.insight_libraries)
    ]
    return {"libraries": libraries, "tool_version": insight_tool(settings)} if libraries else None

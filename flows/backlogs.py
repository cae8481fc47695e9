"""The backlogs of the house: which query, asked with which versions. What a drain leaves is what status counts."""

from __future__ import annotations

from typing import Any

from flows.face_engine import faces_parameters
from flows.house import House
from flows.insight_choice import insight_parameters
from flows.personal_places import known_places
from tasks.faces.regions import REGIONS_RECIPE
from tasks.stages import backlog_parameters


def backlogs(house: House) -> dict[str, dict[str, Any]]:
    """Name of the query in `sql/backlog/` to its parameters, beside library and row limit."""
    plan, videos = house.ingest_plan(), house.video_plan()
    faces, insights = faces_parameters(house), insight_parameters(house)
    asks_nominatim = bool(house.settings.nominatim_url)
    return {
        **backlog_parameters(plan, videos, known_places(house), asks_nominatim=asks_nominatim),
        "face_regions": {"recipe": REGIONS_RECIPE},
        **({"faces": faces} if faces else {}),
        **({"insights": insights} if insights else {}),
    }

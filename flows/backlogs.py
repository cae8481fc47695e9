"""The backlogs of the house: which query, asked with which versions. What a drain leaves is what status counts."""

from __future__ import annotations

from typing import Any

from tasks.images.thumbnail import LARGE_RECIPE
from tasks.ingest import HASH_TOOL, IngestPlan
from tasks.metadata import METADATA_RECIPE
from tasks.programs import find_exiftool, find_ffprobe, metadata_recipe


def backlogs(plan: IngestPlan) -> dict[str, dict[str, Any]]:
    """Name of the query in `sql/backlog/` to its parameters, beside library and row limit."""
    return {
        "hash": {"tool_version": HASH_TOOL},
        "metadata": {
            "recipe": metadata_recipe(find_exiftool(), find_ffprobe()),
            "complete_recipe": METADATA_RECIPE,
            "tool_version": plan.metadata_tools,
        },
        "thumbnails": {"recipe": plan.recipe, "tool_version": plan.thumbnail_tools},
        "large": {"recipe": LARGE_RECIPE, "tool_version": plan.thumbnail_tools},
    }

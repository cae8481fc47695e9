"""The stages every file goes through: the backlog of each, and what its query is asked with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.batches.ingest import HASH_TOOL, IngestPlan
from tasks.batches.video import GIF_OF_CLIP_RECIPE, VideoPlan
from tasks.images.phash import PHASH_RECIPE
from tasks.images.thumbnail import LARGE_RECIPE
from tasks.metadata import METADATA_RECIPE
from tasks.places.batch import places_recipe
from tasks.places.personal import PersonalPlace
from tasks.programs import find_exiftool, find_ffprobe, metadata_recipe
from tasks.video.clip import CLIP_RECIPE

# As failures name it, to its query in sql/backlog/.
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

# Backlog (a query in sql/backlog/) to the deployment that works it off.
DEPLOYMENTS = {
    "metadata": "metadata",
    "thumbnails": "thumbnails",
    "large": "thumbnails",
    "preview_clips": "preview-clips",
    "gifs": "gifs",
    "hls": "hls",
    "places": "places",
    "perceptual_hashes": "perceptual-hashes",
    "face_regions": "face-backlog",
    "faces": "face-backlog",
}

# Backlog to the backlogs whose queries join what it makes: its results are their work.
FEEDS = {
    "hash": tuple(DEPLOYMENTS),
    "metadata": ("places", "preview_clips"),
    "thumbnails": ("large", "perceptual_hashes"),
    "preview_clips": ("gifs", "faces"),
}

# A run of these does no more than a set number of files, so that a face service has time for others: what is left
# goes on after a pause (seconds).
PAUSES = {"faces": 60.0}


def backlog_parameters(
    plan: IngestPlan, videos: VideoPlan, places: Sequence[PersonalPlace], *, asks_nominatim: bool
) -> dict[str, dict[str, Any]]:
    """Of each query that STAGES names, beside library and row limit."""
    return {
        "hash": {"tool_version": HASH_TOOL},
        "metadata": {
            "recipe": metadata_recipe(find_exiftool(), find_ffprobe()),
            "complete_recipe": METADATA_RECIPE,
            "tool_version": plan.metadata_tools,
        },
        "thumbnails": {"recipe": plan.recipe, "tool_version": plan.thumbnail_tools},
        "large": {"recipe": LARGE_RECIPE, "tool_version": plan.thumbnail_tools},
        "preview_clips": {"recipe": CLIP_RECIPE, "tool_version": f"{CLIP_RECIPE} {videos.tools}"},
        "gifs": {"recipe": GIF_OF_CLIP_RECIPE, "tool_version": f"{GIF_OF_CLIP_RECIPE} {videos.tools}"},
        "places": {"recipe": places_recipe(places, nominatim=asks_nominatim), "with_nominatim": asks_nominatim},
        "perceptual_hashes": {"recipe": PHASH_RECIPE, "tool_version": PHASH_RECIPE},
        "hls": {"recipe": videos.hls_recipe, "tool_version": f"{videos.hls_recipe} {videos.tools}"},
    }


def stage_backlog(waiting: dict[str, int], stage: str) -> int:
    """What was never read waits for metadata and thumbnail too, though their own backlog cannot say so yet."""
    return waiting[stage] + (waiting["hash"] if stage in {"metadata", "thumbnail"} else 0)

"""The backlogs of the house: which query, asked with which versions. What a drain leaves is what status counts."""

from __future__ import annotations

from typing import Any

from flows.face_engine import faces_parameters
from flows.house import House
from flows.personal_places import known_places
from tasks.faces.regions import REGIONS_RECIPE
from tasks.images.phash import PHASH_RECIPE
from tasks.images.thumbnail import LARGE_RECIPE
from tasks.ingest import HASH_TOOL
from tasks.metadata import METADATA_RECIPE
from tasks.places.batch import places_recipe
from tasks.programs import find_exiftool, find_ffprobe, metadata_recipe
from tasks.video.clip import CLIP_RECIPE
from tasks.video_batch import GIF_OF_CLIP_RECIPE


def backlogs(house: House) -> dict[str, dict[str, Any]]:
    """Name of the query in `sql/backlog/` to its parameters, beside library and row limit."""
    plan, videos = house.ingest_plan(), house.video_plan()
    faces = faces_parameters(house)
    asks_nominatim = bool(house.settings.nominatim_url)
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
        "places": {
            "recipe": places_recipe(known_places(house), nominatim=asks_nominatim),
            "with_nominatim": asks_nominatim,
        },
        "perceptual_hashes": {"recipe": PHASH_RECIPE, "tool_version": PHASH_RECIPE},
        "face_regions": {"recipe": REGIONS_RECIPE},
        **({"faces": faces} if faces else {}),
        "hls": {"recipe": videos.hls_recipe, "tool_version": f"{videos.hls_recipe} {videos.tools}"},
    }

"""The scanned library with places and perceptual hashes, as the drains make them."""

from __future__ import annotations

from serving.upload.rows import record_results
from sql.lake import statement
from tasks.batches.perceptual_hashes import ThumbnailedAsset, hash_thumbnails
from tasks.images.phash import PHASH_RECIPE
from tasks.places.batch import PlacedAsset, name_places
from tests.serving.conftest import House

_ALL = {"library": "all", "row_limit": 1 << 40}


def organise(house: House) -> None:
    """Work off the backlogs of both drains; twice changes nothing."""
    rows = house.lake.select(statement("backlog/places"), recipe="test", with_nominatim=False, **_ALL)
    record_results(house.lake, name_places([PlacedAsset(**row) for row in rows], [], "test"), "places")
    rows = house.lake.select(
        statement("backlog/perceptual_hashes"), recipe=PHASH_RECIPE, tool_version=PHASH_RECIPE, **_ALL
    )
    thumbnails = house.settings.thumbnails_folder
    record_results(house.lake, hash_thumbnails([ThumbnailedAsset(**row) for row in rows], thumbnails, 2), "hashes")

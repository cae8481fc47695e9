"""The scanned library with places and perceptual hashes, as the drains make them."""

from __future__ import annotations

from serving.upload.rows import record_results
from sql.lake import statement
from tasks.batches.perceptual_hashes import ThumbnailedAsset, hash_thumbnails
from tasks.images.phash import PHASH_RECIPE
from tasks.places.batch import PlacedAsset, name_places
from tests.serving.conftest import Installation

_ALL = {"library": "all", "row_limit": 1 << 40}


def organise(installation: Installation) -> None:
    """Work off the backlogs of both drains; twice changes nothing."""
    rows = installation.lake.select(statement("backlog/places"), recipe="test", with_nominatim=False, **_ALL)
    record_results(installation.lake, name_places([PlacedAsset(**row) for row in rows], [], "test"), "places")
    rows = installation.lake.select(
        statement("backlog/perceptual_hashes"), recipe=PHASH_RECIPE, tool_version=PHASH_RECIPE, **_ALL
    )
    thumbnails = installation.settings.thumbnails_folder
    record_results(
        installation.lake, hash_thumbnails([ThumbnailedAsset(**row) for row in rows], thumbnails, 2), "hashes"
    )

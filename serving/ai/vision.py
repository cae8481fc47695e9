"""The pictures that a local model looks at: copies of the large derivative, which is made where there is none."""

from __future__ import annotations

import asyncio

from serving.ai.model_services import ModelServices
from serving.media.preview_2048 import LargePictures
from serving.replica.replica import Replica
from sql.lake import Row
from tasks.agent.vision import ImageDescriber, small_jpeg
from tasks.errors import NotFound


def image_describer(ai: ModelServices, large: LargePictures, replica: Replica) -> ImageDescriber:
    async def picture(asset_id: int) -> bytes:
        copy = replica.current
        rows: list[Row] = await asyncio.to_thread(copy.rows, "listing/asset_by_id", asset_id=asset_id)
        if not rows:
            raise NotFound(f"there is no photo {asset_id}")
        file = await asyncio.to_thread(large.known_file, copy, rows[0]) or await large.render(copy, rows[0])
        return await asyncio.to_thread(small_jpeg, file)

    return ImageDescriber(ai.models, picture)

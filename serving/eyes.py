"""A local model that sees: it looks at a small picture and says what is there. The picture never leaves the house."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

from PIL import Image

from serving.ai import Ai
from serving.large import LargePictures
from serving.replica import Replica
from sql.lake import Row
from tasks.errors import AnswerCutOff, ModelUnavailable, NotFound
from tasks.models.chat import ChatOptions, Message, whole_answer
from tasks.models.ollama import OllamaChat

LONG_EDGE_PX = 1_024
_MOST_TOKENS = 600


class LocalEyes:
    """Implements tasks.agent.sources.Eyes."""

    def __init__(self, ai: Ai, large: LargePictures, replica: Replica) -> None:
        self._ai, self._large, self._replica = ai, large, replica

    async def can_see(self) -> bool:
        return await self._ai.models.first_that_can("vision") is not None

    async def describe(self, asset_id: int, question: str) -> str:
        """Raises NotFound, AssetError, ModelUnavailable."""
        found = await self._ai.models.first_that_can("vision")
        if found is None:
            raise ModelUnavailable("no local model sees: `ollama pull llava:7b`")
        server, model = found
        seen = Message("user", question, images=(await self.picture(asset_id),))
        text, _ = await whole_answer(OllamaChat([server]), [seen], ChatOptions(model=model, max_tokens=_MOST_TOKENS))
        if not text.strip():
            raise AnswerCutOff(f"the model {model} saw nothing")
        return text.strip()

    async def picture(self, asset_id: int) -> bytes:
        """JPEG, upright, long edge at most 1024 px, without metadata."""
        copy = self._replica.current
        rows: list[Row] = await asyncio.to_thread(copy.rows, "asset_by_id", asset_id=asset_id)
        if not rows:
            raise NotFound(f"there is no photo {asset_id}")
        file = await asyncio.to_thread(self._large.known_file, copy, rows[0]) or await self._large.render(copy, rows[0])
        return await asyncio.to_thread(_small_jpeg, file)


def _small_jpeg(file: Path) -> bytes:
    with Image.open(file) as picture:
        picture.draft("RGB", (LONG_EDGE_PX, LONG_EDGE_PX))
        small = picture.convert("RGB")
    small.thumbnail((LONG_EDGE_PX, LONG_EDGE_PX), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    return out.getvalue()

"""A local model that sees: it looks at a small picture and says what is there. The picture never leaves the house."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from pathlib import Path

from PIL import Image

from tasks.errors import ModelRefused, ModelUnavailable
from tasks.models.chat import ChatOptions, Message, whole_answer
from tasks.models.ollama import OllamaChat
from tasks.models.ollama_models import OllamaModels

LONG_EDGE_PX = 1_024
_MOST_TOKENS = 600


class ImageDescriber:
    """
    Implements tasks.agent.sources.Vision.

    Args:
        picture: A JPEG of an asset, upright, long edge at most LONG_EDGE_PX, without metadata; raises NotFound and
            AssetError.
    """

    def __init__(self, models: OllamaModels, picture: Callable[[int], Awaitable[bytes]]) -> None:
        self._models, self._picture = models, picture

    async def has_vision(self) -> bool:
        return await self._models.first_that_can("vision") is not None

    async def describe(self, asset_id: int, question: str) -> str:
        """Raises NotFound, AssetError, ModelUnavailable, ModelRefused."""
        found = await self._models.first_that_can("vision")
        if found is None:
            raise ModelUnavailable("no local model sees: `ollama pull llava:7b`")
        server, model = found
        seen = Message("user", question, images=(await self.picture(asset_id),))
        text, _ = await whole_answer(OllamaChat([server]), [seen], ChatOptions(model=model, max_tokens=_MOST_TOKENS))
        if not text.strip():
            raise ModelRefused(f"the model {model} saw nothing")
        return text.strip()

    async def picture(self, asset_id: int) -> bytes:
        return await self._picture(asset_id)


def small_jpeg(picture: Path | io.BytesIO) -> bytes:
    """A copy of a derivative for models: long edge at most LONG_EDGE_PX, without metadata."""
    with Image.open(picture) as opened:
        opened.draft("RGB", (LONG_EDGE_PX, LONG_EDGE_PX))
        small = opened.convert("RGB")
    small.thumbnail((LONG_EDGE_PX, LONG_EDGE_PX), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    return out.getvalue()

"""What the insights of a flow are written from: the lake, the originals, the messages and the local models."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date

from flows.engine.context import FlowContext
from flows.engine.models import embedder_of, messages_of, summary_zone
from sql.lake import Row
from tasks.agent.photo_context import ContextSources
from tasks.agent.vision import LONG_EDGE_PX, ImageDescriber, small_jpeg
from tasks.asset import Asset
from tasks.images.thumbnail import Tools, render_large
from tasks.messages.book import MessageBook
from tasks.messages.summary_search import search_summaries
from tasks.metadata.exiftool import ExifTool
from tasks.models.embed import Embedder
from tasks.models.ollama_models import OllamaModels
from tasks.models.ollama_server import OllamaServer
from tasks.programs import find_exiftool
from tasks.vectors.index import VectorIndex, index_of
from tasks.video.ffmpeg import find_ffmpeg


class LakeSummaries:
    """Implements tasks.agent.sources.Summaries: of the days that are asked for, which are few, and nothing is kept."""

    def __init__(self, context: FlowContext, embedder: Embedder) -> None:
        self._context, self._embedder = context, embedder

    async def search(
        self, query: str, *, top_k: int, first: date | None, last: date | None, contact: str | None
    ) -> Sequence[Row]:
        """Raises ModelUnavailable, EmbeddingMismatch, LakeError."""
        index = await asyncio.to_thread(self._index, first, last)
        return await search_summaries(
            index, self._embedder, self._with_text, query, top_k=top_k, first=first, last=last, contact=contact
        )

    def _index(self, first: date | None, last: date | None) -> VectorIndex:
        model = self._embedder.model
        wanted = {"embedding_model": model, "first_day": first, "last_day": last}
        return index_of(model, self._context.lake.table("summaries/vectors_between", **wanted))

    def _with_text(self, summary_ids: Sequence[int]) -> list[Row]:
        return self._context.lake.rows("summaries/by_id", summary_ids=list(summary_ids))


class InsightSources:
    """
    What all insights of a run are written from; opened once.

    Args:
        attach: The model that writes sees by itself.
    """

    def __init__(
        self, context: FlowContext, servers: list[OllamaServer], models: OllamaModels, *, attach: bool
    ) -> None:
        settings = context.settings
        self._zone, self._models, self._attach = summary_zone(settings), models, attach
        self._summaries = LakeSummaries(context, embedder_of(settings, servers))
        contacts = settings.summary_contacts
        self._messages = MessageBook(messages_of(settings), contacts) if contacts else None

    def of(self, asset: Asset) -> ContextSources:
        async def picture(_: int) -> bytes:
            return await asyncio.to_thread(picture_of, asset)

        vision = ImageDescriber(self._models, picture)
        return ContextSources(self._zone, self._summaries, self._messages, vision, attach=self._attach)


def picture_of(asset: Asset) -> bytes:
    """
    A JPEG for a model, from the original: upright, long edge at most LONG_EDGE_PX, without metadata.

    Raises:
        AssetError: It cannot be shown. ToolMissing.
    """
    with ExitStack() as stack:
        exiftool = find_exiftool() if asset.media_type == "raw" else None
        tools = Tools(find_ffmpeg(), stack.enter_context(ExifTool(exiftool)) if exiftool else None)
        rendered = render_large(asset.media_file(), None, tools, LONG_EDGE_PX)
    return small_jpeg(io.BytesIO(rendered.jpeg))

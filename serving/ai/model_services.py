"""The models, the messages and the summaries as handlers ask them; made once, connected when first asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import structlog
import tzlocal

from deployments.settings import Settings
from serving.ai.apollo_places import ApolloPlaces
from serving.ai.catalog_views import LakeViews
from serving.ai.model_pulls import ModelPulls
from serving.ai.summary_index import SummaryIndex
from sql.lake import Lake, LakeError, Row
from tasks.agent.catalog_sql import CatalogSql
from tasks.errors import EmbeddingMismatch, ModelRefused, ModelUnavailable
from tasks.messages.book import MessageBook
from tasks.messages.sms_api import SmsApi
from tasks.messages.summary_search import search_summaries
from tasks.models.chat import ChatModel
from tasks.models.embed import MiniLm
from tasks.models.ollama import OllamaChat
from tasks.models.ollama_models import OllamaModels
from tasks.models.openrouter import OpenRouterChat
from tasks.models.setup import embedder_named, local_servers

log = structlog.get_logger(__name__)


class ModelServices:
    def __init__(self, settings: Settings, lake: Lake) -> None:
        self._lake = lake
        self.servers = local_servers(
            settings.ollama_primary_url,
            settings.ollama_primary_model,
            settings.ollama_fallback_url,
            settings.ollama_fallback_model,
        )
        self.local = OllamaChat(self.servers)
        self.hybrid = OpenRouterChat(
            settings.openrouter_api_key,
            default_model=settings.openrouter_default_model,
            allowed_models=settings.openrouter_allowed_models,
            base_url=settings.openrouter_base_url,
            http_referer=settings.openrouter_http_referer,
            app_title=settings.openrouter_app_title,
        )
        self.models = OllamaModels(self.servers)
        self.pulls = ModelPulls(self.models, self.servers)
        self.embedder = embedder_named(settings.embedding_model, self.servers, threads=settings.threads)
        self.messages = (
            MessageBook(SmsApi(settings.sms_api_url, settings.sms_api_token), settings.summary_contacts)
            if settings.summary_contacts
            else None
        )
        self.personal_places = (
            ApolloPlaces(settings.apollo_api_base_url, lake) if settings.apollo_api_base_url else None
        )
        self.sql = CatalogSql(LakeViews(lake))
        self.summaries = SummaryIndex(lake, settings.embedding_model)
        self._zone_name = settings.summary_time_zone
        self.active_conversations: set[str] = set()  # content hashes of pictures with a turn under way

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self._zone_name) if self._zone_name else tzlocal.get_localzone()

    def chat_model(self, backend: str) -> ChatModel:
        """Raises ModelRefused: the hybrid backend has no key."""
        if backend != "hybrid":
            return self.local
        if not self.hybrid.configured:
            raise ModelRefused("the hybrid backend is off: set OPENROUTER_API_KEY")
        return self.hybrid

    async def search(
        self, query: str, *, top_k: int, first: date | None, last: date | None, contact: str | None
    ) -> list[Row]:
        """
        Summaries by meaning, the closest first, each with its `score` (cosine).

        Raises:
            ModelUnavailable: The query cannot be embedded. LakeError, EmbeddingMismatch.
        """
        index = await asyncio.to_thread(self.summaries.current)
        return await search_summaries(
            index, self.embedder, self._with_text, query, top_k=top_k, first=first, last=last, contact=contact
        )

    def load_embedder(self) -> None:
        """Load the embedded model, 4 s and 450 MB, before a question needs it; not where there is nothing to find."""
        try:
            if isinstance(self.embedder, MiniLm) and len(self.summaries.current()):
                self.embedder.load()
        except (LakeError, EmbeddingMismatch, ModelUnavailable) as exc:
            log.warning("ai.embedder_not_loaded", reason=str(exc))

    def _with_text(self, summary_ids: Sequence[int]) -> list[Row]:
        return self._lake.rows("summaries/by_id", summary_ids=list(summary_ids))

    async def close(self) -> None:
        await self.pulls.close()
        closing: list[Any] = [server.close() for server in self.servers]
        await asyncio.gather(*closing, self.hybrid.close())

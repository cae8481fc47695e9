"""The models, the messages and the summaries as handlers ask them; made once, connected when first asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import tzlocal

from deployments.settings import Settings
from serving.catalog_views import LakeViews
from serving.summary_index import SummaryIndex
from sql.lake import Lake, Row
from tasks.agent.catalog_sql import CatalogSql
from tasks.errors import ModelRefused, NotFound
from tasks.messages import SmsApi, TextMessage
from tasks.models.chat import ChatModel
from tasks.models.ollama import OllamaChat
from tasks.models.ollama_models import OllamaModels
from tasks.models.openrouter import OpenRouterChat
from tasks.models.setup import embedder_named, local_servers
from tasks.vector_index import Hit


class ConfiguredMessages:
    """Implements tasks.agent.sources.Messages: the conversations of SUMMARY_CONTACTS and no others."""

    def __init__(self, settings: Settings) -> None:
        self._api = SmsApi(settings.sms_api_url, settings.sms_api_token)
        self._contacts = {name.casefold(): name for name in settings.summary_contacts}

    async def between(self, contact: str, start: datetime, end: datetime, limit: int) -> list[TextMessage]:
        """Raises NotFound, MessagesUnavailable."""
        known = self._contacts.get(contact.casefold(), contact if "*" in self._contacts else None)
        if known is None:
            raise NotFound(f"no conversation with {contact!r} is open here; there are: {', '.join(self._contacts)}")
        return await self._api.between(known, start, end, limit)


class Ai:
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
        self.embedder = embedder_named(settings.embedding_model, self.servers, threads=settings.threads)
        self.messages = ConfiguredMessages(settings) if settings.summary_contacts else None
        self.sql = CatalogSql(LakeViews(lake))
        self._index = SummaryIndex(lake, settings.embedding_model)
        self._zone_name = settings.summary_time_zone
        self.talking_about: set[str] = set()  # content hashes of pictures with a turn under way

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
        index = await asyncio.to_thread(self._index.current)
        if not len(index):
            return []
        vectors = await self.embedder.embed([query], "query")
        hits = await asyncio.to_thread(index.search, vectors[0], top_k, first=first, last=last, contact=contact)
        return await asyncio.to_thread(self._with_text, hits)

    def _with_text(self, hits: Sequence[Hit]) -> list[Row]:
        wanted = [hit.number for hit in hits]
        rows = {row["summary_id"]: row for row in self._lake.rows("summaries/by_id", summary_ids=wanted)}
        return [{**rows[hit.number], "score": round(hit.score, 4)} for hit in hits if hit.number in rows]

    async def close(self) -> None:
        closing: list[Any] = [server.close() for server in self.servers]
        await asyncio.gather(*closing, self.hybrid.close())

"""The models and the messages as the settings name them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import tzinfo
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import tzlocal

from deployments.settings import Settings
from tasks.messages.sms_api import SmsApi
from tasks.models.embed import Embedder
from tasks.models.ollama_server import OllamaServer
from tasks.models.setup import embedder_named, local_servers

Made = TypeVar("Made")


def servers_of(settings: Settings) -> list[OllamaServer]:
    return local_servers(
        settings.ollama_primary_url,
        settings.ollama_primary_model,
        settings.ollama_fallback_url,
        settings.ollama_fallback_model,
    )


def embedder_of(settings: Settings, servers: list[OllamaServer]) -> Embedder:
    return embedder_named(settings.embedding_model, servers, threads=settings.threads)


def messages_of(settings: Settings) -> SmsApi:
    return SmsApi(settings.sms_api_url, settings.sms_api_token)


def run_and_close(servers: Sequence[OllamaServer], work: Coroutine[Any, Any, Made]) -> Made:
    """*work* in an event loop of its own; the connections to *servers* end with it."""

    async def and_hang_up() -> Made:
        try:
            return await work
        finally:
            for server in servers:
                await server.close()

    return asyncio.run(and_hang_up())


def summary_zone(settings: Settings) -> tzinfo:
    """The zone whose midnight parts the days."""
    return ZoneInfo(settings.summary_time_zone) if settings.summary_time_zone else tzlocal.get_localzone()

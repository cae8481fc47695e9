"""The models and the messages as the settings name them."""

from __future__ import annotations

from datetime import tzinfo
from zoneinfo import ZoneInfo

import tzlocal

from deployments.settings import Settings
from tasks.messages import SmsApi
from tasks.models.embed import Embedder
from tasks.models.ollama_server import OllamaServer
from tasks.models.setup import embedder_named, local_servers


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


def summary_zone(settings: Settings) -> tzinfo:
    """The zone whose midnight parts the days."""
    return ZoneInfo(settings.summary_time_zone) if settings.summary_time_zone else tzlocal.get_localzone()

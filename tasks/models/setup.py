"""The models as they are configured: plain values in, servers and embedder out."""

from __future__ import annotations

from tasks.models.embed import EMBEDDED_MODEL, Embedder, MiniLm, OllamaEmbedder
from tasks.models.ollama_server import OllamaServer


def local_servers(
    primary_url: str, primary_model: str, fallback_url: str = "", fallback_model: str = ""
) -> list[OllamaServer]:
    """The primary and, where it has an address, the fallback; with its own model or else the primary's."""
    servers = [OllamaServer(primary_url, primary_model)] if primary_url else []
    if fallback_url:
        servers.append(OllamaServer(fallback_url, fallback_model or primary_model, role="fallback"))
    return servers


def embedder_named(model: str, servers: list[OllamaServer], *, threads: int = 0) -> Embedder:
    """The model that comes with the program, or one of the Ollama servers'."""
    return MiniLm(threads=threads) if model == EMBEDDED_MODEL else OllamaEmbedder(servers, model)

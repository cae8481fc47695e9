"""What the servers have: capabilities, caching, pulls."""

from __future__ import annotations

import pytest

from tasks.models.ollama_models import OllamaModels, PullState
from tasks.models.ollama_server import OllamaServer
from tests.stand_ins.http_server import refusing_url
from tests.stand_ins.ollama import CHAT_MODEL, EMBED_MODEL, VISION_MODEL, OllamaStandIn
from tests.tasks.models.asking import run


def paths(stand_in: OllamaStandIn) -> list[str]:
    return [request["path"] for request in stand_in.requests]


def test_listing_says_per_server_what_each_model_can_do() -> None:
    with OllamaStandIn(models=[CHAT_MODEL, EMBED_MODEL, VISION_MODEL]).running() as ollama:
        refused = refusing_url()
        models = OllamaModels([OllamaServer(ollama.url, CHAT_MODEL), OllamaServer(refused, "x", role="fallback")])
        up, down = run(models.listing())
    assert (up.role, up.version, up.has_model, up.error) == ("primary", "0.12.6", True, "")
    assert {model.name: model.capabilities for model in up.models}[CHAT_MODEL] == ("completion", "tools", "thinking")
    assert up.can("vision") == [VISION_MODEL] and up.can("embedding") == [EMBED_MODEL]
    assert up.models[0].context_length == 32_768
    assert (down.role, down.server, down.models) == ("fallback", refused, []) and "nothing answers" in down.error


def test_listing_is_kept_for_a_while_and_a_known_model_is_not_asked_about_again() -> None:
    now = [0.0]
    with OllamaStandIn().running() as ollama:
        models = OllamaModels([OllamaServer(ollama.url, CHAT_MODEL)], clock=lambda: now[0])
        run(models.listing())
        run(models.listing())
        assert paths(ollama).count("/api/tags") == 1
        now[0] = 61
        run(models.listing())
        run(models.listing(fresh=True))
        assert paths(ollama).count("/api/tags") == 3
        assert paths(ollama).count("/api/show") == 2


def test_older_server_that_lists_no_capabilities_is_read_from_its_templates() -> None:
    with OllamaStandIn(old=True).running() as ollama:
        (found,) = run(OllamaModels([OllamaServer(ollama.url, CHAT_MODEL)]).listing())
    assert found.models[0].capabilities == ("completion", "tools")


def test_model_that_sees_is_found_on_the_second_server() -> None:
    with OllamaStandIn().running() as blind, OllamaStandIn(models=[VISION_MODEL]).running() as seeing:
        servers = [OllamaServer(blind.url, CHAT_MODEL), OllamaServer(seeing.url, "x", role="fallback")]
        models = OllamaModels(servers)
        assert run(models.first_that_can("vision")) == (servers[1], VISION_MODEL)
        assert run(models.first_that_can("audio")) is None


def test_pull_shows_how_far_it_is_and_the_model_is_there_afterwards() -> None:
    async def pull() -> list[tuple[str, int, int]]:
        steps = []
        async for state in models.pull(server, "llama3.2:3b"):
            steps.append((state.state, state.completed_bytes, state.total_bytes))
            (listed,) = await models.listing()
            assert listed.pulls[0] is state
        return steps

    with OllamaStandIn().running() as ollama:
        server = OllamaServer(ollama.url, CHAT_MODEL)
        models = OllamaModels([server])
        assert run(pull()) == [
            ("pulling", 0, 0),
            ("pulling", 500, 2000),
            ("pulling", 2000, 2000),
            ("pulling", 2000, 2000),
            ("done", 2000, 2000),
        ]
        (listed,) = run(models.listing())
        assert "llama3.2:3b" in [model.name for model in listed.models]


@pytest.mark.parametrize("lines", [[{"error": "pull model manifest: file does not exist"}], [{"status": "verifying"}]])
def test_pull_that_fails_says_so(lines: list[dict[str, str]]) -> None:
    async def last() -> PullState:
        return [state async for state in models.pull(server, "nonsense")][-1]

    with OllamaStandIn().running() as ollama:
        ollama.pull_lines = lines
        server = OllamaServer(ollama.url, CHAT_MODEL)
        models = OllamaModels([server])
        state = run(last())
    assert state.state == "failed" and state.status in {*lines[0].values()}


def test_listing_of_something_that_is_no_ollama_is_an_error_not_a_crash() -> None:
    with OllamaStandIn().running() as other:
        other.get_api_tags = lambda handler, _: handler.json({"models": [1, {"name": None}, "x"]})  # type: ignore[method-assign]
        (odd,) = run(OllamaModels([OllamaServer(other.url, CHAT_MODEL)]).listing())
        other.get_api_version = lambda handler, _: handler.bytes(b"<html>")  # type: ignore[method-assign]
        (html,) = run(OllamaModels([OllamaServer(other.url, CHAT_MODEL)]).listing())
    assert odd.error and html.error

"""`darkroom chat` against a real API with a scripted model."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from deployments.cli.chat import ApiNotRunning, ask
from deployments.settings import Settings
from serving.app import create_app
from serving.auth.accounts import add_user
from serving.auth.tokens import issue_token
from sql.lake import Lake
from tasks.errors import ModelRefused, ModelUnavailable, NotFound
from tests.serving.conftest import Installation, make_installation
from tests.stand_ins.http_server import refusing_url
from tests.stand_ins.ollama import OllamaStandIn, Say


@pytest.fixture
def ollama() -> Iterator[OllamaStandIn]:
    with OllamaStandIn().running() as stand_in:
        yield stand_in


@pytest.fixture
def served(tmp_path: Path, ollama: OllamaStandIn) -> Iterator[Installation]:
    installation = make_installation(tmp_path)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        installation.settings = installation.settings.model_copy(
            update={"bind_url": address, "ollama_primary_url": ollama.url}
        )
        add_user(installation.lake, "ada", "correct horse")
        server = uvicorn.Server(uvicorn.Config(create_app(installation.settings, installation.lake), log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield installation
        server.should_exit = True
        thread.join(10)
    installation.lake.close()


def test_answer_and_its_tools_are_shown_as_they_come(served: Installation, ollama: OllamaStandIn) -> None:
    ollama.script += [Say(calls=[("query_catalog", {"sql": "select count(*) from v_assets"})]), Say(["None ", "yet."])]
    shown: list[str] = []
    done = ask(served.settings, served.lake, "How many?", {}, shown.append)
    assert shown == ["\n  · query_catalog select count(*) from v_assets\n", "None ", "yet."]
    assert done["assistant_message"] == "None yet." and done["tool_calls"][0]["sql"]


def test_error_of_the_model_is_told(served: Installation, ollama: OllamaStandIn) -> None:
    with pytest.raises(ModelUnavailable, match="used up"):
        ask(served.settings, served.lake, "x", {}, lambda _: None)
    with pytest.raises(ModelRefused, match="OPENROUTER_API_KEY"):
        ask(served.settings, served.lake, "x", {"backend": "hybrid"}, lambda _: None)


def test_without_api_or_account_it_says_what_to_do(tmp_path: Path) -> None:
    installation = make_installation(tmp_path)
    lake: Lake = installation.lake
    settings: Settings = installation.settings.model_copy(update={"bind_url": refusing_url()})
    with pytest.raises(NotFound, match="darkroom user add"):
        ask(settings, lake, "x", {}, lambda _: None)
    add_user(lake, "ada", "correct horse")
    with pytest.raises(ApiNotRunning, match="darkroom up"):
        ask(settings, lake, "x", {}, lambda _: None)
    lake.close()


def test_client_that_leaves_the_stream_cancels_the_model(served: Installation, ollama: OllamaStandIn) -> None:
    ollama.script.append(Say(["word "] * 400, wait_each_s=0.02))
    headers = {"Authorization": f"Bearer {issue_token(served.settings, 'ada')}"}
    url = f"http://{served.settings.bind_url}/chat/stream"
    with httpx.stream("POST", url, json={"message": "x"}, headers=headers, timeout=20, trust_env=False) as answer:
        assert next(answer.iter_lines()) == "event: text"
    assert ollama.cut_off.wait(60), "the model went on talking to nobody"
    assert served.lake.select("from conversation") == []

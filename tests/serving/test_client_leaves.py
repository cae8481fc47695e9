"""A client that hangs up ends the model's work: asked over real sockets, since nothing else can hang up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from serving.app import create_app
from serving.auth.accounts import add_user
from serving.auth.tokens import issue_token
from tests.pictures import draw
from tests.serving.conftest import NAME, PASSWORD, Installation, make_installation
from tests.stand_ins.ollama import OllamaStandIn, Say
from tests.waiting import wait_until

ENDLESS = Say(["word "] * 600, wait_each_s=0.1)


@pytest.fixture
def ollama() -> Iterator[OllamaStandIn]:
    with OllamaStandIn().running() as stand_in:
        yield stand_in


@pytest.fixture
def served(tmp_path: Path, ollama: OllamaStandIn) -> Iterator[tuple[Installation, httpx.Client]]:
    """A photo, and a client of the API that gives up half a second after it asked."""
    installation = make_installation(tmp_path)
    installation.settings = installation.settings.model_copy(update={"ollama_primary_url": ollama.url})
    draw(installation.root / "a.jpg", 1, taken="2025:06:01 10:00:00")
    installation.scan()
    add_user(installation.lake, NAME, PASSWORD)
    config = uvicorn.Config(
        create_app(installation.settings, installation.lake), port=0, access_log=False, log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    headers = {"Authorization": f"Bearer {issue_token(installation.settings, NAME)}"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as client:
        yield installation, client
    server.should_exit = True
    thread.join(30)
    installation.lake.close()


def hang_up(client: httpx.Client, path: str, body: dict[str, Any], ollama: OllamaStandIn) -> None:
    """Ask, wait until the model was asked, and go."""
    ollama.cut_off.clear()
    asked = len(ollama.bodies("/api/chat"))
    ollama.script.append(ENDLESS)

    connection = HTTPConnection(client.base_url.host, client.base_url.port)
    headers = {"Authorization": client.headers["Authorization"], "Content-Type": "application/json"}
    connection.request("POST", path, json.dumps(body), headers)
    wait_until(lambda: len(ollama.bodies("/api/chat")) == asked + 1)
    connection.close()
    assert ollama.cut_off.wait(60), "the model goes on though nobody listens"


def test_insight_nobody_waits_for_is_not_written(
    served: tuple[Installation, httpx.Client], ollama: OllamaStandIn
) -> None:
    installation, client = served
    for path in ("/insights/generate", "/insights/generate/agentic"):
        hang_up(client, path, {"file_path": "a.jpg"}, ollama)
    assert installation.lake.select("select * from insight") == []
    ollama.script += [Say(["Written."]), Say(["Title"])]
    answer = client.post("/insights/generate", json={"file_path": "a.jpg"})
    assert answer.status_code == 200, "the photo is free for the next turn"


def test_chat_nobody_waits_for_keeps_nothing(served: tuple[Installation, httpx.Client], ollama: OllamaStandIn) -> None:
    installation, client = served
    hang_up(client, "/chat", {"message": "How many?"}, ollama)
    ollama.script += [Say(["Written."]), Say(["Title"])]
    assert client.post("/insights/generate", json={"file_path": "a.jpg"}).status_code == 200
    hang_up(client, "/insights/chat", {"file_path": "a.jpg", "user_message": "When?"}, ollama)
    assert len(installation.lake.select("select * from conversation")) == 1
    assert len(installation.lake.select("select * from conversation_message")) == 2

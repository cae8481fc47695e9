"""An installation with model servers, and reading server-sent events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from serving.app import create_app
from tests.serving.conftest import Installation, logged_in, prepared_installation


@contextmanager
def talking_installation(
    folder: Path, prepare: Callable[[Installation], None] = lambda installation: None, **settings: Any
) -> Iterator[tuple[Installation, TestClient]]:
    """A library as *prepare* leaves it with these settings, and a client that is logged in."""
    installation = prepared_installation(folder, prepare)
    installation.settings = installation.settings.model_copy(update=settings)
    with TestClient(create_app(installation.settings, installation.lake), raise_server_exceptions=False) as client:
        yield installation, logged_in(client)
    installation.lake.close()


def events_of(client: TestClient, path: str, body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every event of a stream: its name and data."""
    events = []
    with client.stream("POST", path, json=body) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        for block in "".join(answer.iter_text()).split("\n\n"):
            if block.startswith("event: "):
                name, data = block.split("\n", 1)
                events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events

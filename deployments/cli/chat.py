"""`darkroom chat`: the same turn as POST /chat, asked of the API that is running, shown on the terminal as it comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from deployments.settings import Settings
from serving.auth.permissions import OWNER
from serving.auth.tokens import issue_token
from sql.lake import Lake
from tasks.errors import ModelRefused, ModelUnavailable, NotFound, TransientError

TIMEOUT = httpx.Timeout(180, connect=5)


class ApiNotRunning(TransientError):
    """Nobody listens on BIND_URL."""


def ask(settings: Settings, lake: Lake, question: str, options: dict[str, Any], show: Callable[[str], None]) -> Any:
    """
    Args:
        show: Called with each piece of text, and with a line for every tool call.
    Returns:
        What `done` says.
    Raises:
        ApiNotRunning, ModelUnavailable, ModelRefused.
        NotFound: There is no account to ask as.
    """
    owners = [account for account in lake.rows("serving/auth/accounts") if account["role"] == OWNER]
    if not owners:
        raise NotFound("there is no account yet: `darkroom user add NAME` makes one")
    host, port = settings.bind
    url = f"http://{'127.0.0.1' if host in {'0.0.0.0', '::'} else host}:{port}/chat/stream"
    token = issue_token(settings, owners[0]["name"], owners[0]["token_stamp"] or "")
    headers = {"Authorization": f"Bearer {token}"}
    body = {"message": question, **options}
    try:
        with httpx.stream("POST", url, json=body, headers=headers, timeout=TIMEOUT, trust_env=False) as answer:
            if answer.is_error:
                answer.read()
                raise ModelRefused(str(answer.json().get("detail")), answer.status_code)
            return _shown(_events(answer.iter_lines()), show)
    except httpx.TransportError as exc:
        raise ApiNotRunning(f"nobody answers at {host}:{port}: start Darkroom with `darkroom up`") from exc


def _events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def _shown(events: Iterator[tuple[str, dict[str, Any]]], show: Callable[[str], None]) -> dict[str, Any]:
    for name, data in events:
        if name == "text":
            show(data["text"])
        elif name == "tool_call":
            asked = data["arguments"]
            statement = asked.get("sql") if isinstance(asked, dict) else None
            show(f"\n  · {data['name']} {statement or json.dumps(asked, ensure_ascii=False)}\n")
        elif name == "error":
            raise ModelUnavailable(str(data["detail"]))
        elif name == "done":
            return data
    raise ModelUnavailable("the answer broke off")

"""What the commands share: the context of flows, answers for scripts and people, and usage errors."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from deployments.settings import Settings
from tasks.errors import RefusedError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object (or array) on stdout and nothing else.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class WrongUsage(RefusedError):
    """An argument or option that cannot be meant: exit code 2."""


def flow_context_of(settings: Settings) -> Any:
    from flows.engine.context import open_context

    return open_context(settings)


def print_json(value: Any) -> None:
    import orjson

    sys.stdout.buffer.write(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2) + b"\n")


def asked_to_go_on(question: str, yes: bool) -> bool:
    """Whether the person at the terminal says so. Raises WrongUsage where there is none to ask."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise WrongUsage(f"{question} Nobody is there to ask: say --yes")
    return bool(typer.confirm(question))

"""What a tool is: a name, a description, arguments with a schema, and a typed result."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.errors import DarkroomError
from tasks.models.chat import ToolCall, ToolSchema

log = logging.getLogger(__name__)

MOST_ARGUMENT_CHARACTERS = 16_384
RESULT_CHARACTERS = 12_000
TOOL_SECONDS = 60.0


class Arguments(BaseModel):
    """Of a tool. What the schema does not name is refused, so that the model learns of its mistake."""

    model_config = ConfigDict(extra="forbid")


Given = TypeVar("Given", bound=Arguments)


@dataclass(frozen=True, slots=True)
class Cited:
    """What an answer may refer to. kind: photo (an asset_id) or summary (a summary_id)."""

    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class ToolResult:
    """
    Args:
        text: For the model. data: the same for the client, as JSON has it.
        failed: The tool could not do it; the model was told why.
        statement: SQL that was run, shown to the user with the answer.
    """

    text: str
    data: Any = None
    cited: tuple[Cited, ...] = ()
    failed: bool = False
    statement: str = ""


@cache
def _schema_of(arguments: type[Arguments]) -> dict[str, Any]:
    """Made once: twelve of them take 2.6 ms, and every turn of every chat sends them."""
    return _plain_schema(arguments.model_json_schema())


@dataclass(frozen=True, slots=True)
class Tool(Generic[Given]):
    """
    Args:
        writes: It records something (facts), and nothing else ever does.
    """

    name: str
    description: str
    arguments: type[Given]
    act: Callable[[Given], Awaitable[ToolResult]]
    writes: bool = False

    def schema(self) -> ToolSchema:
        return ToolSchema(self.name, self.description, _schema_of(self.arguments))


@dataclass
class Toolbox:
    """The tools of one turn. Whatever a model calls, `use` answers with text."""

    tools: Sequence[Tool[Any]] = ()
    seconds: float = TOOL_SECONDS
    result_characters: int = RESULT_CHARACTERS
    _by_name: dict[str, Tool[Any]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._by_name = {tool.name: tool for tool in self.tools}

    def schemas(self) -> list[ToolSchema]:
        return [tool.schema() for tool in self.tools]

    async def use(self, call: ToolCall) -> ToolResult:
        """Never raises but for cancellation: what goes wrong is told to the model, which may do better."""
        tool = self._by_name.get(call.name)
        if tool is None:
            return _failed(f"there is no tool {call.name[:80]!r}; there are: {', '.join(self._by_name) or 'none'}")
        try:
            given = tool.arguments.model_validate(_parsed(call.arguments))
        except ValueError as exc:  # pydantic's errors are among them
            return _failed(f"the arguments of {tool.name} are wrong: {_explained(exc)}")
        result = await self._act(tool, given)
        return _shortened(result, self.result_characters)

    async def _act(self, tool: Tool[Any], given: Arguments) -> ToolResult:
        try:
            async with asyncio.timeout(self.seconds):
                return await tool.act(given)
        except TimeoutError:
            return _failed(f"{tool.name} took longer than {self.seconds:g} s")
        except DarkroomError as exc:
            return _failed(str(exc))
        except Exception:  # a turn must not end because one of our tools has a fault
            log.exception("agent: the tool %s failed", tool.name)
            return _failed(f"{tool.name} failed; the server's log has the reason")


def _parsed(arguments: str) -> dict[str, Any]:
    if len(arguments) > MOST_ARGUMENT_CHARACTERS:
        raise ValueError(f"they are longer than {MOST_ARGUMENT_CHARACTERS:,} characters")
    try:
        value = orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError as exc:
        raise ValueError(f"they are no JSON ({exc})") from exc
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("a JSON object is needed")
    return value


def _explained(exc: ValueError) -> str:
    if isinstance(exc, ValidationError):
        return "; ".join(f"{'.'.join(map(str, error['loc'])) or 'all'}: {error['msg']}" for error in exc.errors()[:5])
    return str(exc)


def _failed(reason: str) -> ToolResult:
    return ToolResult(f"Error: {reason}", failed=True)


def _shortened(result: ToolResult, most: int) -> ToolResult:
    if len(result.text) <= most:
        return result
    text = f"{result.text[:most]}\n… (cut: {len(result.text):,} characters; ask for less)"
    return ToolResult(text, result.data, result.cited, result.failed, result.statement)


def _plain_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the titles pydantic adds: a third of the tokens, and models copy them."""

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(part) for part in node]
        if not isinstance(node, dict):
            return node
        properties = node.get("properties")
        kept = {key: plain(value) for key, value in node.items() if key not in {"title", "properties"}}
        if isinstance(properties, dict):
            kept["properties"] = {name: plain(value) for name, value in properties.items()}
        return kept

    described = plain({key: value for key, value in schema.items() if key != "description"})
    described.setdefault("properties", {})
    return dict(described)

"""Server-sent events, as an OpenAI-compatible service streams them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

MOST_CHARACTERS = 1 << 20  # of one event: a service that sends no line ends must not fill the memory


class EventTooLong(Exception):
    """An event longer than any answer of a model."""


async def events(chunks: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    """
    The data of each event; comments (`: OPENROUTER PROCESSING`) and other fields are left out.

    Args:
        chunks: Text as it arrives, cut anywhere.
    Raises:
        EventTooLong
    """
    rest = ""
    data: list[str] = []
    async for chunk in chunks:
        *lines, rest = (rest + chunk).replace("\r\n", "\n").split("\n")
        for line in lines:
            if line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
            elif not line.strip() and data:
                yield "\n".join(data)
                data = []
        if len(rest) + sum(map(len, data)) > MOST_CHARACTERS:
            raise EventTooLong
    if rest.startswith("data:"):
        data.append(rest[5:].removeprefix(" "))
    if data:
        yield "\n".join(data)

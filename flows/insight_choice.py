"""Whose photos get insights in the background, and what of the backlog that makes."""

from __future__ import annotations

from typing import Any

from flows.house import House
from tasks.agent.transcripts import PROMPT_VERSION
from tasks.errors import UnknownLibrary


def chosen_libraries(house: House) -> list[str]:
    """The names of INSIGHT_LIBRARIES. Raises UnknownLibrary: one of them is none."""
    chosen = (library.name for wanted in house.settings.insight_libraries for library in house.libraries(wanted))
    return list(dict.fromkeys(chosen))


def insight_parameters(house: House) -> dict[str, Any] | None:
    """Of `backlog/insights`; None while no library is chosen. What is misspelt is for the flow to complain about."""
    if not house.settings.insight_libraries:
        return None
    try:
        libraries = chosen_libraries(house)
    except UnknownLibrary:
        return None
    return {"libraries": libraries, "tool_version": insight_tool(house)}


def insight_tool(house: House) -> str:
    """What a refusal is remembered with: another model, or other prompts, and the photo is tried again."""
    return f"{house.settings.ollama_primary_model} {PROMPT_VERSION}"

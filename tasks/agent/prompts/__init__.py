"""What models are told, as text files beside this one. A change of their words is a new version."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def prompt(name: str) -> str:
    """The text of `<name>.txt`."""
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8").strip()


@cache
def prompt_version(*names: str) -> str:
    """Eight hex digits over the words of these prompts; kept with what was made by them."""
    return hashlib.sha256("\0".join(map(prompt, names)).encode()).hexdigest()[:8]

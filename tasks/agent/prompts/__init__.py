"""What models are told, as text files beside this one. A change of their words is a new version."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def prompt(name: str) -> str:
    """The text of `<name>.txt`."""
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8").strip()


def filled(name: str, **parts: str) -> str:
    """The text of `<name>.txt` with each `{part}` put in; braces in what is put in stay as they are."""
    return re.sub(r"\{(\w+)\}", lambda found: parts.get(found[1], found[0]), prompt(name))


@cache
def prompt_version(*names: str) -> str:
    """Eight hex digits over the words of these prompts; kept with what was made by them."""
    return hashlib.sha256("\0".join(map(prompt, names)).encode()).hexdigest()[:8]

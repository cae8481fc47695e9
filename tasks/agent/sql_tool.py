"""query_catalog: a question about the whole library as one SELECT; the statement is shown with the answer."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tasks.agent.catalog_sql import CatalogSql, SqlAnswer
from tasks.agent.tools import Arguments, Cited, Tool, ToolResult


class QueryCatalog(Arguments):
    sql: str = Field(min_length=1, max_length=10_000, description="One SELECT statement in DuckDB's SQL")


def sql_tool(catalog: CatalogSql) -> Tool[QueryCatalog]:
    async def query(given: QueryCatalog) -> ToolResult:
        answer = await catalog.run(given.sql)
        return ToolResult(_text(answer), _data(answer), _cited(answer), statement=answer.statement)

    return Tool("query_catalog", _description(catalog), QueryCatalog, query)


def _description(catalog: CatalogSql) -> str:
    views = [f"{view}({', '.join(columns)})" for view, columns in catalog.columns().items()]
    return (
        "Ask the catalog with SQL: counting, grouping, comparing. Read-only, "
        f"at most {catalog.limits.rows} rows and {catalog.limits.seconds:g} seconds. v_columns describes every column. "
        f"Views: {'; '.join(views)}"
    )


def _text(answer: SqlAnswer) -> str:
    lines = [" | ".join(answer.columns)]
    lines += [" | ".join("" if value is None else str(value) for value in row) for row in answer.rows]
    end = f"({len(answer.rows)} rows{', more were cut off' if answer.cut else ''})"
    return "\n".join([*lines, end])


def _data(answer: SqlAnswer) -> dict[str, Any]:
    return {"sql": answer.statement, "columns": answer.columns, "rows": answer.rows, "more": answer.cut}


def _cited(answer: SqlAnswer) -> tuple[Cited, ...]:
    """The photos and summaries in the result, where it has their numbers."""
    kinds = {"asset_id": "photo", "summary_id": "summary"}
    places = [(number, kinds[name.lower()]) for number, name in enumerate(answer.columns) if name.lower() in kinds]
    found = (Cited(kind, row[place]) for row in answer.rows for place, kind in places if isinstance(row[place], int))
    return tuple(dict.fromkeys(found))

"""`darkroom sql` asks and changes nothing: no row, no setting, no file; and its JSON is JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.cli.read_only import documented_views, open_read_only, run_query, write_table
from deployments.settings import load_settings
from flows.engine.context import FlowContext
from sql.lake import Lake
from tasks.errors import InvalidQuery


@pytest.fixture
def lake(flow_context: FlowContext) -> Iterator[Lake]:
    with flow_context.lake.write("rows") as writer:
        writer.append("run", [{"run_id": str(number), "flow": "scan"} for number in range(600)])
        writer.append(
            "account", [{"account_id": n, "name": f"a{n}", "password_hash": "secret-hash"} for n in range(600)]
        )
        writer.execute("insert into favorite by name select 'h' as content_hash, 1 as account_id")
    with open_read_only(load_settings()) as lake:
        yield lake


QUESTIONS = [
    "from v_runs",
    "select count(*) from lake.v_runs",
    "select count(*) from lake.main.v_runs",
    "describe v_runs",
    "summarize v_runs",
    "show tables",
    "pivot v_runs on flow using count(*)",
    "explain select 1",
    "explain analyze select count(*) from v_runs",
    "-- a comment\nwith a as (select 1 as x) select * from a",
    "from ducklake_snapshots('lake')",
    "from lake.snapshots()",
    "with account as (select 1 as a) from account",
    "with library as (from v_libraries) select * from library join v_runs on true",
    "select flow from (pivot v_runs on library in ('all') using count(*) group by flow)",
    "unpivot v_runs on flow, state into name what value is_it",
    "select unnest(range(3))",
]
REFUSED = [
    "delete from run",
    "insert into run (run_id) values ('x')",
    "create table x as select 1",
    "drop view v_runs",
    "copy (select 1) to '{home}/out.csv'",
    "copy (select 1) to '{data}/out.csv'",
    "explain analyze copy (select 1) to '{data}/out.csv'",
    "/* */ explain analyze copy (select 1) to '{data}/out.csv'",
    "export database '{home}/out'",
    "attach '{catalog}' as catalog (type sqlite)",
    "attach ':memory:' as elsewhere",
    "select 1; attach ':memory:' as elsewhere",
    "from read_text('/etc/hosts')",
    "from glob('/etc/*')",
    "from '{home}/secrets/secret_key'",
    "set threads = 1",
    "install spatial",
    "call ducklake_flush_inlined_data('lake')",
    "from ducklake_delete_orphaned_files('lake', cleanup_all => true)",
    "from sqlite_query('__ducklake_metadata_lake', 'delete from ducklake_snapshot returning *')",
    "from sqlite_scan('/tmp/other.sqlite', 't')",
    "from postgres_scan('host=elsewhere', 'public', 't')",
    "from lake.set_option('delete_older_than', '0 seconds')",
    'from "lake"."merge_adjacent_files"()',
    "from query('select 1')",
    "select (select count(*) from iceberg_scan('/tmp/x')) as hidden_deep",
    "from parquet_scan('/tmp/x.parquet')",
    "from \"query\"('select 1')",
]
# What is in base tables (password hashes, digests of keys, conversations), and what tells of files and connections.
PRIVATE = [
    "select password_hash from account",
    "select * from ACCOUNT",
    'select * from "account"',
    "table account",
    "describe account",
    "summarize account",
    "from lake.account",
    "from main.account",
    "from lake.main.api_key",
    "from conversation_message",
    "from schema_migration",
    "from account at (version => 1)",
    "select * from (with account as (select 1) select * from account), account",
    "with recursive account as (select 1 union all select 1 from account where false) select * from lake.account",
    "select (select max(password_hash) from account) from v_runs",
    "select * from v_runs where exists (from account)",
    "select * from v_runs, lateral (from account)",
    "with a as materialized (from account) from a",
    "explain analyze select * from account",
    "pivot account on name using count(*)",
    "pivot (from lake.main.account) on name using count(*)",
    "pivot (select * from v_runs join account on true) on name using count(*)",
    "pivot '{data}/main/account/*.parquet' on name using count(*)",
    "pivot read_parquet('{data}/main/account/*.parquet') on name using count(*)",
    "pivot ducklake_table_changes('lake', 'main', 'account', 0, 99) on name using count(*)",
    "from __ducklake_metadata_lake.ducklake_data_file",
    "from __ducklake_metadata_lake.main.ducklake_inlined_data_1_1",
    "from read_parquet('{data}/main/account/*.parquet')",
    "from '{data}/main/account/*.parquet'",
    'from "{data}/main/account/*.parquet"',
    "from lake.table_changes('account', 0, 99)",
    "from ducklake_table_insertions('lake', 'main', 'account', 0, 99)",
    "from ducklake_list_files('lake', 'account')",
    "from duckdb_tables()",
    "from duckdb_tables",
    "from duckdb_databases()",
    "from duckdb_databases",
    "from duckdb_secrets()",
    "select * from (with duckdb_databases as (select 1) from duckdb_databases), duckdb_databases",
    "from information_schema.tables",
    "from pg_catalog.pg_tables",
    "from pg_tables",
    "from sqlite_master",
    "from pragma_database_list",
    "show databases",
    "from json_execute_serialized_sql(json_serialize_sql('from account'))",
    "select * from query_table('account')",
]


@pytest.mark.parametrize("query", PRIVATE)
def test_private_tables_are_out_of_reach(lake: Lake, flow_context: FlowContext, query: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        run_query(lake, query.format(data=flow_context.settings.data_path))
    assert "secret-hash" not in str(refused.value)


def test_no_documented_view_shows_what_is_private(flow_context: FlowContext) -> None:
    named = {row["column_name"] for row in flow_context.lake.select("select distinct column_name from v_columns")}
    assert not [name for name in named if re.search(r"password|token|(^|_)key(_|$)|secret|embedding|vector", name)]
    for view in documented_views():
        assert "secret-hash" not in str(flow_context.lake.select(f"from {view}")), view


def test_show_tables_names_the_views(lake: Lake) -> None:
    assert [row["name"] for row in run_query(lake, "show tables").to_pylist()] == documented_views()


@pytest.mark.parametrize("query", QUESTIONS)
def test_questions_are_answered(lake: Lake, query: str) -> None:
    assert run_query(lake, query).num_columns


@pytest.mark.parametrize("query", REFUSED)
def test_what_could_write_or_reach_another_file_is_refused(
    lake: Lake, flow_context: FlowContext, home: Path, query: str
) -> None:
    data = flow_context.settings.data_path
    files = sorted(Path(data).rglob("*"))
    names = {"home": home, "data": data, "catalog": home / "lake" / "catalog.sqlite"}
    with pytest.raises(InvalidQuery):
        run_query(lake, query.format(**names))
    assert sorted(Path(data).rglob("*")) == files
    assert flow_context.lake.select("select count(*) as n from run") == [{"n": 600}]


def test_files_are_written_where_that_is_asked_for(flow_context: FlowContext, tmp_path: Path) -> None:
    with open_read_only(load_settings(), allow_files=True) as lake:
        run_query(lake, f"copy (select 1 as x) to '{tmp_path}/out.csv'", allow_files=True)
        assert run_query(lake, f"from '{tmp_path}/out.csv'", allow_files=True).to_pylist() == [{"x": 1}]
        with pytest.raises(InvalidQuery, match="read-only"):
            run_query(lake, "delete from run", allow_files=True)


def test_an_earlier_state_is_as_closed_as_the_present_one(lake: Lake, flow_context: FlowContext) -> None:
    newest = str(flow_context.lake.snapshot_id())
    with open_read_only(load_settings(), newest) as then:
        assert run_query(then, "select count(*) as n from v_runs").to_pylist() == [{"n": 600}]
        with pytest.raises(InvalidQuery):
            run_query(then, "from read_text('/etc/hosts')")


@pytest.mark.parametrize("at", ["²", "0001-01-01T00:00+14:00", "9" * 30, "-1", "yesterday"])
def test_times_that_are_none_are_refused_in_words(flow_context: FlowContext, at: str) -> None:
    with pytest.raises(InvalidQuery):
        open_read_only(load_settings(), at)


def test_json_has_null_where_a_number_is_none(lake: Lake, tmp_path: Path) -> None:
    query = """
        select 'nan'::double as a, 'inf'::float as b, [1.5, '-inf'::double, null] as c,
            {'x': 'nan'::double, 'y': [['inf'::double]]} as d, map {'k': 'nan'::double} as e, null::double[] as f,
            null::struct(x double) as g, 2.5::double as h, [{'q': 'nan'::double}] as "odd name"
    """
    with (tmp_path / "out.json").open("wb") as file:
        write_table(run_query(lake, query), file, "json")
    assert json.loads((tmp_path / "out.json").read_text(), parse_constant=_no_json) == [
        {"a": None, "b": None, "c": [1.5, None, None], "d": {"x": None, "y": [[None]]}, "e": {"k": None}, "f": None,
         "g": None, "h": 2.5, "odd name": [{"q": None}]}
    ]  # fmt: skip


def _no_json(name: str) -> float:
    raise AssertionError(f"{name} is no JSON")

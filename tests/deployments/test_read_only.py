"""`darkroom sql` asks and changes nothing: no row, no setting, no file; and its JSON is JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.read_only import open_read_only, run_query, write_table
from deployments.settings import load_settings
from flows.house import House
from sql.lake import Lake
from tasks.errors import InvalidQuery


@pytest.fixture
def lake(house: House) -> Iterator[Lake]:
    with house.lake.write("rows") as writer:
        writer.append("run", [{"run_id": str(number), "flow": "scan"} for number in range(600)])
    with open_read_only(load_settings()) as lake:
        yield lake


QUESTIONS = [
    "from v_runs",
    "select count(*) from run",
    "describe v_runs",
    "summarize v_runs",
    "show tables",
    "pivot v_runs on flow using count(*)",
    "explain select 1",
    "explain analyze select count(*) from v_runs",
    "-- a comment\nwith a as (select 1 as x) select * from a",
    "from ducklake_snapshots('lake')",
    "from lake.table_changes('run', 0, 1)",
    "from duckdb_tables()",
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


@pytest.mark.parametrize("query", QUESTIONS)
def test_questions_are_answered(lake: Lake, query: str) -> None:
    assert run_query(lake, query).num_columns


@pytest.mark.parametrize("query", REFUSED)
def test_what_could_write_or_reach_another_file_is_refused(lake: Lake, house: House, home: Path, query: str) -> None:
    data = house.settings.data_path
    files = sorted(Path(data).rglob("*"))
    names = {"home": home, "data": data, "catalog": home / "lake" / "catalog.sqlite"}
    with pytest.raises(InvalidQuery):
        run_query(lake, query.format(**names))
    assert sorted(Path(data).rglob("*")) == files
    assert house.lake.select("select count(*) as n from run") == [{"n": 600}]


def test_files_are_written_where_that_is_asked_for(house: House, tmp_path: Path) -> None:
    with open_read_only(load_settings(), allow_files=True) as lake:
        run_query(lake, f"copy (select 1 as x) to '{tmp_path}/out.csv'", allow_files=True)
        assert run_query(lake, f"from '{tmp_path}/out.csv'", allow_files=True).to_pylist() == [{"x": 1}]
        with pytest.raises(InvalidQuery, match="read-only"):
            run_query(lake, "delete from run", allow_files=True)


def test_an_earlier_state_is_as_closed_as_the_present_one(lake: Lake, house: House) -> None:
    newest = str(house.lake.snapshot_id())
    with open_read_only(load_settings(), newest) as then:
        assert run_query(then, "select count(*) as n from run").to_pylist() == [{"n": 600}]
        with pytest.raises(InvalidQuery):
            run_query(then, "from read_text('/etc/hosts')")


@pytest.mark.parametrize("at", ["²", "0001-01-01T00:00+14:00", "9" * 30, "-1", "yesterday"])
def test_times_that_are_none_are_refused_in_words(house: House, at: str) -> None:
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

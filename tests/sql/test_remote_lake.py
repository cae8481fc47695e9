"""The lake of many machines: catalog in a real PostgreSQL, Parquet on a real S3 interface, both on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from sql import empty_tables
from sql.lake import Lake, LakeError, LakeLocked
from tests.postgres import new_database, postgres_server


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A PostgreSQL of this module's own; its URL."""
    with postgres_server() as url:
        yield url


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket on moto's S3; its URL."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("S3_ENDPOINT", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    import httpx

    httpx.put(f"http://{host}:{port}/lake", timeout=60).raise_for_status()
    yield "s3://lake/data/"
    server.stop()


def test_catalog_in_postgres_and_parquet_on_s3_keep_what_is_written(postgres: str, bucket: str) -> None:
    lake = Lake(postgres, bucket)
    lake.migrate()
    assert lake.select(empty_tables.WITHOUT_STATISTICS) == []
    with lake.write("many rows") as writer:
        writer.append("run", [{"run_id": str(number)} for number in range(2_000)])
    files = lake.select("select data_file from ducklake_list_files('lake', 'run')")
    assert files
    assert all(row["data_file"].startswith("s3://lake/data/") for row in files)
    again = Lake(postgres, bucket)
    assert again.select("select count(*) as n from v_runs") == [{"n": 2_000}]
    lake.close()
    again.close()


def test_a_confined_lake_reads_its_own_bucket_and_database_and_nothing_else(postgres: str, bucket: str) -> None:
    with Lake(postgres, bucket) as lake:
        lake.migrate()
        with lake.write("many rows") as writer:
            writer.append("run", [{"run_id": str(number), "flow": "confined"} for number in range(2_000)])
        with Lake(postgres, bucket, read_only=True, confined=True) as confined:
            count = "select count(*) as n from v_runs where flow = 'confined'"
            assert confined.select(count) == [{"n": 2_000}]
            with lake.write("one more") as writer:
                writer.append("run", [{"run_id": "last", "flow": "confined"}])
            assert confined.select(count) == [{"n": 2_001}]
            for elsewhere in ("from read_text('/etc/hosts')", "from read_text('s3://other/secret')", "set threads = 1"):
                with pytest.raises(duckdb.Error, match=r"disabled by configuration|locked"):
                    confined.select(elsewhere)


def test_write_lock_holds_between_machines(postgres: str, tmp_path: Path) -> None:
    first, second = database_of_its_own(postgres, "locks", tmp_path), None
    second = Lake(first.catalog.url, str(tmp_path / "data"), lock_timeout_seconds=0.3)  # type: ignore[attr-defined]
    with first.write() as writer:
        writer.append("run", [{"run_id": "a"}])
        with pytest.raises(LakeLocked), second.write():
            pass
    with second.write() as writer:
        writer.append("run", [{"run_id": "b"}])
    assert first.select("select run_id from run order by 1") == [{"run_id": "a"}, {"run_id": "b"}]


def test_exclusive_work_is_given_to_one_machine(postgres: str, tmp_path: Path) -> None:
    lake = database_of_its_own(postgres, "exclusive", tmp_path)
    with lake.exclusive("scan") as first, lake.exclusive("scan") as second, lake.exclusive("other") as third:
        assert (first, second, third) == (True, False, True)


def test_change_of_another_machine_is_noticed(postgres: str, tmp_path: Path) -> None:
    lake = database_of_its_own(postgres, "changes", tmp_path)
    before = lake.snapshot_id()
    other = Lake(lake.catalog.url, str(tmp_path / "data"))  # type: ignore[attr-defined]
    with other.write() as writer:
        writer.append("run", [{"run_id": "a"}])
    assert lake.snapshot_id() > before


def test_writers_at_once_lose_nothing(postgres: str, tmp_path: Path) -> None:
    lake = database_of_its_own(postgres, "writers", tmp_path)
    url = lake.catalog.url  # type: ignore[attr-defined]

    def write(name: str) -> None:
        own = Lake(url, str(tmp_path / "data"))
        for number in range(8):
            with own.write() as writer:
                writer.append("run", [{"run_id": f"{name}-{number}"}])
        own.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lake.select("select count(distinct run_id) as n from run") == [{"n": 24}]


def test_password_of_the_database_is_shown_nowhere(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="cannot be opened") as raised:
        Lake("postgresql://me:hunter2secret@127.0.0.1:1/none", str(tmp_path))
    assert "hunter2secret" not in str(raised.value)


def test_whole_scan_runs_against_postgres(postgres: str, tmp_path: Path, home: Path) -> None:
    from tests.pictures import draw

    database_of_its_own(postgres, "scan", tmp_path).close()
    draw(tmp_path / "photos" / "a.jpg", 1)
    url = postgres.rpartition("/")[0] + "/scan"
    done = subprocess.run(
        [sys.executable, "-m", "deployments.cli.app", "scan", str(tmp_path / "photos"), "--json"],
        env={**os.environ, "DATABASE_URL": url, "LAKE_DATA_PATH": str(tmp_path / "data")},
        capture_output=True, text=True, check=False, timeout=120, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"thumbnails": 1' in done.stdout


def database_of_its_own(postgres: str, name: str, folder: Path) -> Lake:
    lake = Lake(new_database(postgres, name), str(folder / "data"))
    lake.migrate()
    return lake


def test_lake_whose_objects_lie_under_another_prefix_is_opened_there(bucket: str, tmp_path: Path) -> None:
    import boto3

    catalog = f"sqlite:///{tmp_path}/catalog.sqlite"
    with Lake(catalog, bucket) as lake:
        lake.migrate()
        with lake.write() as writer:
            writer.append("run", [{"run_id": str(number)} for number in range(2_000)])
    client = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT"], region_name="us-east-1")
    for key in [one["Key"] for one in client.list_objects_v2(Bucket="lake")["Contents"]]:
        client.copy_object(Bucket="lake", CopySource={"Bucket": "lake", "Key": key}, Key=f"moved/{key[5:]}")
        client.delete_object(Bucket="lake", Key=key)
    with pytest.raises(LakeError, match="LAKE_DATA_PATH"):
        Lake(catalog, "s3://lake/elsewhere/")
    with Lake(catalog, "s3://lake/moved/") as lake:
        assert lake.select("select count(*) as n from v_runs") == [{"n": 2_000}]

"""A lake is opened where it lies now: moved, copied, or with its Parquet files elsewhere; a wrong folder is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sql.lake import Lake, LakeError


def lake_in(home: Path, **options: bool) -> Lake:
    return Lake(f"sqlite:///{home}/catalog.sqlite", str(home / "data"), **options)  # type: ignore[arg-type]


@pytest.fixture
def first_home(tmp_path: Path) -> Path:
    home = tmp_path / "a [first] home"
    home.mkdir()
    with lake_in(home) as lake:
        lake.migrate()
        for flow in ("scan", "drain"):  # a file each, and rows inlined in the catalog
            with lake.write() as writer:
                writer.append("run", [{"run_id": f"{flow}{number}", "flow": flow} for number in range(600)])
        with lake.write() as writer:
            writer.execute("delete from run where run_id = 'scan7'")
            writer.append("run", [{"run_id": "inlined", "flow": "scan"}])
    return home


def runs(lake: Lake) -> list[dict[str, object]]:
    return lake.select("from v_runs order by run_id")


@pytest.mark.parametrize("read_only", [False, True])
def test_moved_lake_has_every_row_at_its_new_place(first_home: Path, tmp_path: Path, read_only: bool) -> None:
    with lake_in(first_home) as lake:
        before = runs(lake)
    first_home.rename(tmp_path / "second home*")
    with lake_in(tmp_path / "second home*", read_only=read_only) as lake:
        assert runs(lake) == before and len(before) == 1200


def test_copied_lake_is_a_lake_of_its_own(first_home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(first_home, copy)
    with lake_in(copy) as lake, lake.write() as writer:
        writer.append("run", [{"run_id": f"new{number}", "flow": "scan"} for number in range(600)])
    with lake_in(first_home) as lake:
        assert len(runs(lake)) == 1200
        lake.maintain(1)
    shutil.rmtree(first_home)
    with lake_in(copy) as lake:
        lake.maintain(1)
        assert len(runs(lake)) == 1800
        told = lake.select("select value from __ducklake_metadata_lake.ducklake_metadata where key = 'data_path'")
        assert told == [{"value": f"{copy}/data/"}]  # where other programs look


def test_data_folder_without_the_lakes_files_is_refused_and_left_alone(first_home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.parquet").write_bytes(b"not ours")
    with pytest.raises(LakeError, match="LAKE_DATA_PATH"):
        Lake(f"sqlite:///{first_home}/catalog.sqlite", str(other))
    assert (other / "mine.parquet").exists()
    with lake_in(first_home) as lake:
        assert len(runs(lake)) == 1200


def test_new_catalog_is_not_begun_beside_the_files_of_a_lost_one(first_home: Path) -> None:
    for file in first_home.glob("catalog.sqlite*"):
        file.unlink()
    with pytest.raises(LakeError, match=r"darkroom restore"):
        lake_in(first_home)
    assert len(list(first_home.rglob("*.parquet"))) >= 2
    assert not (first_home / "catalog.sqlite").exists()

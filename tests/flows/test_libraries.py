"""Libraries: registered, forgotten, and never mistaken for each other."""

from __future__ import annotations

from pathlib import Path

from flows.admin.libraries import register_library
from flows.admin.library_removal import remove_library
from flows.engine.context import House


def numbers(house: House) -> dict[str, int]:
    return {row["name"]: row["library_id"] for row in house.lake.rows("scan/libraries")}


def test_number_of_a_removed_library_is_not_given_again(house: House, tmp_path: Path) -> None:
    for name in ("first", "second", "third"):
        (tmp_path / name).mkdir()
        register_library(house.lake, tmp_path / name)
    assert numbers(house) == {"first": 1, "second": 2, "third": 3}
    remove_library(house, "third")
    register_library(house.lake, tmp_path / "third")
    assert numbers(house) == {"first": 1, "second": 2, "third": 4}
    for name in numbers(house):
        remove_library(house, name)
    register_library(house.lake, tmp_path / "first")
    assert numbers(house) == {"first": 5}


def test_library_of_a_lake_from_before_numbers_were_remembered_keeps_the_count(house: House, tmp_path: Path) -> None:
    with house.lake.write("as it was") as writer:
        writer.append("library", [{"library_id": 7, "name": "old", "root_path": str(tmp_path / "old")}])
        writer.execute("delete from face_number")
    (tmp_path / "new").mkdir()
    register_library(house.lake, tmp_path / "new")
    assert numbers(house) == {"old": 7, "new": 8}

"""Libraries: registered, forgotten, and never mistaken for each other."""

from __future__ import annotations

from pathlib import Path

from flows.admin.libraries import register_library
from flows.admin.library_removal import remove_library
from flows.engine.context import FlowContext


def numbers(flow_context: FlowContext) -> dict[str, int]:
    return {row["name"]: row["library_id"] for row in flow_context.lake.rows("scan/libraries")}


def test_number_of_a_removed_library_is_not_given_again(flow_context: FlowContext, tmp_path: Path) -> None:
    for name in ("first", "second", "third"):
        (tmp_path / name).mkdir()
        register_library(flow_context.lake, tmp_path / name)
    assert numbers(flow_context) == {"first": 1, "second": 2, "third": 3}
    remove_library(flow_context, "third")
    register_library(flow_context.lake, tmp_path / "third")
    assert numbers(flow_context) == {"first": 1, "second": 2, "third": 4}
    for name in numbers(flow_context):
        remove_library(flow_context, name)
    register_library(flow_context.lake, tmp_path / "first")
    assert numbers(flow_context) == {"first": 5}


def test_library_of_a_lake_from_before_numbers_were_remembered_keeps_the_count(
    flow_context: FlowContext, tmp_path: Path
) -> None:
    with flow_context.lake.write("as it was") as writer:
        writer.append("library", [{"library_id": 7, "name": "old", "root_path": str(tmp_path / "old")}])
        writer.execute("delete from face_number")
    (tmp_path / "new").mkdir()
    register_library(flow_context.lake, tmp_path / "new")
    assert numbers(flow_context) == {"old": 7, "new": 8}

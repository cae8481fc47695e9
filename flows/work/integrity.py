"""What keeps catalog and disk honest with each other: checks, deleted sentinels, vanished derivatives."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from flows.engine.context import FlowContext, open_context
from sql.lake import FOLDER, Row
from tasks.errors import IntegrityError
from tasks.files.atomic_write import is_old_temporary
from tasks.files.derivatives import FILE_OF, hls_file, on_disk
from tasks.files.names import to_os_name
from tasks.images.sentinel import clear_mark, is_marked


def check_lake(context: FlowContext | None = None) -> None:
    """
    Run every query of `sql/checks/`: each returns the rows that should not exist.

    Raises:
        IntegrityError: One of them returned some.
    """
    lake = (context or open_context()).lake
    broken = []
    for path in sorted((FOLDER / "checks").glob("*.sql")):
        rows = lake.rows(f"checks/{path.stem}")
        if rows:
            broken.append(f"{path.stem}: {len(rows)} rows, such as {rows[0]}")
    if broken:
        raise IntegrityError("the catalog broke its own rules: " + "; ".join(broken))


def forget_deleted_sentinels(context: FlowContext | None = None) -> int:
    """Somebody deleted a `.unsupported` file: that asks for another try. Returns how many."""
    context = context or open_context()
    failed = context.lake.rows("upkeep/marked_failures")
    deleted = [row for row in failed if not is_marked(place_of_failure(context, row))]
    if deleted:
        with context.lake.write(f"{len(deleted)} sentinels were deleted: trying again") as writer:
            writer.delete("failure", [{"asset_id": row["asset_id"], "stage": row["stage"]} for row in deleted])
    return len(deleted)


def place_of_failure(context: FlowContext, failure: Row) -> Path:
    """Where the derivative would be that could not be made; its sentinel lies beside it."""
    stage = failure["stage"]
    if stage == "hls":
        return on_disk(context.folder_of(stage), hls_file(failure["file_version"]))
    return on_disk(context.folder_of(stage), FILE_OF[stage](failure["library_id"], failure["rel_path"]))


def forget_vanished_derivatives(context: FlowContext) -> int:
    """What somebody deleted is made again: the rows go. Returns how many."""
    rows = context.lake.rows("upkeep/derivative_files")
    vanished = [row for row in rows if not on_disk(context.folder_of(row["kind"]), row["file"]).is_file()]
    if vanished:
        with context.lake.write(f"{len(vanished)} derivatives vanished: making them again") as writer:
            writer.delete("derivative", [{"asset_id": row["asset_id"], "kind": row["kind"]} for row in vanished])
    return len(vanished)


def delete_broken_uploads(context: FlowContext) -> int:
    """
    Hidden temporary files of uploads that a kill cut off, a day old or more; returns how many.

    The scans have seen them: the library is not walked for them.
    """
    deleted = 0
    for row in context.lake.rows("upkeep/broken_uploads"):
        path = Path(to_os_name(row["root_path"])) / to_os_name(row["rel_path"])
        if is_old_temporary(path):
            path.unlink(missing_ok=True)
            deleted += 1
    return deleted


def retry_failures(context: FlowContext, paths: list[str], stage: str = "", run_id: str = "") -> int:
    """
    Have failures tried again: their sentinels go, their rows stay and count on. Returns how many.

    Args:
        paths: Files or folders, relative to their library or absolute; empty for all.
        stage: Only failures of this stage; "" for all.
        run_id: Only failures recorded by this run; "" for all.
    """
    wanted = pa.table({"path": pa.array([path.rstrip("/") for path in paths], pa.string())})
    failures = context.lake.rows_using("cli/retry", {"wanted": wanted}, stage=stage, run_id=run_id)
    if not failures:
        return 0
    for row in failures:
        if row["stage"] == "hls" or row["stage"] in FILE_OF:
            clear_mark(place_of_failure(context, row))
    keys = pa.Table.from_pylist([{"asset_id": row["asset_id"], "stage": row["stage"]} for row in failures])
    with context.lake.write(f"{len(failures)} failures to try again") as writer, writer.using("wanted", keys):
        writer.run("cli/forget_tools")
    return len(failures)

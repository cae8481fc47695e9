"""Forgetting a library: its rows in one commit, then the files made from it. No original is touched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows.engine.context import FlowContext, Library
from flows.work.integrity import place_of_failure
from sql.lake import FOLDER, Row, Writer
from tasks.errors import Conflict, RefusedError, TransientError
from tasks.files.derivatives import FILE_OF, on_disk
from tasks.images.sentinel import clear_mark

_RESERVED = {"all"}  # means something else where a library is asked for


@dataclass(slots=True)
class RemovalReport:
    """What was forgotten, or would be: rows by table, files made from the originals, and how many could not go."""

    library: str
    root_path: str
    dry_run: bool
    assets: int
    rows: dict[str, int]
    files: int
    files_left: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def remove_library(context: FlowContext, wanted: str, *, dry_run: bool = False) -> RemovalReport:
    """
    Forget a library. What was said of its pictures (tags, names, favourites) stays with their content, and is there
    again when the same bytes are.

    Args:
        wanted: Its name or number.
        dry_run: Count only.
    Raises:
        UnknownLibrary. Conflict: BASE_PATH would bring it back. TransientError: A scan or drain is at work.
    """
    library = one_library(context, wanted)
    if context.settings.base_path is not None and context.settings.base_path == library.root:
        raise Conflict(f"BASE_PATH names {library.root}: unset it first, or the next command brings the library back")
    if dry_run:
        return _forget(context, library, dry_run=True)
    with nobody_at_work(context, library):
        files = context.lake.rows("libraries/derivative_files", library_id=library.library_id)
        marks = context.lake.rows("libraries/marked_failures", library_id=library.library_id)
        report = _forget(context, library, dry_run=False)
        report.files_left = _delete_files(context, files, marks)
    return report


def rename_library(context: FlowContext, wanted: str, name: str) -> None:
    """
    Give a library another name; its number, files and pictures stay.

    Raises:
        UnknownLibrary. RefusedError: The name will not do. Conflict: It is taken.
    """
    library, name = one_library(context, wanted), name.strip()
    if not name or len(name) > 200 or name.isdigit() or name.lower() in _RESERVED or not name.isprintable():
        raise RefusedError("a library's name has 1 to 200 characters, is no number and not `all`")
    with context.lake.write(f"library {library.name} is called {name}") as writer:
        for row in writer.run("scan/libraries"):
            if row["name"] == name and row["library_id"] != library.library_id:
                raise Conflict(f"the library at {row['root_path']} is called {name}")
        writer.run("libraries/rename", library_id=library.library_id, new_name=name)


def one_library(context: FlowContext, wanted: str) -> Library:
    if wanted.lower() in _RESERVED:
        raise RefusedError("one library at a time: `darkroom library list` names them")
    return context.libraries(wanted)[0]


@contextmanager
def nobody_at_work(context: FlowContext, library: Library) -> Iterator[None]:
    """No scan of it and no drain goes on meanwhile: they would write rows of files that are forgotten."""
    names = [
        f"scan-{library.library_id}",
        *(f"drain-{path.stem}" for path in sorted((FOLDER / "backlog").glob("*.sql"))),
    ]
    with ExitStack() as stack:
        for name in names:
            if not stack.enter_context(context.lake.exclusive(name)):
                raise TransientError(f"{name} is at work on the catalog: try again when it is done, or stop it first")
        yield


def _forget(context: FlowContext, library: Library, *, dry_run: bool) -> RemovalReport:
    number = library.library_id
    tables = context.lake.rows("libraries/asset_tables")
    counts = {
        row["table_name"]: context.lake.select(f"select count(*) as n {_of(row)}", id=number)[0]["n"] for row in tables
    }
    files = len(context.lake.rows("libraries/derivative_files", library_id=number))
    if not dry_run:
        with context.lake.write(f"library {library.name} removed") as writer:
            _delete_rows(writer, tables, number)
    rows = {table: count for table, count in counts.items() if count}
    return RemovalReport(library.name, str(library.root), dry_run, counts["asset"], rows, files)


def _delete_rows(writer: Writer, tables: list[Row], library_id: int) -> None:
    """What belongs to an asset first: which those are is known only while the assets are there."""
    for row in sorted(tables, key=lambda row: row["column_name"] != "asset_id" or row["table_name"] == "asset"):
        if row["table_name"] != "asset":
            writer.execute(f"delete {_of(row)}", id=library_id)
    writer.execute("delete from asset where library_id = $id", id=library_id)


def _of(row: Row) -> str:
    """`from <table> where …`: the rows of one library."""
    if row["column_name"] == "library_id":
        return f"from {row['table_name']} where library_id = $id"
    return f"from {row['table_name']} where asset_id in (select asset_id from asset where library_id = $id)"


def _delete_files(context: FlowContext, files: list[Row], marks: list[Row]) -> int:
    """Files made from the originals, and marks of failure; how many could not be deleted."""
    left = 0
    for row in files:
        folder = context.folder_of(row["kind"])
        left += not _delete(on_disk(folder, row["file"]), folder, whole_folder=row["kind"] == "hls")
    for row in marks:
        if row["stage"] == "hls" or row["stage"] in FILE_OF:
            clear_mark(place_of_failure(context, row))
    return left


def _delete(file: Path, within: Path, *, whole_folder: bool) -> bool:
    """Whether it is gone; folders that it leaves empty go too."""
    try:
        if whole_folder:
            shutil.rmtree(file.parent)
        else:
            file.unlink()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    for folder in file.parents:
        if folder == within or not _removed_empty(folder):
            break
    return True


def _removed_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:  # something is in it: it stays
        return False
    return True

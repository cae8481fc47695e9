"""The configured roots: registered once, known by number and name."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from sql.lake import Lake, Row, utc_now
from tasks.errors import Conflict, LibraryLost
from tasks.faces.record import new_numbers
from tasks.files.names import to_os_name, to_text

RECOGNISED_BY_FILES = 100  # looked for at a new place


def register_library(lake: Lake, root: Path) -> str:
    """
    The name of the library at *root*, made if there is none: its folder's name, numbered where that is taken.

    Raises:
        LibraryLost: There is no such folder.
        Conflict: It lies inside another library, or around one: its files would be there twice; or it holds the files
            of one whose folder is gone: then it is said how to tell that it moved.
    """
    name: str
    root = root.expanduser()
    root = root.resolve() if ".." in root.parts else root.absolute()  # symlinks stay, so that a disk can be remounted
    root_path = to_text(str(root))
    real = os.path.realpath(root)
    for row in lake.rows("scan/libraries"):
        if row["root_path"] == root_path:
            return str(row["name"])
        if f"{root_path}/".startswith(f"{row['root_path']}/") or f"{row['root_path']}/".startswith(f"{root_path}/"):
            raise Conflict(f"{root_path} and the library {row['name']} at {row['root_path']} contain each other")
        if os.path.realpath(to_os_name(row["root_path"])) == real:
            raise Conflict(f"{root_path} is the library {row['name']} at {row['root_path']} by another name")
    if not root.is_dir():
        raise LibraryLost(f"there is no folder {root_path}; give the folder your photos are in")
    if moved := _library_that_moved(lake, root):
        name, place = shlex.quote(moved["name"]), shlex.quote(root_path)
        raise Conflict(
            f"{root_path} holds the files of the library {moved['name']}, whose folder {moved['root_path']} is gone. "
            f"If it moved, run: darkroom library move {name} {place}; if it is to be forgotten: "
            f"darkroom library remove {name}"
        )
    with lake.write(f"library {root_path}") as writer:
        taken = {row["name"]: row["root_path"] for row in writer.run("scan/libraries")}
        for name, path in taken.items():
            if path == root_path:  # another process was faster
                return name
        name = _free_name(to_text(root.name).strip(". ") or "library", set(taken))
        # a removed one's number is not given again: what clients remember by it would be another library's
        library_id = max(new_numbers(writer, "library", 1), writer.next_id("library", "library_id"))
        writer.replace("face_number", [{"kind": "library", "last": library_id}])
        writer.append(
            "library", [{"library_id": library_id, "name": name, "root_path": root_path, "created_at": utc_now()}]
        )
    return name


def _library_that_moved(lake: Lake, root: Path) -> Row | None:
    """The known library whose folder is gone and whose files lie under *root*: most of a sample, path and size."""
    for row in lake.rows("scan/libraries"):
        if not Path(to_os_name(row["root_path"])).is_dir():
            sample = lake.rows("libraries/sampled_files", library_id=row["library_id"], row_limit=RECOGNISED_BY_FILES)
            there = sum(file_size(root, file["rel_path"]) == file["size_bytes"] for file in sample)
            if there > len(sample) / 2:
                return row
    return None


def file_size(root: Path, rel_path: str) -> int | None:
    """In bytes; None where there is no such file."""
    try:
        return (root / to_os_name(rel_path)).stat().st_size
    except OSError:
        return None


def _free_name(wanted: str, taken: set[str]) -> str:
    """`all` and bare numbers mean something else where a library is asked for."""
    base = f"library {wanted}" if wanted.isdigit() or wanted.lower() == "all" else wanted
    name, number = base, 2
    while name in taken:
        name, number = f"{base} {number}", number + 1
    return name

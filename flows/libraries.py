"""The configured roots: registered once, known by number and name."""

from __future__ import annotations

import os
from pathlib import Path

from sql.lake import Lake, utc_now
from tasks.errors import Conflict, LibraryLost
from tasks.faces.record import new_numbers
from tasks.file_names import to_os_name, to_text


def register_library(lake: Lake, root: Path) -> str:
    """
    The name of the library at *root*, made if there is none: its folder's name, numbered where that is taken.

    Raises:
        LibraryLost: There is no such folder.
        Conflict: It lies inside another library, or around one: its files would be there twice.
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


def _free_name(wanted: str, taken: set[str]) -> str:
    """`all` and bare numbers mean something else where a library is asked for."""
    base = f"library {wanted}" if wanted.isdigit() or wanted.lower() == "all" else wanted
    name, number = base, 2
    while name in taken:
        name, number = f"{base} {number}", number + 1
    return name

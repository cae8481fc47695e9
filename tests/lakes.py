"""A lake as `migrate` makes it, made once a process and copied for each test: 20 ms instead of 400."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

from sql.lake import Lake

CATALOG, DATA = "catalog.sqlite", "data"


@cache
def _template() -> tuple[tempfile.TemporaryDirectory[str], Path]:
    """The folder lives as long as the process, since whoever keeps it in the cache keeps it."""
    kept = tempfile.TemporaryDirectory(prefix="darkroom-template-lake-")
    folder = Path(kept.name)
    with Lake(f"sqlite:///{folder / CATALOG}", str(folder / DATA)) as lake:
        lake.migrate()
    return kept, folder


def copy_template(folder: Path) -> None:
    """An empty, migrated lake in *folder*, which must not be there yet; it and its home are for nobody else."""
    shutil.copytree(_template()[1], folder)
    name_data_folder(folder)
    for path in (folder.parent, folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o077)


def name_data_folder(folder: Path) -> None:
    """The catalog of a lake that was copied to *folder* names the folder of its data: written anew."""
    with closing(sqlite3.connect(folder / CATALOG)) as catalog:
        catalog.execute("update ducklake_metadata set value = ? where key = 'data_path'", [f"{folder / DATA}/"])
        catalog.commit()


def migrated_lake(folder: Path) -> Lake:
    """An open lake in *folder*, empty and migrated."""
    copy_template(folder)
    return Lake(f"sqlite:///{folder / CATALOG}", str(folder / DATA))

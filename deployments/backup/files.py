"""Which files a backup is made of, and how one is copied so that it is known to have arrived."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from deployments.settings import Settings
from tasks.errors import IntegrityError
from tasks.files.atomic_write import TEMPORARY_PREFIX

_CHUNK = 1 << 20
_PARQUET = """
    select schema_.path || table_.path || file.path
    from (
        select table_id, path, path_is_relative from ducklake_data_file
        union all
        select table_id, path, path_is_relative from ducklake_delete_file
    ) as file
    join (select distinct table_id, schema_id, path, path_is_relative from ducklake_table) as table_ using (table_id)
    join (select distinct schema_id, path, path_is_relative from ducklake_schema) as schema_ using (schema_id)
    where file.path_is_relative and table_.path_is_relative and schema_.path_is_relative
"""


@dataclass(frozen=True, slots=True)
class Source:
    """name: in the backup and in a home of the default layout. remade: it may vanish, or be replaced, at any time."""

    name: str
    path: Path
    remade: bool = False


def copy_database(source: Path, target: Path) -> None:
    """
    A consistent copy of a SQLite database that other processes are writing.

    This process must not have it open otherwise: not through DuckDB either (see sql/catalogs.py).

    Raises:
        IntegrityError: It is damaged.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=60)) as connection,
            closing(sqlite3.connect(target)) as copy,
        ):
            connection.backup(copy)
            (verdict,) = copy.execute("pragma quick_check(1)").fetchone()
    except sqlite3.Error as exc:
        raise IntegrityError(f"{source} cannot be copied: {exc}") from exc
    if verdict != "ok":
        raise IntegrityError(f"{source} is damaged ({verdict}): put an earlier backup in its place")


def parquet_files(catalog: Path) -> list[str]:
    """What the catalog names, for every snapshot it remembers, relative to its data folder."""
    with closing(sqlite3.connect(catalog)) as connection:
        return sorted(name for (name,) in connection.execute(_PARQUET))


def sources(settings: Settings, staging: Path, *, with_derivatives: bool) -> Iterator[Source]:
    """Everything that is backed up, in order of its name; the two databases lie copied in *staging*."""
    data = Path(settings.data_path)
    home = settings.darkroom_home
    if with_derivatives:
        yield from _below("gifs", settings.gifs_folder)
    yield Source("lake/catalog.sqlite", staging / "lake" / "catalog.sqlite")
    for name in parquet_files(staging / "lake" / "catalog.sqlite"):
        yield Source(f"lake/data/{name}", data / name)
    if (staging / "prefect" / "prefect.db").exists():
        yield Source("prefect/prefect.db", staging / "prefect" / "prefect.db")
    if with_derivatives:
        yield from _below("previews", settings.previews_folder)
    yield from (Source(one.name, one.path) for one in _below("secrets", home / "secrets"))
    if with_derivatives:
        yield from _below("thumbnails", settings.thumbnails_folder)
        yield from _below("video", settings.video_folder)


def _below(name: str, folder: Path) -> Iterator[Source]:
    """The files of a tree, sorted as their whole names sort; what is still being written is left out."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name + ("/" if entry.is_dir(follow_symlinks=False) else ""))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.name.startswith(TEMPORARY_PREFIX):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(f"{name}/{entry.name}", Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield Source(f"{name}/{entry.name}", Path(entry.path), remade=True)


def copy_file(source: Path, target: Path) -> tuple[int, str]:
    """
    Copy to a new file, on the disk when this returns.

    Returns:
        Size in bytes and BLAKE3 of what was read.
    """
    hashed, size = blake3(), 0
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK):
            hashed.update(chunk)
            writer.write(chunk)
            size += len(chunk)
        writer.flush()
        os.fsync(writer.fileno())
        if hasattr(os, "posix_fadvise"):  # so that what is read back comes from the disk
            os.posix_fadvise(writer.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return size, hashed.hexdigest()


def hash_of(path: Path) -> str | None:
    """BLAKE3 of a file, hex; None where there is none that can be read."""
    hashed = blake3()
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb") as file:
            while chunk := file.read(_CHUNK):
                hashed.update(chunk)
    except OSError:
        return None
    return hashed.hexdigest()


def sync_folder(folder: Path) -> None:
    """What was renamed in *folder* stays renamed after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

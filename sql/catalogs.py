"""Where a lake's catalog lives: a SQLite file or a PostgreSQL database. How to attach it, lock it, and see changes."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb

from sql.data_path import refuse_leftovers

if TYPE_CHECKING:
    import psycopg

NEWEST_SNAPSHOT = "select max(snapshot_id) from ducklake_snapshot"
POSTGRES_LOCK = 0x6461726B726F6F6D  # "darkroom": one advisory lock per database
_POLL_SECONDS = 0.01


class Catalog(Protocol):
    display_name: str  # without a password
    data_path: str

    def attach(
        self, connection: duckdb.DuckDBPyConnection, *, inline_rows: int, snapshot: int | None, read_only: bool
    ) -> None: ...

    def write_lock(self, timeout_seconds: float) -> AbstractContextManager[bool]: ...

    def named_lock(self, name: str) -> AbstractContextManager[bool]: ...

    def own_files(self) -> list[str]:
        """The catalog's own files, which DuckDB has to reach however little else it may."""

    def change_mark(self) -> int | None:
        """A number that changes with every commit; None while a writer is at work."""

    def close(self) -> None: ...


def catalog_of(url: str, data_path: str) -> Catalog:
    """The catalog that *url* names. Raises ValueError for another scheme."""
    if url.startswith("sqlite:///") and url != "sqlite:///":
        return SqliteCatalog(Path(url.removeprefix("sqlite:///")), data_path)
    if url.startswith(("postgresql://", "postgres://")):
        return PostgresCatalog(url, data_path)
    raise ValueError(
        f"DATABASE_URL must be a path, sqlite:///path or postgresql://…, not {url.partition('://')[0]}://…"
    )


class SqliteCatalog:
    """
    One file, one machine. The file beside it, `catalog.sqlite.lock`, is the write lock (flock) and holds a counter:
    odd while a writer is at work (or was killed at it), even after; a changed one says that there is something new.

    No second SQLite connection is opened in this process: Python's copy of SQLite and DuckDB's do not see each other's
    POSIX locks (the kernel keeps those per process), so a plain `sqlite3` connection kept open here read the same stale
    snapshot for ever and let DuckDB delete the WAL file under it.
    """

    def __init__(self, path: Path, data_path: str) -> None:
        self.path = path
        self.lock_path = path.parent / f"{path.name}.lock"
        self.data_path = data_path
        self.display_name = str(path)

    def attach(
        self, connection: duckdb.DuckDBPyConnection, *, inline_rows: int, snapshot: int | None, read_only: bool
    ) -> None:
        if (snapshot is not None or read_only) and not self.path.exists():
            raise FileNotFoundError(f"there is no catalog at {self.path} yet: scan a library first")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and not self.lock_path.exists():
            self._refuse_if_not_ours()
        load_extensions(connection, "sqlite_scanner", "ducklake", *remote_extensions(self.data_path))
        options = [f"DATA_PATH {quoted(folder_url(self.data_path))}", f"DATA_INLINING_ROW_LIMIT {inline_rows}",
                   "META_JOURNAL_MODE 'WAL'", "META_BUSY_TIMEOUT 10000"]  # fmt: skip
        if self.path.exists():
            _attach(connection, f"sqlite:{self.path}", options, snapshot, read_only)
        else:
            with self.write_lock(60):  # two processes must not create the catalog at the same time
                if not self.path.exists():
                    refuse_leftovers(self.data_path)
                _attach(connection, f"sqlite:{self.path}", options, snapshot, read_only)

    def _refuse_if_not_ours(self) -> None:
        """
        An Image API's own database may lie where DATABASE_URL points: nothing of ours is written into it.

        FaceScan at with Python's SQLite, which is safe only here: no lake of this process can have it open yet.
        """
        with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            try:
                found = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
            except sqlite3.DatabaseError:
                return  # no database at all: DuckDB says so
        names = {name for (name,) in found}
        if names and "ducklake_metadata" not in names:
            raise FileExistsError(
                f"it is another program's database ({', '.join(sorted(names)[:3])}, …); "
                "let DATABASE_URL name a file of its own"
            )

    @contextmanager
    def write_lock(self, timeout_seconds: float) -> Iterator[bool]:
        descriptor = os.open(self.lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _flock(descriptor, timeout_seconds):
                yield False
                return
            started = _read_counter(descriptor) | 1
            _write_counter(descriptor, started)
            yield True
            _write_counter(descriptor, started + 1)
        finally:
            os.close(descriptor)  # gives the lock back, as does the death of the process

    @contextmanager
    def named_lock(self, name: str) -> Iterator[bool]:
        safe = re.sub(r"[^\w-]", "_", name)
        descriptor = os.open(self.path.parent / f"{safe}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield _flock(descriptor, 0)
        finally:
            os.close(descriptor)

    def own_files(self) -> list[str]:
        return [f"{self.path}{ending}" for ending in ("", "-wal", "-shm", "-journal")]

    def change_mark(self) -> int | None:
        try:
            descriptor = os.open(self.lock_path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            counter = _read_counter(descriptor)
        finally:
            os.close(descriptor)
        return None if counter % 2 else counter

    def close(self) -> None:
        """Nothing is kept open."""


class PostgresCatalog:
    """One database, many machines. Two connections of our own: one to poll with, one that holds the write lock."""

    def __init__(self, url: str, data_path: str) -> None:
        self.url = url
        self.data_path = data_path
        self.display_name = without_password("".join(url.split()))  # a blank in a password is no end of it
        self._local = threading.local()

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Raises ConnectionError with the server's own words, which do not hold the password."""
        import psycopg

        try:
            return psycopg.connect(self.url, autocommit=True, connect_timeout=10)
        except psycopg.OperationalError as exc:
            raise ConnectionError(str(exc).partition("\n")[0]) from None

    def attach(
        self, connection: duckdb.DuckDBPyConnection, *, inline_rows: int, snapshot: int | None, read_only: bool
    ) -> None:
        load_extensions(connection, "postgres_scanner", "ducklake", *remote_extensions(self.data_path))
        options = [f"DATA_PATH {quoted(folder_url(self.data_path))}", f"DATA_INLINING_ROW_LIMIT {inline_rows}"]
        with self.write_lock(60):
            _attach(connection, f"postgres:{self.url}", options, snapshot, read_only)

    @contextmanager
    def write_lock(self, timeout_seconds: float) -> Iterator[bool]:
        import psycopg

        with self._connect() as connection:  # closing it gives the lock back
            connection.execute("select set_config('lock_timeout', %s, false)", [f"{int(timeout_seconds * 1000)}ms"])
            try:
                connection.execute("select pg_advisory_lock(%s)", [POSTGRES_LOCK])
            except psycopg.errors.LockNotAvailable:
                yield False
                return
            yield True

    @contextmanager
    def named_lock(self, name: str) -> Iterator[bool]:
        with self._connect() as connection:
            found = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchall()
            yield bool(found[0][0])

    def own_files(self) -> list[str]:
        return []

    def change_mark(self) -> int | None:
        if getattr(self._local, "poll", None) is None or self._local.poll.closed:
            self._local.poll = self._connect()
        return int(self._local.poll.execute(NEWEST_SNAPSHOT).fetchall()[0][0])

    def close(self) -> None:
        if getattr(self._local, "poll", None) is not None:
            self._local.poll.close()


def _attach(
    connection: duckdb.DuckDBPyConnection, target: str, options: list[str], snapshot: int | None, read_only: bool
) -> None:
    options = [*options, "OVERRIDE_DATA_PATH true"]  # see sql/data_path.py
    if snapshot is not None:
        options = [*options, f"SNAPSHOT_VERSION {snapshot}"]
    elif read_only:
        options = [*options, "READ_ONLY"]
    connection.execute(f"attach {quoted(f'ducklake:{target}')} as lake ({', '.join(options)})")


def confine(connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """From now on only what is the lake's own can be reached, and no setting changed; there is no way back."""
    files = ", ".join(quoted(file) for file in catalog.own_files())
    connection.execute(f"set allowed_directories = [{quoted(folder_url(catalog.data_path))}]")
    connection.execute(f"set allowed_paths = [{files}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _read_counter(descriptor: int) -> int:
    return int.from_bytes(os.pread(descriptor, 8, 0), "little")


def _write_counter(descriptor: int, counter: int) -> None:
    os.pwrite(descriptor, counter.to_bytes(8, "little"), 0)


def _flock(descriptor: int, timeout_seconds: float) -> bool:
    """Whether the lock was to be had in time. Polled, since `flock` itself knows no timeout."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        else:
            return True


def without_password(text: str) -> str:
    """
    *text* with the passwords of the URLs in it left out.

    A password may hold `@`, `/`, `:` and `?` as they are: what stands before the last `@` of a URL is never shown.
    """
    hidden = re.sub(r"//([^:/\s]*):\S*@", r"//\1@", text)
    return re.sub(r"\b((?:ssl)?password=)[^&\s]+", r"\1…", hidden, flags=re.IGNORECASE)


def quoted(text: str) -> str:
    """*text* as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def folder_url(data_path: str) -> str:
    return data_path if data_path.endswith("/") else f"{data_path}/"


def remote_extensions(data_path: str) -> tuple[str, ...]:
    return ("httpfs",) if "://" in data_path else ()


@cache
def extension_file(name: str) -> Path:
    """The extension inside its PyPI wheel: loaded by path, so nothing is downloaded or written to the home folder."""
    package = import_module(f"duckdb_extension_{name}")
    return next(Path(package.__path__[0]).rglob("*.duckdb_extension"))


def load_extensions(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    """
    Load *names* from their wheels, then let no unsigned extension in any more.

    Ours are trusted like every other library pip installed; DuckDB would hash their 70 MB each time a lake is opened
    (0.24 s of CPU, once a minute for the quick scan). The setting cannot be turned on again while DuckDB runs.
    """
    for name in names:
        connection.execute(f"load {quoted(str(extension_file(name)))}")
    connection.execute("set allow_unsigned_extensions = false")
    if "httpfs" in names:
        connection.execute(_s3_secret())


def _s3_secret() -> str:
    """S3 credentials from the standard AWS variables; `S3_ENDPOINT` for other stores (MinIO, moto, GCS interop)."""
    endpoint = os.environ.get("S3_ENDPOINT") or os.environ.get("AWS_ENDPOINT_URL", "")
    options = {
        "key_id": os.environ.get("AWS_ACCESS_KEY_ID", ""),
        "secret": os.environ.get("AWS_SECRET_ACCESS_KEY", ""),
        "session_token": os.environ.get("AWS_SESSION_TOKEN", ""),
        "region": os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        "endpoint": endpoint.partition("://")[2] or endpoint,
    }
    given = [f"{name} {quoted(value)}" for name, value in options.items() if value]
    if endpoint:
        given += ["url_style 'path'", f"use_ssl {str(endpoint.startswith('https')).lower()}"]
    return f"create or replace secret lake_storage (type s3, {', '.join(given)})"

"""
`darkroom backup DIR`: a whole data home in a folder of its own, made while everything runs.

Consistent: SQLite gives one moment of the catalog, and the Parquet files it names are never changed and stay for
LAKE_KEEP_DAYS after nothing needs them. Incremental: what an earlier backup holds is linked, not copied. Atomic: a
backup gets its name when every file was read back; until then it is `unfinished`, and the earlier ones are untouched.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployments.backup.files import Source, copy_database, copy_file, hash_of, sources, sync_folder
from deployments.backup.manifest import MANIFEST, EarlierEntries, Entry, ManifestWriter
from deployments.settings import Settings, own_version
from tasks.errors import IntegrityError, RefusedError
from tasks.files.names import to_os_name

UNFINISHED = "unfinished"
KEEP = 30
README = """Backups of a Darkroom data home. Each folder is a whole home as it was at that time (UTC).
`darkroom restore` on this folder checks one and puts it back; a plain copy of one to DARKROOM_HOME works too.
Keep this folder to yourself: it holds the keys that sign logins, and everything known about the photos.
The photos themselves are not in here.
"""
_DERIVATIVES = "thumbnails, previews, GIFs and video streams (they are made again; --with-derivatives takes them too)"
_ORIGINALS = "the original photos and videos"
Advance = Callable[[int], None]


class CannotBackUp(RefusedError):
    """Not this way; the message says which tools to use."""


@dataclass
class BackupReport:
    """Sizes in bytes. damaged: files of the earlier backup that had changed on their disk, and were copied again."""

    backup: str
    dry_run: bool = False
    files: int = 0
    size_bytes: int = 0
    copied_files: int = 0
    copied_bytes: int = 0
    linked_files: int = 0
    damaged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def back_up(
    settings: Settings,
    target: Path,
    *,
    with_derivatives: bool = False,
    verify: bool = False,
    dry_run: bool = False,
    keep: int = KEEP,
    begin: Callable[[int], Advance] = lambda _total: lambda _bytes: None,
) -> BackupReport:
    """
    Args:
        target: Folder of all backups; made, mode 0700.
        verify: Read what would only be linked, and copy again what is damaged.
        keep: How many backups stay, this one included.
        begin: Told how many bytes there are; returns what is told of each part that is done.
    Raises:
        CannotBackUp: The catalog or the Parquet files are not on this machine, or *target* is no place for it.
        IntegrityError: The catalog is damaged, or a file does not read back as it was written.
        OSError: No room, no right.
    """
    started = time.monotonic()
    catalog = _catalog_file(settings)
    _refuse_place(settings, target)
    report = BackupReport(str(target), dry_run=dry_run, left_out=[_ORIGINALS])
    report.left_out += [] if with_derivatives else [_DERIVATIVES]
    with _staging(target, dry_run=dry_run) as staging:
        copy_database(catalog, staging / "lake" / "catalog.sqlite")
        libraries = _libraries(staging / "lake" / "catalog.sqlite", settings.data_path)
        _refuse_inside_library(target, libraries)
        prefect = settings.darkroom_home / "prefect" / "prefect.db"
        if prefect.exists():
            copy_database(prefect, staging / "prefect" / "prefect.db")
        advance = begin(sum(_size(one) for one in sources(settings, staging, with_derivatives=with_derivatives)))
        made_at = datetime.now(UTC)
        about = {"made_at": made_at.isoformat(), "version": own_version(), "home": str(settings.darkroom_home),
                 "with_derivatives": with_derivatives, "libraries": libraries}  # fmt: skip
        earlier = next(reversed(finished_backups(target)), None)
        with (staging / MANIFEST).open("w", encoding="utf-8") as file:
            manifest = ManifestWriter(file, about)
            work = _Copying(staging, earlier, report, verify=verify, dry_run=dry_run)
            for source in sources(settings, staging, with_derivatives=with_derivatives):
                entry = work.take(source)
                if entry is not None:
                    manifest.add(entry)
                    advance(entry.size_bytes)
            manifest.finish()
            file.flush()
            os.fsync(file.fileno())
        if not dry_run:
            report.backup = str(_publish(staging, target, made_at))
            report.removed = _remove_old(target, keep)
    report.seconds = time.monotonic() - started
    return report


class _Copying:
    """Brings one file after the other into *staging*: linked from the *earlier* backup, or copied and read back."""

    def __init__(
        self, staging: Path, earlier: Path | None, report: BackupReport, *, verify: bool, dry_run: bool
    ) -> None:
        self._staging, self._earlier, self._report = staging, earlier, report
        self._verify, self._dry_run = verify, dry_run
        self._known = EarlierEntries(earlier)

    def take(self, source: Source) -> Entry | None:
        """None for a derivative that has just vanished. Raises IntegrityError, OSError."""
        target = self._staging / source.name
        known = self._known.find(source.name)
        if source.path == target:  # a database: copied already
            status = target.stat()
            entry = Entry(source.name, status.st_size, status.st_mtime_ns, str(hash_of(target)))
            return self._counted(entry, copied=True)
        try:
            status = source.path.stat()
        except FileNotFoundError as exc:
            if source.remade:
                return None
            raise IntegrityError(f"the catalog names {source.path}, which is not there: run `darkroom doctor`") from exc
        same = known is not None and (known.size_bytes, known.mtime_ns) == (status.st_size, status.st_mtime_ns)
        if known is not None and same and self._link(known, target):
            return self._counted(known, copied=False)
        if self._dry_run:
            return self._counted(Entry(source.name, status.st_size, status.st_mtime_ns, ""), copied=True)
        try:
            size, hashed = copy_file(source.path, target)
        except FileNotFoundError:
            if source.remade:
                return None
            raise
        os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))
        if hash_of(target) != hashed:
            raise IntegrityError(f"{target} does not read back as it was written: is the disk failing?")
        return self._counted(Entry(source.name, size, status.st_mtime_ns, hashed), copied=True)

    def _link(self, known: Entry, target: Path) -> bool:
        """Whether the earlier backup's file is whole, as far as was asked, and now in this one too."""
        assert self._earlier is not None
        before = self._earlier / known.name
        try:
            whole = before.stat().st_size == known.size_bytes
        except OSError:
            whole = False
        if not whole or (self._verify and hash_of(before) != known.hash):
            self._report.damaged.append(known.name)
            return False
        if self._dry_run:
            return True
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(before, target)
        except OSError:  # a disk without links: another copy
            return False
        return True

    def _counted(self, entry: Entry, *, copied: bool) -> Entry:
        self._report.files += 1
        self._report.size_bytes += entry.size_bytes
        if copied:
            self._report.copied_files += 1
            self._report.copied_bytes += entry.size_bytes
        else:
            self._report.linked_files += 1
        return entry


def finished_backups(target: Path) -> list[Path]:
    """Oldest first."""
    if not target.is_dir():
        return []
    return sorted(path for path in target.iterdir() if path.name != UNFINISHED and (path / MANIFEST).is_file())


def _catalog_file(settings: Settings) -> Path:
    if not settings.catalog_url.startswith("sqlite:///"):
        raise CannotBackUp(
            "the catalog is in PostgreSQL: back it up with pg_dump and keep the Parquet files of the same moment "
            "(docs/backup.md says in which order)"
        )
    if "://" in settings.data_path:
        raise CannotBackUp(
            f"the Parquet files are at {settings.data_path}: back that up with the store's own versions or replication "
            "(docs/backup.md says in which order)"
        )
    catalog = Path(settings.catalog_url.removeprefix("sqlite:///"))
    if not catalog.exists():
        raise CannotBackUp(f"there is no catalog at {catalog} yet: there is nothing to back up")
    return catalog


def _refuse_place(settings: Settings, target: Path) -> None:
    kept = [settings.darkroom_home, settings.thumbnails_folder, settings.video_folder, settings.previews_folder,
            settings.gifs_folder]  # fmt: skip
    real = target.resolve()
    if inside := next((folder for folder in kept if real.is_relative_to(folder.resolve())), None):
        raise CannotBackUp(f"{target} is inside {inside}, which it is to outlive: name another folder, on another disk")
    if target.exists() and not target.is_dir():
        raise CannotBackUp(f"{target} is not a folder")
    if target.is_dir() and not (target / ".lock").exists() and any(target.iterdir()):
        raise CannotBackUp(f"{target} holds other things: name an empty folder, or one of its own in it")


def _libraries(catalog: Path, data_path: str) -> list[dict[str, str]]:
    """Names and roots, read from the copy of the catalog."""
    from sql.lake import Lake

    with Lake(f"sqlite:///{catalog}", data_path, read_only=True) as lake:
        rows = lake.rows("scan/libraries")
    for file in (catalog.with_name(f"{catalog.name}{ending}") for ending in ("-wal", "-shm", ".lock")):
        file.unlink(missing_ok=True)
    return [{"name": row["name"], "root_path": row["root_path"]} for row in rows]


def _refuse_inside_library(target: Path, libraries: list[dict[str, str]]) -> None:
    for library in libraries:
        if target.resolve().is_relative_to(Path(to_os_name(library["root_path"])).resolve()):
            raise CannotBackUp(f"{target} is inside the library {library['name']}, whose scans would find the backup")


@contextmanager
def _staging(target: Path, *, dry_run: bool) -> Iterator[Path]:
    """The folder in which the backup grows; nobody else's at the same time. Left behind only by a kill."""
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="darkroom-") as folder:
            yield Path(folder)
        return
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.chmod(0o700)
    with (target / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise CannotBackUp(f"another backup into {target} is running") from exc
        (target / "README.txt").write_text(README)
        staging = target / UNFINISHED
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _publish(staging: Path, target: Path, made_at: datetime) -> Path:
    for folder, _, _ in os.walk(staging):
        sync_folder(Path(folder))
    # Milliseconds, so that names sort by time and no two are the same: backups to one folder wait for each other.
    final = target / f"{made_at:%Y-%m-%dT%H-%M-%S}.{made_at.microsecond // 1000:03}Z"
    staging.rename(final)
    sync_folder(target)
    return final


def _remove_old(target: Path, keep: int) -> list[str]:
    old = finished_backups(target)[:-keep]
    for backup in old:
        (backup / MANIFEST).unlink()  # first: what is half removed is no backup
        shutil.rmtree(backup, ignore_errors=True)
    return [backup.name for backup in old]


def _size(source: Source) -> int:
    try:
        return source.path.stat().st_size
    except OSError:
        return 0

"""
`darkroom restore DIR`: a data home from a backup, at any place, as any user who can read the backup.

Every file is compared with its hash while it is copied beside the home; only when all are right does the copy take the
home's name. A restore that is killed or refused has changed nothing.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployments.backup.backup import Advance, finished_backups
from deployments.backup.files import copy_file, sync_folder
from deployments.backup.manifest import read_about, read_entries
from deployments.settings import Settings
from tasks.errors import IntegrityError, RefusedError
from tasks.files.names import to_os_name

_STAGING = ".darkroom-restoring"


class CannotRestore(RefusedError):
    """Not there, or not now; the message says what to do."""


@dataclass
class RestoreReport:
    """missing_libraries: those whose folder is not on this machine. moved_away: where the earlier home lies now."""

    backup: str
    home: str
    dry_run: bool = False
    made_at: str = ""
    files: int = 0
    size_bytes: int = 0
    with_derivatives: bool = False
    libraries: list[dict[str, str]] = field(default_factory=list)
    missing_libraries: list[dict[str, str]] = field(default_factory=list)
    moved_away: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def restore(
    settings: Settings,
    folder: Path,
    *,
    at: str = "",
    replace: bool = False,
    dry_run: bool = False,
    begin: Callable[[int], Advance] = lambda _total: lambda _bytes: None,
) -> RestoreReport:
    """
    Args:
        folder: Of all backups, or one of them.
        at: The name of one, or the beginning of it, such as 2026-11-21; without it the newest.
        replace: A home that holds something is moved aside, not deleted.
        dry_run: Check the backup, and write nothing.
        begin: As in `back_up`.
    Raises:
        CannotRestore: No such backup, the home is not empty or in use, or settings put the catalog elsewhere.
        IntegrityError: A file of the backup is missing or has changed.
    """
    backup = _chosen(folder, at)
    home = settings.darkroom_home
    about = read_about(backup)
    report = RestoreReport(str(backup), str(home), dry_run, about["made_at"], libraries=about["libraries"],
                           with_derivatives=about["with_derivatives"])  # fmt: skip
    report.missing_libraries = [one for one in report.libraries if not _is_folder(one["root_path"])]
    _refuse_elsewhere(settings)
    filled = _holds_files(home)
    if filled and not (replace or dry_run):
        raise CannotRestore(f"{home} is not empty: --replace moves it aside, --home names another folder")
    for entry in read_entries(backup):
        report.files += 1
        report.size_bytes += entry.size_bytes
    advance = begin(report.size_bytes)
    with _nobody_at(home), _staging(home, dry_run=dry_run) as staging:
        for entry in read_entries(backup):
            _bring(backup / entry.name, staging / entry.name, entry.hash, entry.mtime_ns)
            if dry_run:
                (staging / entry.name).unlink()
            advance(entry.size_bytes)
        if not dry_run:
            report.moved_away = _publish(staging, home, filled)
    return report


def _chosen(folder: Path, at: str) -> Path:
    if not at and (folder / "manifest.jsonl").is_file():
        return folder
    found = finished_backups(folder)
    matching = [backup for backup in found if backup.name.startswith(at)]
    if matching:
        return matching[-1]
    known = ", ".join(backup.name for backup in found[-10:]) or "none"
    raise CannotRestore(f"there is no backup {at + ' ' if at else ''}in {folder}; there are: {known}")


def _bring(source: Path, target: Path, wanted: str, mtime_ns: int) -> None:
    try:
        _, hashed = copy_file(source, target)
    except FileNotFoundError as exc:
        raise IntegrityError(f"{source} is missing from the backup: restore an earlier one (--at)") from exc
    if hashed != wanted:
        raise IntegrityError(f"{source} is damaged: it is not what was backed up. Restore another one (--at)")
    os.utime(target, ns=(mtime_ns, mtime_ns))


def _refuse_elsewhere(settings: Settings) -> None:
    lake = settings.darkroom_home / "lake"
    if settings.catalog_url != f"sqlite:///{lake / 'catalog.sqlite'}" or settings.data_path != str(lake / "data"):
        raise CannotRestore(
            "DATABASE_URL or LAKE_DATA_PATH put the catalog outside of the home, and a backup is restored into one "
            "folder: unset them, or move the files there afterwards"
        )


def _is_folder(root_path: str) -> bool:
    try:
        return Path(to_os_name(root_path)).is_dir()
    except PermissionError:  # another user's
        return False


def _holds_files(home: Path) -> bool:
    """Folders alone are what a command makes that only looked."""
    return any(names for _, _, names in os.walk(home))


@contextmanager
def _nobody_at(home: Path) -> Iterator[None]:
    """Raises CannotRestore: `darkroom up` or a writer is at work in *home*."""
    locks = [home / "up.lock", home / "lake" / "catalog.sqlite.lock"]
    opened = [path.open("rb") for path in locks if path.exists()]
    try:
        for file in opened:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise CannotRestore(f"Darkroom is running on {home}: stop it first") from exc
        yield
    finally:
        for file in opened:
            file.close()


@contextmanager
def _staging(home: Path, *, dry_run: bool) -> Iterator[Path]:
    """Beside the home, so that one rename puts it there; inside where the home is a disk of its own."""
    parent = home if os.path.ismount(home) else home.parent
    while dry_run and not parent.exists():
        parent = parent.parent
    parent.mkdir(parents=True, exist_ok=True)
    staging = parent / f"{_STAGING}-{home.name}"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _publish(staging: Path, home: Path, filled: bool) -> str | None:
    """The staged home takes its place; returns where the earlier one lies now."""
    for folder, _, _ in os.walk(staging):
        sync_folder(Path(folder))
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    if os.path.ismount(home):
        return _publish_entries(staging, home, home / f"before-restore-{stamp}" if filled else None)
    aside = home.with_name(f"{home.name}.before-restore-{stamp}")
    if home.exists():
        home.rename(aside)
    staging.rename(home)
    sync_folder(home.parent)
    if filled:
        return str(aside)
    shutil.rmtree(aside, ignore_errors=True)  # folders without a file
    return None


def _publish_entries(staging: Path, home: Path, aside: Path | None) -> str | None:
    """A mount point cannot be renamed: its entries are, the catalog last."""
    for old in [path for path in home.iterdir() if path != staging]:
        if aside is None:
            shutil.rmtree(old)
        elif not old.name.startswith("before-restore-") and old.name != "lost+found":
            aside.mkdir(exist_ok=True, mode=0o700)
            old.rename(aside / old.name)
    for new in sorted(staging.iterdir(), key=lambda path: path.name == "lake"):
        new.rename(home / new.name)
    sync_folder(home)
    return str(aside) if aside is not None else None

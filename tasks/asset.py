"""A row of a backlog, and the rows that come of working on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

from tasks.errors import AssetError, StorageUnavailable
from tasks.files.media_file import MediaFile
from tasks.files.media_types import MediaKind, MediaType
from tasks.files.names import to_os_name

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asset:
    """
    One original to work on: the columns that every query in `sql/backlog/` selects.

    Args:
        root_path, rel_path: Unicode as in the lake; `path` is what the operating system takes.
        content_hash: None while the file was never read.
    """

    asset_id: int
    library_id: int
    library: str
    root_path: str
    rel_path: str
    media_type: str
    mime_type: str
    size_bytes: int
    mtime_ns: int
    sidecar: str
    sidecar_version: str
    content_hash: str | None

    @property
    def path(self) -> Path:
        return Path(to_os_name(self.root_path)) / to_os_name(self.rel_path)

    @property
    def stat_version(self) -> str:
        """Size and mtime: the version of a file whose bytes nobody has read yet."""
        return f"{self.size_bytes}-{self.mtime_ns}"

    def media_file(self, kind: MediaKind | None = None) -> MediaFile:
        path = self.path
        return MediaFile(
            path=path,
            kind=kind or MediaKind(cast(MediaType, self.media_type), self.mime_type),
            size_bytes=self.size_bytes,
            mtime_ns=self.mtime_ns,
            sidecar=path.parent / to_os_name(self.sidecar) if self.sidecar else None,
        )


class Problem(NamedTuple):
    """What a log says of a file that failed."""

    path: str
    stage: str
    reason: str


@dataclass(slots=True)
class Results:
    """
    What a batch comes to: rows by table, stages that are done with, pictures for the contact sheet.

    A failure is a row like any other. `done` counts files, not rows.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    cleared: list[Row] = field(default_factory=list)  # {asset_id, stage}: failed once, done now
    done: int = 0
    failed: int = 0
    left: int = 0  # changed while we read it, or its tool is missing: the next run looks again
    counts: dict[str, int] = field(default_factory=dict)
    contact_sheet: list[bytes] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        self.rows.setdefault(table, []).append(dict(row))

    def count(self, name: str, by: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + by

    def fail(self, asset: Asset, stage: str, error: AssetError, *, tool_version: str, file_version: str) -> None:
        """Record *error* on the asset: tried again only when the file or the tools change."""
        self.failed += 1
        self.problems.append(Problem(asset.rel_path, stage, f"{type(error).__name__}: {error}"))
        self.add(
            "failure",
            {
                "asset_id": asset.asset_id,
                "stage": stage,
                "file_version": file_version,
                "error_class": type(error).__name__,
                "message": str(error)[:2000],
                "tool": getattr(error, "tool", None),
                "tool_version": tool_version,
                "failed_at": utc_now(),
            },
        )

    def clear(self, asset: Asset, stage: str) -> None:
        self.cleared.append({"asset_id": asset.asset_id, "stage": stage})

    def merge(self, other: Results) -> None:
        for table, rows in other.rows.items():
            self.rows.setdefault(table, []).extend(rows)
        self.cleared += other.cleared
        self.done += other.done
        self.failed += other.failed
        self.left += other.left
        for name, by in other.counts.items():
            self.count(name, by)
        self.contact_sheet += other.contact_sheet
        self.problems += other.problems


def is_unchanged(asset: Asset) -> bool:
    """
    Whether the file is still the one that was listed: if not, what a decoder said of it is not to be recorded.

    Raises:
        StorageUnavailable: The whole library is gone: an unmounted disk is no fault of its files.
    """
    try:
        status = asset.path.stat()
    except OSError as exc:
        if not Path(to_os_name(asset.root_path)).is_dir():
            raise StorageUnavailable(
                f"the library {asset.library} at {asset.root_path} is gone: is it mounted?"
            ) from exc
        return not isinstance(exc, FileNotFoundError | NotADirectoryError)
    return (status.st_size, status.st_mtime_ns) == (asset.size_bytes, asset.mtime_ns)


def utc_now() -> datetime:
    """Our own clock: UTC without a zone, as the lake stores it."""
    return datetime.now(UTC).replace(tzinfo=None)


def in_threads(work: Callable[[Asset], Results], batch: Sequence[Asset], threads: int) -> Results:
    """*work* on every asset of the batch, at most *threads* at a time; the results in the batch's order."""
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        return merged(pool.map(work, batch))


def merged(parts: Iterable[Results]) -> Results:
    whole = Results()
    for part in parts:
        whole.merge(part)
    return whole

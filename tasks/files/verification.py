"""Whether a file still has the bytes that were read of it once, and if not: whether somebody wrote it, or it rotted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from tasks.asset import Asset
from tasks.batches.ingest import open_original
from tasks.errors import AssetError, UnreadableFile
from tasks.files.hashing import hash_stream

VERIFY_TOOL = "blake3"
Verdict = Literal["same", "replaced", "damaged", "unreadable", "changing"]


class DamagedFile(AssetError):
    """Its bytes are others than those that were read, though nobody wrote to it: the disk or a cable is failing."""


@dataclass(frozen=True, slots=True)
class KnownFile(Asset):
    """
    Args:
        inode, ctime_ns: Of the file when its bytes were read; None where that was not noted.
    """

    inode: int | None
    ctime_ns: int | None


@dataclass(frozen=True, slots=True)
class Verification:
    """
    Args:
        verdict: `changing`: it is not the file that was listed (another size or time): for the next scan.
        error: What is to be recorded of a file that is damaged or cannot be read.
    """

    file: KnownFile
    verdict: Verdict
    inode: int = 0
    ctime_ns: int = 0
    error: AssetError | None = None


def verify_files(files: Sequence[KnownFile], threads: int) -> list[Verification]:
    """Read each file whole and compare; in order."""
    with ThreadPoolExecutor(threads, thread_name_prefix="verify") as pool:
        return list(pool.map(verify_file, files))


def verify_file(file: KnownFile) -> Verification:
    try:
        with open_original(file.path) as opened:
            content_hash = hash_stream(opened)
            status = os.fstat(opened.fileno())
    except FileNotFoundError:
        return Verification(file, "changing")
    except (OSError, UnreadableFile) as exc:
        return Verification(file, "unreadable", error=UnreadableFile(file.path, f"cannot be read again: {exc}"))
    inode, ctime_ns = status.st_ino, status.st_ctime_ns
    if (status.st_size, status.st_mtime_ns) != (file.size_bytes, file.mtime_ns):
        return Verification(file, "changing")
    if content_hash == file.content_hash:
        return Verification(file, "same", inode, ctime_ns)
    if (file.inode, file.ctime_ns) != (inode, ctime_ns):
        return Verification(file, "replaced", inode, ctime_ns)
    return Verification(file, "damaged", inode, ctime_ns, DamagedFile(file.path, _what_to_do(file, content_hash)))


def _what_to_do(file: KnownFile, content_hash: str) -> str:
    return (
        "its bytes changed though nobody wrote to it (same size, times and inode): the disk may be failing. "
        "Put a copy from a backup in its place. "
        f"BLAKE3 of the good one: {file.content_hash}; of this one: {content_hash}"
    )


def within_budget(files: Iterable[KnownFile], budget_bytes: int) -> Iterator[KnownFile]:
    """The first of *files* that can be read for *budget_bytes*: at least one, however large, where that is not 0."""
    left = budget_bytes
    for file in files:
        if left <= 0:
            return
        yield file
        left -= file.size_bytes

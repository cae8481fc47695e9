"""
What a backup holds: `manifest.jsonl`, one line a file in order of its name, between a line about the whole and a seal.

Read and written line by line, so that ten million video segments need no memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from blake3 import blake3

from tasks.errors import IntegrityError

MANIFEST = "manifest.jsonl"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """name: relative to the home, forward slashes. mtime_ns: of the file that was copied. hash: BLAKE3, hex."""

    name: str
    size_bytes: int
    mtime_ns: int
    hash: str


class ManifestWriter:
    """Entries in order of their names; `finish` seals them."""

    def __init__(self, file: IO[str], about: dict[str, Any]) -> None:
        self._file = file
        self._hash = blake3()
        self._write({"format": FORMAT, **about})

    def add(self, entry: Entry) -> None:
        self._write(asdict(entry))

    def finish(self) -> None:
        self._file.write(json.dumps({"seal": self._hash.hexdigest()}) + "\n")

    def _write(self, value: dict[str, Any]) -> None:
        line = json.dumps(value) + "\n"
        self._hash.update(line.encode())
        self._file.write(line)


def read_about(backup: Path) -> dict[str, Any]:
    """The first line: when, of what, which libraries. Raises IntegrityError."""
    try:
        with (backup / MANIFEST).open(encoding="utf-8") as file:
            about = json.loads(file.readline())
    except (OSError, ValueError) as exc:
        raise IntegrityError(f"{backup / MANIFEST} cannot be read ({exc}); is {backup} a backup?") from exc
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise IntegrityError(f"{backup} was made by another version of Darkroom: restore it with that one")
    return about


def read_entries(backup: Path) -> Iterator[Entry]:
    """
    The files of a backup, in order of their names.

    Raises:
        IntegrityError: The manifest is damaged or was cut short; at the latest after the last entry.
    """
    read_about(backup)
    hashed = blake3()
    with (backup / MANIFEST).open(encoding="utf-8") as file:
        for number, line in enumerate(file):
            try:
                value = json.loads(line)
                if "seal" in value and value["seal"] == hashed.hexdigest():
                    return
                if number:
                    entry = Entry(**value)
            except (ValueError, TypeError) as exc:
                raise IntegrityError(f"line {number + 1} of {backup / MANIFEST} is damaged") from exc
            hashed.update(line.encode())
            if number:
                yield _inside(entry, backup)
    raise IntegrityError(f"{backup / MANIFEST} is damaged: its seal is missing or wrong")


def _inside(entry: Entry, backup: Path) -> Entry:
    path = PurePosixPath(entry.name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise IntegrityError(f"{backup / MANIFEST} names a file outside of the home: {entry.name!r}")
    return entry


class EarlierEntries:
    """Looks names up in the manifest of an earlier backup. Only forwards: ask in order."""

    def __init__(self, backup: Path | None) -> None:
        self._entries = read_entries(backup) if backup else iter(())
        self._next = next(self._entries, None)

    def find(self, name: str) -> Entry | None:
        while self._next is not None and self._next.name < name:
            self._next = next(self._entries, None)
        return self._next if self._next is not None and self._next.name == name else None

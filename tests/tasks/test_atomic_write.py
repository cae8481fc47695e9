"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from tasks.errors import StorageUnavailable
from tasks.files.atomic_write import atomic_write, sweep_temporary, temporary_beside


def test_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.jpg"
    atomic_write(target, b"one")
    atomic_write(target, b"two")
    assert target.read_bytes() == b"two"
    assert [path.name for path in target.parent.iterdir()] == ["a.jpg"]


def test_what_a_kill_left_is_cleared_by_writing_again(tmp_path: Path) -> None:
    target = tmp_path / "a.jpg"
    temporary_beside(target).write_bytes(b"half of a much longer picture")
    atomic_write(target, b"whole")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.jpg", b"whole")]


def test_name_of_255_bytes_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("a" * 255)
    atomic_write(target, b"x")
    assert target.read_bytes() == b"x"


def test_full_disk_is_a_storage_error_and_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.jpg"
    atomic_write(target, b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageUnavailable, match="No space left on device"):
        atomic_write(target, b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.jpg", b"old")]


def test_writers_of_the_same_file_never_mix(tmp_path: Path) -> None:
    target = tmp_path / "a.jpg"
    contents = [bytes([number]) * 200_000 for number in range(8)]
    writers = [
        threading.Thread(target=lambda content=content: [atomic_write(target, content) for _ in range(5)])
        for content in contents
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert target.read_bytes() in contents
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


def test_sweep_takes_only_old_temporary_files(tmp_path: Path) -> None:
    old, young, picture = temporary_beside(tmp_path / "old"), temporary_beside(tmp_path / "young"), tmp_path / "a.jpg"
    for path in (old, young, picture):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))
    os.utime(picture, (1, 1))
    assert sweep_temporary(tmp_path) == 1
    assert {path.name for path in tmp_path.iterdir()} == {young.name, picture.name}

"""Moves among files of equal size, as RAWs of one camera are."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from tasks.files.hashing import hash_bytes
from tasks.files.moves import Move, find_moves


def test_each_moved_file_of_many_of_one_size_finds_its_own_asset(tmp_path: Path) -> None:
    names = [f"{number:04d}.raw" for number in range(300)]
    for name in names:
        (tmp_path / f"new-{name}").write_bytes(name.encode() * 10)
    newcomers = pa.table({"rel_path": [f"new-{name}" for name in names], "size_bytes": [80] * len(names)})
    candidates = [
        {"asset_id": number, "old_rel_path": name, "size_bytes": 80, "is_missing": False,
         "content_hash": hash_bytes(name.encode() * 10)}
        for number, name in enumerate(names)
    ]  # fmt: skip
    moves = find_moves(tmp_path, newcomers, candidates, set(range(0, 300, 2)), look=False)
    assert moves == [Move(number, names[number], f"new-{names[number]}") for number in range(0, 300, 2)]


def test_newcomer_whose_size_nothing_gone_has_is_not_read(tmp_path: Path) -> None:
    newcomers = pa.table({"rel_path": ["no-such-file"], "size_bytes": [81]})
    candidate = {"asset_id": 1, "old_rel_path": "a", "size_bytes": 80, "is_missing": True, "content_hash": "x"}
    assert find_moves(tmp_path, newcomers, [candidate], set(), look=False) == []

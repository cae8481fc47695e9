"""
What tests draw is kept by its recipe, for all workers and the next session: `.pytest_cache/drawn`, which git ignores.

Nothing depends on it: what is not there is drawn. `make clean` empties it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".pytest_cache" / "drawn"


def key_of(*recipe: object) -> str:
    return hashlib.sha256(repr(recipe).encode()).hexdigest()[:24]


def drawn_file(target: Path, make: Callable[[Path], None], *recipe: object) -> Path:
    """
    *target*, a copy of the file that *make* writes to the path it is given.

    Args:
        recipe: All that the bytes depend on. Two workers may draw the same at once: the later one replaces it whole.
    """
    kept = CACHE / f"{key_of(*recipe, target.suffix)}{target.suffix}"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            made = Path(folder) / f"made{target.suffix}"
            make(made)
            made.replace(kept)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept, target)
    return target


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """No other worker is inside at the same time; one that dies lets go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

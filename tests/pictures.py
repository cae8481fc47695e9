"""Pictures that tests draw themselves."""

from __future__ import annotations

import os
import time
from pathlib import Path

from PIL import Image, ImageDraw

YESTERDAY = time.time() - 86_400


def draw(path: Path, seed: int = 0, *, size: tuple[int, int] = (96, 64), taken: str | None = None) -> Path:
    """A small picture, different for each *seed*, dated yesterday so that no scan waits for it to settle."""
    image = Image.new("RGB", size, ((seed * 47) % 256, (seed * 91) % 256, (seed * 13) % 256))
    ImageDraw.Draw(image).ellipse((8, 8, 8 + 7 * (seed % 9 + 1), 40), fill="white")
    exif = Image.Exif()
    if taken:
        exif[0x9003] = taken
        exif.get_ifd(0x8769)[0x9003] = taken
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, exif=exif, **({"quality": 90} if path.suffix.lower() in {".jpg", ".jpeg"} else {}))
    return age(path)


def age(path: Path, seconds: float = 86_400) -> Path:
    """Date *path* (and the folder it is in) back, so that it counts as settled."""
    for one in (path, path.parent):
        os.utime(one, (time.time() - seconds, time.time() - seconds))
    return path

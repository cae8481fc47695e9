"""
Thumbnails of 12 and 24 MP JPEGs: ours against `sharp` (npm), same files, same size, same quality, two at a time.

    python -m tests.bench.thumbnails_bench [--files 24] [--rounds 3] [--threads 2]

Rounds alternate between the two, so that a busy machine slows both. Ours reads, renders, makes the placeholder and
writes; sharp reads, renders and writes. Start-up of either is not counted.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.files.atomic_write import atomic_write
from tasks.files.media_file import MediaFile
from tasks.files.media_types import MediaKind
from tasks.images.thumbnail import Tools, render_thumbnail

SIZES = {"12 MP": (4000, 3000), "24 MP": (6000, 4000)}
LONG_EDGE_PX = 480
SHARP = """
const sharp = require('sharp'), fs = require('fs'), path = require('path');
const [folder, out, workers] = [process.argv[2], process.argv[3], Number(process.argv[4])];
sharp.concurrency(1); sharp.cache(false);
const files = fs.readdirSync(folder).sort();
async function work() {
  for (let name; (name = files.shift());) {
    await sharp(path.join(folder, name)).rotate().resize(480, 480, { fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 80 }).toFile(path.join(out, name));
  }
}
(async () => {
  await sharp(Buffer.from(fs.readFileSync(path.join(folder, files[0])))).metadata();
  const started = process.hrtime.bigint();
  await Promise.all(Array.from({ length: workers }, work));
  console.log(JSON.stringify({ seconds: Number(process.hrtime.bigint() - started) / 1e9, version: sharp.versions }));
})();
"""


def draw_photo(path: Path, width: int, height: int, seed: int) -> None:
    """A picture with the entropy of a photo: soft shapes, edges, texture and sensor noise; about 0.35 bytes a pixel."""
    rng = np.random.default_rng(seed)
    shapes = Image.fromarray(rng.integers(0, 256, (height // 150, width // 150, 3), dtype=np.uint8))
    pixels = np.asarray(shapes.resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16).copy()
    texture = rng.normal(0, 14, (height // 3 + 1, width // 3 + 1)).astype(np.int16)
    pixels += np.kron(texture, np.ones((3, 3), dtype=np.int16))[:height, :width, None]
    pixels += rng.normal(0, 3, (height, width, 1)).astype(np.int16)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Darkroom", "Bench", (1, 6)[seed % 2]
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=90, exif=exif)


def run_ours(folder: Path, out: Path, threads: int) -> float:
    """Seconds for all files of *folder*."""

    def one(path: Path) -> None:
        stat = path.stat()
        file = MediaFile(path, MediaKind("photo", "image/jpeg"), stat.st_size, stat.st_mtime_ns)
        rendered = render_thumbnail(file, path.read_bytes(), LONG_EDGE_PX, Tools())
        atomic_write(out / path.name, rendered.jpeg, durable=False)  # sharp does not wait for the disk either

    files = sorted(folder.iterdir())
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, files))
    return time.perf_counter() - started


def run_sharp(home: Path, folder: Path, out: Path, threads: int) -> float:
    command = ["node", "bench.js", str(folder), str(out), str(threads)]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=True, timeout=600)
    return float(json.loads(done.stdout)["seconds"])


def install_sharp(home: Path) -> bool:
    """sharp in a folder of its own; False where node or the registry is not to be had."""
    if shutil.which("npm") is None:
        return False
    (home / "bench.js").write_text(SHARP)
    (home / "package.json").write_text('{"name": "bench", "private": true}')
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "sharp"]
    return subprocess.run(command, cwd=home, capture_output=True, timeout=300, check=False).returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=24, help="of each size")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as name:
        home = Path(name)
        has_sharp = install_sharp(home)
        print(
            f"{'size':8}{'MB/file':>9}{'ours /s':>10}{'sharp /s':>10}{'ratio':>8}   ({chosen.rounds} rounds, medians)"
        )
        for label, (width, height) in SIZES.items():
            folder, out = home / label, home / f"{label} out"
            folder.mkdir()
            out.mkdir()
            for seed in range(min(chosen.files, 6)):  # drawing is slow: six different ones, copied
                draw_photo(folder / f"{seed:03}.jpg", width, height, seed)
            for number in range(6, chosen.files):
                shutil.copy(folder / f"{number % 6:03}.jpg", folder / f"{number:03}.jpg")
            megabytes = sum(path.stat().st_size for path in folder.iterdir()) / chosen.files / 1e6
            ours, theirs = [], []
            for _ in range(chosen.rounds):
                ours.append(chosen.files / run_ours(folder, out, chosen.threads))
                if has_sharp:
                    theirs.append(chosen.files / run_sharp(home, folder, out, chosen.threads))
            our_rate = statistics.median(ours)
            their_rate = statistics.median(theirs) if theirs else float("nan")
            ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True)) if theirs else float("nan")
            print(f"{label:8}{megabytes:9.1f}{our_rate:10.1f}{their_rate:10.1f}{ratio:8.2f}", flush=True)


if __name__ == "__main__":
    main()

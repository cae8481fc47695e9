"""
Embedded RAW previews: our walk over the file's structure against one long-lived `exiftool -stay_open`.

    python -m tests.bench.raw_previews_bench [--copies 10] [--rounds 3]

Files are copies of the real RAWs beside the checkout that hold a JPEG preview. Ours is measured twice: finding and
reading the largest whole JPEG (which is what exiftool does), and decoding it as well (which exiftool never does).
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from tasks.errors import UnsupportedMedia
from tasks.images.raw import extract_raw_preview, render_preview

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"
READY = b"{ready}"


def real_raws() -> list[Path]:
    """Those in which there is a preview to be found."""
    found = []
    for path in sorted([*MEDIA.glob("raw/*/*"), *MEDIA.glob("2004/*/*.CRW")]):
        if path.suffix.lower() in {".xmp", ".jpg"}:
            continue
        try:
            extract_raw_preview(path)
        except UnsupportedMedia:
            continue
        found.append(path)
    return found


def run_ours(files: list[Path], decode: bool) -> float:
    started = time.perf_counter()
    for path in files:
        preview = extract_raw_preview(path)
        if decode:
            render_preview(path, [preview], 480)
    return time.perf_counter() - started


class ExifTool:
    """One process, asked file by file as its documentation says to."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["exiftool", "-stay_open", "True", "-@", "-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def ask(self, path: Path) -> int:
        """Bytes of all previews, in one call with base64 in JSON."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        lines = ["-j", "-b", "-PreviewImage", "-JpgFromRaw", "-OtherImage", str(path), "-execute"]
        self.process.stdin.write(("\n".join(lines) + "\n").encode())
        self.process.stdin.flush()
        answer = b""
        while READY not in answer:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit("exiftool ended")
            answer += line
        return len(json.loads(answer.partition(READY)[0] or b"[]"))

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"-stay_open\nFalse\n")
        self.process.stdin.close()
        self.process.wait(10)


def run_exiftool(files: list[Path], tool: ExifTool) -> float:
    started = time.perf_counter()
    for path in files:
        tool.ask(path)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    if not MEDIA.is_dir() or shutil.which("exiftool") is None:
        raise SystemExit("this needs exiftool and the real media beside the checkout")
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as name:
        files = []
        for copy in range(chosen.copies):
            for number, path in enumerate(real_raws()):
                files.append(Path(shutil.copy(path, Path(name) / f"{copy:03}-{number:02}{path.suffix}")))
        tool = ExifTool()
        tool.ask(files[0])
        rates: dict[str, list[float]] = {"ours, found and read": [], "ours, decoded too": [], "exiftool -stay_open": []}
        for _ in range(chosen.rounds):
            rates["ours, found and read"].append(len(files) / run_ours(files, decode=False))
            rates["ours, decoded too"].append(len(files) / run_ours(files, decode=True))
            rates["exiftool -stay_open"].append(len(files) / run_exiftool(files, tool))
        tool.close()
        base = statistics.median(rates["exiftool -stay_open"])
        print(f"{len(files)} files, {chosen.rounds} rounds, medians")
        for label, values in rates.items():
            print(f"{label:24}{statistics.median(values):10.0f} /s{statistics.median(values) / base:8.1f} x")


if __name__ == "__main__":
    main()

"""
From a file that appears in the library, or is uploaded, to its photo in GET /photos and its thumbnail, with all of
`darkroom up` running.

    python -m tests.bench.file_to_page_bench [--files 20000] [--rounds 5] [--interval 10]

A scheduled scan looks every WATCH_QUICK_INTERVAL_SECONDS (60 by default, --interval here): half of it is waited for in
the middle, and is printed beside what came after it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from deployments.settings import Settings
from serving.auth.accounts import add_user
from serving.auth.tokens import issue_token
from sql.lake import Lake
from tests.bench.made_up_library import make_tree, register_as_read
from tests.bench.measuring import free_port, row, wait_until_ready
from tests.bench.thumbnails_bench import draw_photo

GIVE_UP_SECONDS = 300
LOOK_SECONDS = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000, help="already in the library")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--interval", type=int, default=10, help="seconds between looks for changed folders")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as temporary:
        root, home = Path(temporary, "library"), Path(temporary, "home")
        make_tree(root, chosen.files)
        register_as_read(home, root)
        settings = Settings(darkroom_home=home, _env_file=None)  # type: ignore[call-arg]
        with Lake(settings.catalog_url, settings.data_path) as lake:
            add_user(lake, "bench", "a password")
        drawn = Path(temporary, "drawn.jpg")
        draw_photo(drawn, 4000, 3000, 1)
        token = issue_token(settings, "bench")
        with (
            everything(home, chosen.interval) as url,
            httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
        ):
            client.headers["Authorization"] = f"Bearer {token}"
            print(f"{chosen.files:,} files in the library, one JPEG of 12 MP a round, {chosen.rounds} rounds")
            copied = [round_trip(client, copy_into(root, drawn), name(number)) for number in range(chosen.rounds)]
            sent = [round_trip(client, upload(client, drawn), name(1000 + n)) for n in range(chosen.rounds)]
            wait = f"{chosen.interval / 2:.0f} s of it are the schedule's"
            row("a file copied into the library: on the page after", *figures(copied, wait))
            row("a file uploaded: on the page after", *figures(sent, ""))


def name(number: int) -> str:
    return f"ARRIVED_{number:04}.jpg"


def figures(seconds: list[float], remark: str) -> tuple[str, str]:
    return f"{statistics.median(seconds):.2f} s", f"at most {max(seconds):.2f} s; {remark}".rstrip("; ")


def copy_into(root: Path, drawn: Path) -> Callable[[str], None]:
    def arrive(file_name: str) -> None:
        half = root / f".{file_name}"  # hidden until it is whole, as good programs copy
        shutil.copyfile(drawn, half)
        with half.open("ab") as file:
            file.write(file_name.encode())  # bytes of its own
        half.rename(root / file_name)

    return arrive


def upload(client: httpx.Client, drawn: Path) -> Callable[[str], None]:
    def arrive(file_name: str) -> None:
        content = drawn.read_bytes() + file_name.encode()
        client.post("/image", files={"file": (file_name, content, "image/jpeg")}, data={"path": ""}).raise_for_status()

    return arrive


def round_trip(client: httpx.Client, arrive: Callable[[str], None], file_name: str) -> float:
    """Seconds from the arrival until a page shows the photo and its thumbnail can be fetched."""
    started = time.perf_counter()
    arrive(file_name)
    while time.perf_counter() - started < GIVE_UP_SECONDS:
        page = client.get("/photos", params={"path": "", "limit": 100}).raise_for_status().json()
        found = [photo for photo in page["photos"] if photo["path"] == file_name]
        if found and found[0]["thumb_url"] and client.get(found[0]["thumb_url"]).status_code == 200:
            return time.perf_counter() - started
        time.sleep(LOOK_SECONDS)
    sys.exit(f"{file_name} was not on the page after {GIVE_UP_SECONDS} s")


@contextmanager
def everything(home: Path, interval_seconds: int) -> Iterator[str]:
    """`darkroom up`, its first scan over."""
    port, prefect_port = free_port(), free_port()
    environment = {**os.environ, "DARKROOM_HOME": str(home), "WATCH_QUICK_INTERVAL_SECONDS": str(interval_seconds)}
    up = subprocess.Popen(
        [sys.executable, "-m", "deployments.cli.app", "up", "--port", str(port), "--prefect-port", str(prefect_port)],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/healthz", up)
        yield f"http://127.0.0.1:{port}"
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(30)


if __name__ == "__main__":
    main()

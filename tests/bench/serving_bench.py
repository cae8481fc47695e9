"""
Pages of photos and thumbnails a second over HTTP, thumbnails against nginx on the same files.

    python -m tests.bench.serving_bench [--assets 1000000] [--requests 3000]

Rows are made up. The load generator shares the machine with what it measures, for nginx and for us alike: read the
ratios. How long one request takes is the business of requests_bench.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from deployments.settings import Settings
from serving.auth.accounts import add_user
from serving.auth.tokens import issue_token
from serving.listing.cursor import Cursor, Sort
from sql.lake import Lake
from tests.bench.made_up_library import fill
from tests.bench.measuring import api_server, ask, free_port, row, wait_until_ready

THUMBS = 1_000
CLIENTS = 16
ROUNDS = 3


def rate(url: str, paths: list[str], token: str, requests: int) -> float:
    """Answers a second, the median of some rounds after one that is not counted."""
    ask(url, paths, token, clients=CLIENTS, requests=requests // 4)
    return statistics.median(ask(url, paths, token, clients=CLIENTS, requests=requests).rate for _ in range(ROUNDS))


@contextmanager
def nginx_server(folder: Path, work: Path) -> Iterator[str | None]:
    program = shutil.which("nginx")
    if program is None:
        yield None
        return
    port = free_port()
    places = "".join(
        f"{kind}_temp_path {work}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (work / "nginx.conf").write_text(
        f"daemon off; pid {work}/nginx.pid; error_log {work}/error.log; worker_processes 1;\n"
        f"events {{ worker_connections 256; }}\nhttp {{ access_log off; {places} sendfile on;\n"
        "keepalive_requests 1000000;\n"
        f"types {{ image/jpeg jpg; }} server {{ listen 127.0.0.1:{port}; root {folder}; }} }}\n"
    )
    if os.geteuid() == 0:  # its worker would be another user, who cannot look into our folder
        (work / "nginx.conf").write_text("user root;\n" + (work / "nginx.conf").read_text())
    process = subprocess.Popen([program, "-c", str(work / "nginx.conf"), "-e", str(work / "error.log")])
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=15)


def draw_thumbnails(folder: Path, photos: list[dict[str, str]]) -> None:
    """20 KB of noise each: what is measured is how they are served."""
    for photo in photos:
        file = folder / photo["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"\xff\xd8" + os.urandom(20_000))


def measure(settings: Settings, work: Path, token: str, requests: int) -> None:
    folder = settings.thumbnails_folder
    cursor = Cursor(Sort("taken_at", True), "2012-06-01 00:00:00", 1).encoded()
    environment = {"DARKROOM_HOME": str(settings.darkroom_home), "SECRET_KEY": settings.signing_key}
    with api_server(environment) as server:
        asked = {"limit": THUMBS, "cursor": cursor}
        headers = {"Authorization": f"Bearer {token}"}
        photos = httpx.get(f"{server.url}/photos", params=asked, headers=headers, timeout=60, trust_env=False).json()
        draw_thumbnails(folder, photos["photos"])
        for limit, by in ((100, 10), (1000, 20)):
            found = rate(server.url, [f"/photos?limit={limit}&cursor={cursor}"], token, requests // by)
            row(f"GET /photos of {limit:,}", f"{found:,.0f} /s")
        ours = rate(server.url, [photo["thumb_url"] for photo in photos["photos"]], token, requests)
        row("thumbnails of 20 KB", f"{ours:,.0f} /s")
        row("memory peak of the API", f"{server.peak_mb:,.0f} MB")
    with nginx_server(folder, work) as nginx:
        if nginx is None:
            row("nginx", "-", "not installed")
            return
        theirs = rate(nginx, [f"/{photo['path']}" for photo in photos["photos"]], token, requests)
        row("nginx, the same files, one worker", f"{theirs:,.0f} /s", f"ours is {ours / theirs:.2f} of it")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=3_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as folder:
        work = Path(folder)
        settings = Settings(darkroom_home=work / "home")
        with Lake(settings.catalog_url, settings.data_path) as lake:
            lake.migrate()
            fill(lake, chosen.assets, work)
            add_user(lake, "bench", "a password")
        print(f"{chosen.assets:,} assets, {CLIENTS} clients")
        measure(settings, work, issue_token(settings, "bench"), chosen.requests)


if __name__ == "__main__":
    main()

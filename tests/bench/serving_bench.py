"""
The API at 1,000,000 assets, and its thumbnails against nginx on the same files.

    python -m tests.bench.serving_bench [--assets 1000000] [--seconds 3]

Rows are made up; every figure is a median over the run. The load generator shares the machine with what it measures,
for nginx and for us alike: read the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from fastapi.testclient import TestClient

from deployments.settings import Settings
from serving.accounts import add_user
from serving.app import create_app
from serving.auth import issue_token
from serving.cursor import Cursor, Sort
from serving.photo_query import Conditions, read_page
from serving.replica import Replica
from sql.lake import Lake

THUMBS = 1_000
CONNECTIONS = 16


def fill(lake: Lake, assets: int, root: Path) -> None:
    """Assets, hashes, metadata and thumbnails, over 25 years and 1,200 folders."""
    numbers = f"from range(1, {assets + 1}) numbers(i)"
    file = "format('{}/{:02}-{}/IMG_{:07}.jpg', 2000 + i % 25, 1 + i % 12, i % 4, i)"
    content_hash = "md5(i::varchar) || md5((i + 1)::varchar)"
    taken_at = "timestamp '2000-01-01' + to_seconds((hash(i) % 788400000)::bigint)"
    with lake.write("made up") as writer:
        writer.append("library", [{"library_id": 1, "name": "photos", "root_path": str(root)}])
        writer.execute(f"""insert into asset by name select i as asset_id, 1 as library_id, {file} as rel_path,
            if(i % 20 = 0, 'video', 'photo') as media_type, 'image/jpeg' as mime_type, 3000000 + i as size_bytes,
            1500000000000000000 + i as mtime_ns, '' as sidecar, '' as sidecar_version {numbers}""")
        writer.execute(f"""insert into fingerprint by name select i as asset_id, 3000000 + i as size_bytes,
            1500000000000000000 + i as mtime_ns, {content_hash} as content_hash {numbers}""")
        writer.execute(f"""insert into metadata by name select i as asset_id, {content_hash} as content_hash,
            4000 as width, 3000 as height, {taken_at} as taken_at, 'Canon' as camera_make,
            ['EOS 6D', 'EOS R5', 'D90'][1 + i % 3] as camera_model, 'EF 24-70mm' as lens_model,
            if(i % 3 = 0, (hash(i) % 180)::double - 90, null) as latitude,
            if(i % 3 = 0, (hash(i + 7) % 360)::double - 180, null) as longitude {numbers}""")
        writer.execute(f"""insert into derivative by name select i as asset_id, {content_hash} as content_hash,
            'thumbnail' as kind, {file} as file,
            from_hex(substr(md5(i::varchar) || md5(i::varchar), 1, 50)) as thumbhash {numbers}""")


def median_ms(act: Callable[[], object], times: int = 30) -> float:
    act()
    spans = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        spans.append((time.perf_counter() - started) * 1000)
    return statistics.median(spans)


def row(name: str, figure: str, remark: str = "") -> None:
    print(f"{name:<52} {figure:>14}  {remark}", flush=True)


def bench_replica(lake: Lake) -> None:
    started = time.perf_counter()
    copy = Replica(lake).current
    row("first load of the replica", f"{time.perf_counter() - started:.2f} s", f"{copy.photos:,} assets")
    row("memory of this process after it", f"{_resident_mb():.0f} MB")
    newest, middle = Sort("taken_at", True), Cursor(Sort("taken_at", True), "2012-06-01 00:00:00", 1)
    camera = Conditions()
    camera.camera("d90")

    def page(conditions: Conditions, limit: int, cursor: Cursor | None) -> Callable[[], object]:
        def act() -> None:
            with copy.reading() as reader:
                read_page(copy, reader, conditions, newest, limit=limit, cursor=cursor)

        return act

    row("keyset page of 100, first", f"{median_ms(page(Conditions(), 100, None)):.2f} ms")
    row("keyset page of 100, in the middle", f"{median_ms(page(Conditions(), 100, middle)):.2f} ms")
    row("keyset page of 1,000, in the middle", f"{median_ms(page(Conditions(), 1000, middle)):.2f} ms")
    row("page of 100 of one camera", f"{median_ms(page(camera, 100, middle), 10):.2f} ms")
    by_path = copy.rows("asset_by_id", asset_id=copy.photos // 2)[0]["path"]
    row("asset by path", f"{median_ms(lambda: copy.rows('asset_by_path', path=by_path, library_id=None)):.2f} ms")


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def bench_in_process(settings: Settings, lake: Lake, token: str) -> None:
    with TestClient(create_app(settings, lake)) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        cursor = Cursor(Sort("taken_at", True), "2012-06-01 00:00:00", 1).encoded()
        for limit in (100, 1000):
            asked = {"limit": limit, "cursor": cursor}
            spent = median_ms(lambda asked=asked: client.get("/photos", params=asked))  # type: ignore[misc]
            row(f"GET /photos of {limit:,}, in process", f"{spent:.2f} ms", "with the test client's own time")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def our_server(settings: Settings) -> Iterator[str]:
    port = free_port()
    environment = {
        **os.environ, "DARKROOM_HOME": str(settings.darkroom_home), "BIND_URL": f"127.0.0.1:{port}",
        "SECRET_KEY": settings.signing_key,
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "serving.app"], env=environment)
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=15)


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
        _wait_for(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=15)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"{process.args!r} ended with {process.returncode}")
        try:
            httpx.get(url, timeout=1)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"{url} does not answer")


async def _ask(host: str, port: int, requests: list[bytes], seconds: float) -> int:
    """Keep-alive requests one after another on each of some connections; returns how many were answered with 200."""
    deadline = time.perf_counter() + seconds

    async def one(number: int) -> int:
        reader, writer = await asyncio.open_connection(host, port)
        answered = number
        while time.perf_counter() < deadline:
            writer.write(requests[answered % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                sys.exit(f"refused: {head[:300]!r}")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            answered += 1
        writer.close()
        return answered - number

    return sum(await asyncio.gather(*(one(number * 7) for number in range(CONNECTIONS))))


def rate(base: str, paths: list[str], token: str, seconds: float) -> float:
    host, port = base.removeprefix("http://").split(":")
    requests = [
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode() for path in paths
    ]
    asyncio.run(_ask(host, int(port), requests, 0.7))
    rates = [asyncio.run(_ask(host, int(port), requests, seconds)) / seconds for _ in range(3)]
    return statistics.median(rates)


def bench_http(settings: Settings, folder: Path, work: Path, token: str, seconds: float) -> None:
    cursor = Cursor(Sort("taken_at", True), "2012-06-01 00:00:00", 1).encoded()
    with our_server(settings) as base:
        client = httpx.Client(headers={"Authorization": f"Bearer {token}"})
        page = client.get(f"{base}/photos", params={"limit": THUMBS, "cursor": cursor}).json()
        photos = page["photos"]
        for photo in photos:
            file = folder / photo["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"\xff\xd8" + os.urandom(20_000))
        for limit in (100, 1000):
            found = rate(base, [f"/photos?limit={limit}&cursor={cursor}"], token, seconds)
            row(f"GET /photos of {limit:,}, over HTTP", f"{found:,.0f} /s")
        ours = rate(base, [photo["thumb_url"] for photo in photos], token, seconds)
        row("thumbnails over HTTP (20 KB, random order)", f"{ours:,.0f} /s")
    with nginx_server(folder, work) as nginx:
        if nginx is None:
            row("nginx", "-", "not installed")
            return
        theirs = rate(nginx, [f"/{photo['path']}" for photo in photos], token, seconds)
        row("nginx, the same files, one worker", f"{theirs:,.0f} /s", f"ours is {ours / theirs:.2f} of it")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=3.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as place:
        work = Path(place)
        settings = Settings(darkroom_home=work / "home")
        with Lake(settings.catalog_url, settings.data_path) as lake:
            lake.migrate()
            fill(lake, asked.assets, work)
            add_user(lake, "bench", json.dumps("a password"))
            token = issue_token(settings, "bench")
            bench_replica(lake)
            bench_in_process(settings, lake, token)
        bench_http(settings, settings.thumbnails_folder, work, token, asked.seconds)


if __name__ == "__main__":
    main()

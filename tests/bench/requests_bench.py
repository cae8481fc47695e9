"""
What a person at the web page waits for, over HTTP, at 1,000,000 made-up assets.

    python -m tests.bench.requests_bench [--assets 1000000] [--requests 300] [--only timeline]

Two starts of the API: the first page of one, the first search of the other, both from starting the process. Then every
question by 1 client and by 16 at once, p50 and p99, and the memory peak of the API. The first row is a server of bare
bytes in this process: what is above its p99 is the machine's doing.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from deployments.settings import Settings
from serving.auth.accounts import add_user
from serving.auth.tokens import issue_token
from serving.listing.cursor import Cursor, Sort
from sql.lake import Lake
from tests.bench.made_up_library import TAGS, describe, fill
from tests.bench.measuring import api_server, ask, free_port, row

CLIENTS = (1, 16)
GOAL_P99_MS = 50
_TAG = {name: tag_id for tag_id, (name, _) in TAGS.items()}
_DEEP = Cursor(Sort("taken_at", True), "2012-06-01 00:00:00", 1).encoded()
# The search's words, and what each is an example of.
SEARCHES = {
    "one rare word": "img_0123456",
    "a word everything has": "jpg",
    "a folder's words": "2012 07",
    "a phrase": '"jpg 2012" -"img 7"',
    "a tag": "tag:summer",
    "a country": "country:switzerland",
    "a camera and a year": "camera:r5 date:2012",
    "a camera, not a folder, size": "camera:d90 -folder:2011 size:>3MB",
    "near a place": "near:47.1,8.5,500km",
    "videos": "type:video date:2005..2010",
    "a title's words": "ladybug garden",
    "the beginning of many words": "img_01",
    "nothing": "",
}


def questions() -> dict[str, str]:
    """Name to path; page and count together, as the web page asks for them."""

    def photos(**parameters: object) -> str:
        return f"/photos?{urlencode({'recursive': 'true', 'limit': 100, **parameters})}"

    found = {
        "timeline: first page": photos(),
        "timeline: far down": photos(cursor=_DEEP),
        "timeline: 1,000 rows far down": photos(cursor=_DEEP, limit=1000),
        "timeline: a month": photos(month="2012-06"),
        "timeline: the months": "/photos/months?recursive=true",
        "filter: a tag of one in 2": photos(tag_ids=_TAG["summer"]),
        "filter: a tag of one in 100": photos(tag_ids=_TAG["family"]),
        "filter: a tag of one in 1,000": photos(tag_ids=_TAG["wedding"]),
        "filter: a tag of one in 10,000": photos(tag_ids=_TAG["comet"]),
        "filter: all of two tags": photos(tag_ids=f"{_TAG['summer']},{_TAG['winter']}", tag_filter_mode="All"),
        "filter: all but a tag": photos(exclude_tag_ids=_TAG["summer"]),
        "filter: camera, tag and size": photos(camera="d90", tag_ids=_TAG["winter"], min_size=3_500_000),
        "memories: a day": "/memories?span=day",
        "memories: a month": "/memories?span=month",
        "map: clusters of the world": "/map/clusters?zoom=2",
        "tags: all, with counts": "/tags",
        "duplicates: exact": "/duplicates/exact",
        "completion: lad": "/search/suggest?q=lad",
    }
    return found | {f"search: {name}": f"/search?{urlencode({'q': query})}" for name, query in SEARCHES.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--only", default="", help="questions whose name begins so")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as folder:
        settings = Settings(darkroom_home=Path(folder) / "home")
        with Lake(settings.catalog_url, settings.data_path) as lake:
            lake.migrate()
            fill(lake, chosen.assets, Path(folder))
            describe(lake, chosen.assets)
            add_user(lake, "bench", "a password")
        token = issue_token(settings, "bench")
        environment = {"DARKROOM_HOME": str(settings.darkroom_home), "SECRET_KEY": settings.signing_key}
        asked = {name: path for name, path in questions().items() if name.startswith(chosen.only)}
        print(f"{chosen.assets:,} assets, {chosen.requests} requests a question, over HTTP")
        for name in ("timeline: first page", "search: a title's words"):
            measure_start(environment, token, name, questions()[name])
        with bare_server() as url:
            measure("nothing: a server of bare bytes", url, "/", token, chosen.requests)
        with api_server(environment) as server:
            for name, path in asked.items():
                measure(name, server.url, path, token, chosen.requests)
            row(
                "memory peak of the API",
                f"{server.peak_mb:,.0f} MB",
                f"{server.peak_mb * 1e6 / chosen.assets:.0f} B an asset",
            )


def measure_start(environment: dict[str, str], token: str, name: str, path: str) -> None:
    with api_server(environment) as server:
        first = ask(server.url, [path], token, clients=1, requests=1)
        seconds = server.ready_seconds + first.wall_seconds
        row(
            f"from start to {name}",
            f"{seconds:.2f} s",
            f"ready after {server.ready_seconds:.2f} s, peak {server.peak_mb:,.0f} MB",
        )


def measure(name: str, url: str, path: str, token: str, requests: int) -> None:
    ask(url, [path], token, clients=1, requests=3)
    found = [ask(url, [path], token, clients=clients, requests=requests) for clients in CLIENTS]
    one, many = found
    row(
        name,
        f"{one.p50:.1f} / {one.p99:.1f} ms",
        f"{CLIENTS[1]} clients {many.p50:.1f} / {many.p99:.1f} ms, {many.rate:,.0f}/s"
        + ("" if many.p99 <= GOAL_P99_MS else f", over {GOAL_P99_MS} ms"),
    )


@contextmanager
def bare_server() -> Iterator[str]:
    """Answers everything with the same few bytes; a thread of this process."""
    port, ended = free_port(), threading.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        except asyncio.IncompleteReadError:  # the client has left
            writer.close()

    async def serve() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", port):
            started.set()
            await asyncio.to_thread(ended.wait)

    started = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    started.wait()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        ended.set()
        thread.join()


if __name__ == "__main__":
    main()

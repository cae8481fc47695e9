"""
Searches, clusters and duplicates over 1,000,000 made-up assets, in process.

    python -m tests.bench.search_bench [--assets 1000000] [--times 300]

The rows are those of serving_bench, with tags, places and titles; figures are medians and 99th percentiles.
The loop of Python alone tells what is the machine's doing: a shared one is away for 35 ms now and then.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fastapi.testclient import TestClient

from deployments.settings import Settings
from serving.accounts import add_user
from serving.app import create_app
from serving.auth import issue_token
from sql.lake import Lake
from tests.bench.serving_bench import _resident_mb, fill, row

QUERIES = {
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


def describe(lake: Lake, assets: int) -> None:
    """Titles, places, tags and perceptual hashes, as many as a tended library has."""
    numbers = f"from range(1, {assets + 1}) numbers(i)"
    content_hash = "md5(i::varchar) || md5((i + 1)::varchar)"
    with lake.write("made up") as writer:
        writer.execute("""update metadata set
            title = ['Ladybug in the garden', 'Crème brûlée', 'Birthday of Ada'][1 + asset_id % 3]
            where asset_id % 10 = 0""")
        writer.execute("""insert into photo_place by name select
            content_hash, latitude, longitude, 'CH' as country_code,
            ['Switzerland', 'Italy', 'Iceland'][1 + asset_id % 3] as country,
            'Region ' || asset_id % 40 as region,
            'City ' || asset_id % 3000 as city, 'offline' as source, 'bench' as recipe
            from metadata where latitude is not null""")
        writer.execute("""insert into tag by name select i as tag_id, ['summer', 'winter', 'family'][i] as name
            from range(1, 4) numbers(i)""")
        writer.execute(f"""insert into photo_tag by name select {content_hash} as content_hash,
            (1 + i % 3)::integer as tag_id {numbers} where i % 5 = 0""")
        writer.execute(f"""insert into perceptual_hash by name select {content_hash} as content_hash,
            hash(i // 2) as phash, hash(i // 2 + 1) as dhash, 'bench' as recipe, timestamp '2020-01-01' as recorded_at
            {numbers}""")


def timed(act: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each call but a first one."""
    act()
    spans = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        spans.append((time.perf_counter() - started) * 1000)
    return spans


def spread(spans: list[float]) -> tuple[str, str]:
    """Median and 99th percentile."""
    ordered = sorted(spans)
    late = ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))]
    return f"{ordered[len(ordered) // 2]:.1f} ms", f"p99 {late:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=300)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as place:
        settings = Settings(darkroom_home=Path(place) / "home")
        with Lake(settings.catalog_url, settings.data_path) as lake:
            lake.migrate()
            fill(lake, asked.assets, Path(place))
            describe(lake, asked.assets)
            add_user(lake, "bench", "a password")
            with TestClient(create_app(settings, lake)) as client:
                client.headers["Authorization"] = f"Bearer {issue_token(settings, 'bench')}"
                measure(client, asked.times)


def measure(client: TestClient, times: int) -> None:
    row("nothing: a loop of Python", *spread(timed(lambda: sum(range(1_000_000)), times)))
    row("memory before the first search", f"{_resident_mb():.0f} MB")
    started = time.perf_counter()
    client.get("/search", params={"q": "jpg"}).raise_for_status()
    row("the first search, which builds the index", f"{time.perf_counter() - started:.1f} s")
    row("memory after it", f"{_resident_mb():.0f} MB")
    everything: list[float] = []
    for name, query in QUERIES.items():
        answer = client.get("/search", params={"q": query})
        answer.raise_for_status()
        spans = timed(lambda query=query: client.get("/search", params={"q": query}), times)  # type: ignore[misc]
        everything += spans
        middle, late = spread(spans)
        row(f"search: {name}", middle, f"{late}, {answer.json()['total_count']:,} found")
    row("search: all of them", *spread(everything))
    for name, path, parameters in (
        ("completion of `lad`", "/search/suggest", {"q": "lad"}),
        ("completion of `camera:`", "/search/suggest", {"q": "camera:"}),
        ("clusters of the world", "/map/clusters", {"zoom": 2}),
        ("exact duplicates", "/duplicates/exact", {}),
    ):
        spans = timed(lambda path=path, parameters=parameters: client.get(path, params=parameters), times // 5)  # type: ignore[misc]
        row(name, *spread(spans))
    started = time.perf_counter()
    answer = client.get("/duplicates/perceptual", params={"limit": 10}).json()
    spent = time.perf_counter() - started
    row("near duplicates, the first time", f"{spent:.1f} s", f"{answer['total_groups']:,} groups")


if __name__ == "__main__":
    main()

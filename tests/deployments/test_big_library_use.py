"""20,000 photos as people use them: search, map, memories, look-alikes, sixteen at once, a backup and its return."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from deployments.settings import Settings
from serving.app import create_app
from sql.lake import Lake
from tests.big_library import BURST, CAMERAS, COUNT, FIRST, PLACES, YEARS, BigLibrary, environment_of
from tests.serving.conftest import logged_in
from tests.waiting import wait_until

CLIENTS = 16
LONDON = 1  # in PLACES


@pytest.fixture(scope="module")
def client(big_library: BigLibrary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = Settings(darkroom_home=big_library.copy_home(tmp_path_factory.mktemp("big") / "home"))
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        logged_in(client)
        wait_until(lambda: client.get("/search", params={"q": "img_00001"}).status_code == 200)
        yield client


def taken_at(number: int) -> datetime:
    return FIRST + number * (timedelta(days=365 * YEARS) / COUNT)


def has_place(number: int) -> bool:
    return number // BURST % 4 != 0


def place_of(number: int) -> int | None:
    return number // BURST // len(CAMERAS) % len(PLACES) if has_place(number) else None


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("place:london", lambda number: place_of(number) == LONDON),
        ("camera:x-t3 date:2012", lambda number: number // BURST % 4 == 3 and taken_at(number).year == 2012),
        ("img_12345", lambda number: number == 12_345),
        ("-has:gps", lambda number: not has_place(number)),
    ],
)
def test_search_finds_exactly_what_was_drawn(client: TestClient, query: str, fits: object) -> None:
    assert callable(fits)
    answer = client.get("/search", params={"q": query, "limit": 10}).json()
    assert answer["total_count"] == sum(map(fits, range(COUNT)))
    assert all(fits(int(photo["path"][-9:-4])) for photo in answer["photos"])


def test_map_holds_every_photo_with_a_position(client: TestClient) -> None:
    for zoom in (0, 5, 12):
        answer = client.get("/map/clusters", params={"zoom": zoom}).json()
        assert answer["total"] == sum(map(has_place, range(COUNT)))
        assert sum(cluster["count"] for cluster in answer["clusters"]) == answer["total"]


def test_memories_are_those_of_the_day_in_every_year(client: TestClient) -> None:
    answer = client.get("/memories", params={"date": "2024-07-04", "timezone_offset_minutes": 0}).json()
    days = [taken_at(number) for number in range(COUNT)]
    expected = Counter(str(day.year) for day in days if (day.month, day.day) == (7, 4))
    assert answer["years"] == expected
    assert len(answer["items"]) == sum(expected.values())


def test_look_alikes_come_in_bounded_pages(client: TestClient) -> None:
    answer = client.get("/duplicates/perceptual", params={"limit": 20}).json()
    assert answer["total_groups"] > 100
    assert len(answer["groups"]) == 20
    assert client.get("/duplicates/exact").json()["total_groups"] == 0


def test_sixteen_clients_see_the_same_photos_each_once(client: TestClient) -> None:
    def walk(size: int) -> list[int]:
        found: list[int] = []
        cursor = None
        while True:
            page = client.get("/photos", params={"recursive": True, "limit": size, "cursor": cursor}).json()
            found += [photo["asset_id"] for photo in page["photos"]]
            if (cursor := page["next_cursor"]) is None:
                return found

    with ThreadPoolExecutor(CLIENTS) as pool:
        walks = list(pool.map(walk, range(1_000, 1_000 + 25 * CLIENTS, 25)))
    assert len(set(walks[0])) == COUNT
    assert all(found == walks[0] for found in walks)


def test_backup_restored_elsewhere_has_every_row(big_library: BigLibrary, tmp_path: Path) -> None:
    home, target, restored = big_library.copy_home(tmp_path / "home"), tmp_path / "backups", tmp_path / "restored"
    report = darkroom(home, "backup", str(target), "--json")
    assert report["damaged"] == []
    darkroom(restored, "restore", str(target), "--json")
    with lake_of(home) as before, lake_of(restored) as after:
        views = [row["view_name"] for row in before.select("select distinct view_name from v_columns order by 1")]
        assert len(views) > 10
        for view in views:
            rows = f"from {view} select count(*) as rows, bit_xor(hash({view})) as content"
            assert after.select(rows) == before.select(rows), view


def darkroom(home: Path, *arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "deployments.cli.entry", *arguments],
        env=environment_of(home), cwd=home.parent, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report: dict[str, object] = json.loads(done.stdout)
    return report


def lake_of(home: Path) -> Lake:
    settings = Settings(darkroom_home=home)
    return Lake(settings.catalog_url, settings.data_path, read_only=True)

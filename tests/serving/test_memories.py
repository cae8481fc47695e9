"""This day, week or month in all years."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from deployments.settings import is_excluded
from serving.app import create_app
from serving.listing.memories import Span, capture_days, client_today
from sql.lake import utc_now
from tests.serving.conftest import Installation, logged_in, make_installation


def taken(
    installation: Installation, *photos: tuple[str, str], source: str = "EXIF:DateTimeOriginal", only_utc: bool = False
) -> None:
    """Photos as a scan would have recorded them: path, and wall time (or UTC)."""
    first = installation.lake.select("select coalesce(max(asset_id), 0) + 1 as n from asset")[0]["n"]
    assets, prints, metadata = [], [], []
    for number, (path, at) in enumerate(photos, start=first):
        version = {"size_bytes": 1, "mtime_ns": 1_600_000_000_000_000_000}
        moment = datetime.fromisoformat(at)
        assets.append({"asset_id": number, "library_id": 1, "rel_path": path, "media_type": "photo", **version,
                       "sidecar": "", "sidecar_version": "", "first_seen_at": utc_now()})  # fmt: skip
        prints.append({"asset_id": number, "content_hash": f"{number:064x}", **version})
        metadata.append({"asset_id": number, "content_hash": f"{number:064x}", "taken_at": moment,
                         "taken_at_source": source, "taken_at_utc": moment if only_utc else None})  # fmt: skip
    with installation.lake.write("made up") as writer:
        writer.append("asset", assets)
        writer.append("fingerprint", prints)
        writer.append("metadata", metadata)


@contextmanager
def api(installation: Installation, **changes: Any) -> Iterator[TestClient]:
    settings = installation.settings.model_copy(update=changes)
    with TestClient(create_app(settings, installation.lake), raise_server_exceptions=False) as client:
        yield logged_in(client)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Installation]:
    installation = make_installation(tmp_path)
    yield installation
    installation.lake.close()


def memories(client: TestClient, **parameters: Any) -> list[str]:
    answer = client.get("/memories", params=parameters)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["total"] == sum(body["years"].values())
    return [item["path"] for item in body["items"]]


def test_a_day_is_remembered_from_every_year_however_long_ago(empty: Installation) -> None:
    taken(empty, ("now.jpg", "2024-07-04T00:00"), ("old.jpg", "1987-07-04T23:59:59"), ("scan.jpg", "1901-07-04T12:00"),
          ("other.jpg", "2023-07-05T00:00"), ("later.jpg", "2025-07-04T10:00"))  # fmt: skip
    with api(empty) as client:
        assert memories(client, date="2024-07-04") == ["now.jpg", "old.jpg", "scan.jpg"]
        assert memories(client, date="2024-07-04", span="month") == ["now.jpg", "other.jpg", "old.jpg", "scan.jpg"]
        item = client.get("/memories", params={"date": "1987-07-04"}).json()["items"][0]
        assert (item["path"], item["library_id"], item["year"], item["modified"]) == ("old.jpg", 1, 1987, 1_600_000_000)
        assert item["created"] == int(datetime(1987, 7, 4, 23, 59, 59, tzinfo=UTC).timestamp())


def test_a_week_goes_over_new_year_and_keeps_its_days_together(empty: Installation) -> None:
    taken(empty, ("eve.jpg", "2019-12-31T22:00"), ("morning.jpg", "2020-01-01T09:00"), ("29.jpg", "2015-12-29T09:00"),
          ("28.jpg", "2015-12-28T09:00"), ("4.jpg", "2016-01-04T09:00"), ("5.jpg", "2016-01-05T09:00"))  # fmt: skip
    with api(empty) as client:
        assert memories(client, date="2026-01-01", span="week") == ["eve.jpg", "morning.jpg", "29.jpg", "4.jpg"]
        years = client.get("/memories", params={"date": "2026-01-01", "span": "week"}).json()["years"]
        assert years == {"2020": 2, "2016": 2}
        years = client.get("/memories", params={"date": "2025-12-30", "span": "week"}).json()["years"]
        assert years == {"2019": 2, "2015": 2}


def test_leap_day_is_remembered_on_the_28th_where_there_is_none(empty: Installation) -> None:
    taken(empty, ("leap.jpg", "2016-02-29T12:00"), ("28.jpg", "2015-02-28T12:00"))
    with api(empty) as client:
        assert memories(client, date="2024-02-29") == ["leap.jpg"]
        assert memories(client, date="2024-02-28") == ["28.jpg"]
        assert memories(client, date="2023-02-28") == ["leap.jpg", "28.jpg"]
        assert memories(client, date="2023-03-01") == []
        assert memories(client, date="2023-03-02", span="week") == ["leap.jpg", "28.jpg"]


@pytest.mark.parametrize("source", ["mtime", "EXIF:ModifyDate"])
def test_date_of_the_file_is_no_capture_date(empty: Installation, source: str) -> None:
    taken(empty, ("file.jpg", "2020-07-04T12:00"), source=source)
    taken(empty, ("named.jpg", "2020-07-04T12:00"), source="filename")
    with api(empty) as client:
        assert memories(client, date="2024-07-04") == ["named.jpg"]


def test_what_is_known_in_utc_only_has_the_clients_day_and_wall_times_have_their_own(empty: Installation) -> None:
    taken(empty, ("film.mp4", "2020-07-04T23:30"), only_utc=True)
    taken(empty, ("photo.jpg", "2020-07-04T23:30"))
    with api(empty) as client:
        assert memories(client, date="2024-07-04", timezone_offset_minutes=0) == ["film.mp4", "photo.jpg"]
        assert memories(client, date="2024-07-04", timezone_offset_minutes=120) == ["photo.jpg"]
        assert memories(client, date="2024-07-05", timezone_offset_minutes=120) == ["film.mp4"]


def test_today_is_the_clients_today() -> None:
    late = datetime(2024, 12, 31, 23, 30, tzinfo=UTC)
    assert client_today(0, late) == date(2024, 12, 31)
    assert client_today(60, late) == date(2025, 1, 1)
    assert client_today(-720, late) == date(2024, 12, 31)


def test_days_of_a_span_end_where_the_calendar_does() -> None:
    assert capture_days(date(1, 1, 1), Span.week) == [101, 102, 103, 104]
    assert capture_days(date(9999, 12, 31), Span.week) == [1228, 1229, 1230, 1231]
    assert 229 in capture_days(date(2023, 2, 1), Span.month)


IN_FOLDERS = [
    "private/a.jpg", "trips/private/b.jpg", "trips/c.jpg", "privately/d.jpg", "private.jpg", "e.jpg", "trips/x/private",
]  # fmt: skip


@pytest.fixture(scope="module")
def in_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = make_installation(tmp_path_factory.mktemp("folders"))
    taken(installation, *((path, "2020-07-04T12:00") for path in IN_FOLDERS))
    yield installation
    installation.lake.close()


@pytest.mark.parametrize(
    "entries",
    [
        ["/private"],
        ["private"],
        ["/trips/private"],
        ["trips/private"],
        ["/"],
        ["priv"],
        ["/priv"],
        ["/trips/"],
        ["private/"],
    ],
)
def test_excluded_directories_mean_what_they_mean_everywhere(in_folders: Installation, entries: list[str]) -> None:
    with api(in_folders, excluded_dirs=entries) as client:
        expected = sorted(path for path in IN_FOLDERS if not is_excluded(path, entries))
        assert sorted(memories(client, date="2024-07-04")) == expected


def test_folder_library_and_limit_choose_and_every_year_keeps_its_share(empty: Installation) -> None:
    taken(
        empty, *((f"{year}/{number}.jpg", f"{year}-07-04T1{number}:00") for year in (2001, 2011) for number in range(5))
    )
    with api(empty) as client:
        assert memories(client, date="2024-07-04", path="2001") == [f"2001/{number}.jpg" for number in range(5)]
        assert memories(client, date="2024-07-04", path="", recursive="false") == []
        assert memories(client, date="2024-07-04", limit=4) == ["2011/0.jpg", "2011/1.jpg", "2001/0.jpg", "2001/1.jpg"]
        body = client.get("/memories", params={"date": "2024-07-04", "limit": 4, "library": "photos"}).json()
        assert (body["total"], body["years"]) == (10, {"2011": 5, "2001": 5})
        assert client.get("/memories", params={"library": "nowhere"}).status_code == 400
        assert client.get("/memories", params={"path": "../.."}).status_code == 400


@pytest.mark.parametrize(
    "parameters",
    [{"span": "year"}, {"timezone_offset_minutes": "901"}, {"timezone_offset_minutes": "x"}, {"date": "2024-02-30"}],
)
def test_what_cannot_be_meant_is_refused(unchanged: TestClient, parameters: dict[str, str]) -> None:
    assert logged_in(unchanged).get("/memories", params=parameters).status_code in {400, 422}

"""20,000 photos through the command and the API."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient

from deployments.settings import Settings
from serving.app import create_app
from tests.big_library import COUNT, FIRST, YEARS, BigLibrary, draw_big_library, scan_by_command
from tests.serving.conftest import logged_in


def test_a_scan_of_all_finds_each_and_a_second_scan_nothing(big_library: BigLibrary, tmp_path: Path) -> None:
    report = big_library.report
    assert (report["found"], report["new"], report["thumbnails"], report["failed"]) == (COUNT, COUNT, COUNT, 0)
    again = scan_by_command(big_library.copy_home(tmp_path / "home"))
    assert (again["found"], again["new"], again["changed"], again["missing"]) == (COUNT, 0, 0, 0)


def test_the_months_add_up_to_all_photos(big_library: BigLibrary, tmp_path: Path) -> None:
    settings = Settings(darkroom_home=big_library.copy_home(tmp_path / "home"))
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        found = logged_in(client).get("/photos/months").json()
    months = found["months"]
    assert found["total_count"] == sum(month["count"] for month in months) == COUNT
    assert (months[-1]["month"], len(months)) == (f"{FIRST:%Y-%m}", 12 * YEARS)


def test_the_library_is_the_same_every_time_and_no_file_is_twice_in_it(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        draw_big_library(folder, 400)
    photos = {path.relative_to(first): path.read_bytes() for path in first.rglob("*.jpg")}
    assert {path.relative_to(second): path.read_bytes() for path in second.rglob("*.jpg")} == photos
    assert len(set(photos.values())) == 400

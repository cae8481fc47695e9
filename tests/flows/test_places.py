"""The drains of places and perceptual hashes, from a scan of files to rows in the lake."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from flows.engine.context import FlowContext, open_context
from flows.full_scan import full_scan
from flows.metadata import metadata
from flows.perceptual_hashes import perceptual_hashes
from flows.places import places
from flows.thumbnails import thumbnails
from flows.work.integrity import check_lake

GPS_PHOTOS = ["2012/summer/Iceland-P3.jpg", "2015/safari/elephants.jpg"]


class Service(BaseHTTPRequestHandler):
    """Apollo and Nominatim in one; `told` is what it says, `asked` when it was asked what."""

    told: ClassVar[dict[str, Any]]
    asked: ClassVar[list[tuple[float, str]]]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.asked.append((time.monotonic(), path))
        status, content = self.told.get(path, (404, {}))
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def service() -> Iterator[tuple[str, type[Service]]]:
    class Own(Service):
        told: ClassVar[dict[str, Any]] = {}
        asked: ClassVar[list[tuple[float, str]]] = []

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}", Own
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def scanned(flow_context: FlowContext, library: Path, media: Path) -> FlowContext:
    for name in GPS_PHOTOS:
        shutil.copyfile(media / name, library / Path(name).name)
    shutil.copyfile(media / GPS_PHOTOS[1], library / "copy.jpg")
    full_scan.fn()
    metadata.fn()  # what the scan's one pass left to exiftool
    return flow_context


def named(flow_context: FlowContext) -> dict[str, Any]:
    return {row["file_name"]: row for row in flow_context.lake.select("select * from v_assets")}


def test_every_photo_with_a_position_is_named_once(scanned: FlowContext) -> None:
    assert places.fn()["places"] == 2
    found = named(scanned)
    assert found["elephants.jpg"]["country_code"] == "ZA"
    assert found["elephants.jpg"]["city"] and found["elephants.jpg"]["region"]
    assert found["copy.jpg"]["city"] == found["elephants.jpg"]["city"]
    assert found["Iceland-P3.jpg"]["country"] == "Iceland"
    assert places.fn()["places"] == 0
    check_lake(scanned)


def test_own_places_win_follow_their_changes_and_outlast_a_silent_apollo(
    scanned: FlowContext, service: tuple[str, type[Service]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, apollo = service
    places.fn()
    position = named(scanned)["elephants.jpg"]
    cabin = {
        "id": 1,
        "name": "Cabin",
        "latitude": position["latitude"],
        "longitude": position["longitude"],
        "radius_m": 500,
    }
    monkeypatch.setenv("APOLLO_API_BASE_URL", url)
    apollo.told["/api/places"] = (200, {"places": [cabin]})
    places.fn()
    found = named(scanned)
    assert found["elephants.jpg"]["personal_place"] == found["copy.jpg"]["personal_place"] == "Cabin"
    assert found["Iceland-P3.jpg"]["personal_place"] is None
    assert found["elephants.jpg"]["country_code"] == "ZA"
    apollo.told["/api/places"] = (500, {})
    assert places.fn()["places"] == 0
    assert named(scanned)["elephants.jpg"]["personal_place"] == "Cabin"
    apollo.told["/api/places"] = (200, {"places": [{**cabin, "name": "Lodge"}]})
    assert places.fn()["places"] == 2
    assert named(scanned)["elephants.jpg"]["personal_place"] == "Lodge"
    monkeypatch.delenv("APOLLO_API_BASE_URL")
    places.fn()
    assert named(scanned)["elephants.jpg"]["personal_place"] is None
    check_lake(scanned)


def test_nominatim_is_asked_once_for_a_position_and_no_oftener_than_once_a_second(
    scanned: FlowContext, service: tuple[str, type[Service]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, nominatim = service
    monkeypatch.setenv("NOMINATIM_URL", url)
    address = {"country_code": "za", "country": "South Africa", "state": "Somewhere", "village": "Elephant Camp"}
    nominatim.told["/reverse"] = (200, {"address": address})
    assert places.fn()["asked"] == 2
    assert named(scanned)["elephants.jpg"]["city"] == "Elephant Camp"
    first, second = (at for at, _ in nominatim.asked)
    assert second - first >= 0.95
    assert places.fn()["asked"] == 0
    assert len(nominatim.asked) == 2
    check_lake(scanned)


def test_position_nominatim_always_refuses_keeps_no_other_waiting(
    scanned: FlowContext, service: tuple[str, type[Service]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, nominatim = service
    monkeypatch.setenv("NOMINATIM_URL", url)
    monkeypatch.setattr("flows.places.SECONDS_BETWEEN", 0.0)
    places.fn()  # refuses both: there is no /reverse
    assert scanned.lake.select("select sum(refusals) as n from nominatim_refusal") == [{"n": 2}]
    answered = Service.do_GET

    def refuses_the_first(handler: Service) -> None:
        if "lat=6" in handler.path:  # Iceland
            handler.told = {}
        answered(handler)

    monkeypatch.setattr(nominatim, "do_GET", refuses_the_first)
    nominatim.told["/reverse"] = (200, {"address": {"country_code": "za", "village": "Elephant Camp"}})
    assert places.fn()["asked"] == 1
    assert named(scanned)["elephants.jpg"]["city"] == "Elephant Camp"
    assert scanned.lake.rows("places/unasked", row_limit=9)[0]["refusals"] == 2
    check_lake(scanned)


def test_a_nominatim_that_refuses_leaves_the_offline_names(
    scanned: FlowContext, service: tuple[str, type[Service]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, nominatim = service
    monkeypatch.setenv("NOMINATIM_URL", url)
    nominatim.told["/reverse"] = (429, {})
    assert places.fn()["asked"] == 0
    assert len(nominatim.asked) == 1
    assert named(scanned)["elephants.jpg"]["country_code"] == "ZA"


def test_thumbnails_are_hashed_once_a_picture_and_a_deleted_one_waits(scanned: FlowContext) -> None:
    thumbnails.fn()
    for path in open_context().settings.thumbnails_folder.rglob("Iceland-P3.jpg"):
        path.unlink()
    assert perceptual_hashes.fn()["perceptual_hashes"] == 1
    assert perceptual_hashes.fn()["left"] == 1
    assert scanned.lake.select("select count(*) as n from perceptual_hash")[0]["n"] == 1
    check_lake(scanned)


def test_a_damaged_thumbnail_is_a_failure_of_its_stage(scanned: FlowContext) -> None:
    thumbnails.fn()
    for path in open_context().settings.thumbnails_folder.rglob("Iceland-P3.jpg"):
        path.write_bytes(b"no picture")
    assert perceptual_hashes.fn()["failed"] == 1
    failures = scanned.lake.select("select stage, error_class from failure")
    assert {"stage": "perceptual_hash", "error_class": "CorruptMedia"} in failures

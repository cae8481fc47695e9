"""Health, metrics, failures, the API's own documentation, and headers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from deployments.cli.status import library_status
from sql.lake import LakeError
from tasks.stages import STAGES
from tests.apollo_stand_in import portrait
from tests.serving.conftest import CHOSEN, Installation, logged_in


def test_health_is_503_while_the_lake_cannot_be_read(
    own: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own.get("/healthz").json()["status"] == "ok"

    def broken() -> int:
        raise LakeError("the catalog /home/ada/secret is damaged")

    monkeypatch.setattr(installation.lake, "snapshot_id", broken)
    answer = own.get("/healthz")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "secret" not in answer.text


def test_metrics_count_the_catalog_and_the_requests(client: TestClient) -> None:
    client.get("/photos")
    text = client.get("/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assets = {tuple(sample.labels.values()): sample.value for sample in samples if sample.name == "darkroom_assets"}
    assert sum(assets.values()) == len(CHOSEN)
    assert assets[("photos", "video")] == 2
    failed = {s.labels["stage"]: s.value for s in samples if s.name == "darkroom_failures"}
    assert failed["thumbnail"] >= 2
    stages = {s.labels["stage"] for s in samples if s.name == "darkroom_backlog"}
    assert stages == {*STAGES, "insight", "faces"}
    made = {s.labels["kind"]: s.value for s in samples if s.name == "darkroom_derivatives"}
    assert made["thumbnail"] + failed["thumbnail"] == len(CHOSEN)
    routes = {s.labels["route"] for s in samples if s.name == "darkroom_http_requests_total"}
    assert "/photos" in routes
    assert not any("ladybug" in route or "?" in route for route in routes)
    assert any(s.name == "darkroom_replica_snapshot" and s.value > 0 for s in samples)


def test_metrics_and_status_count_the_same_also_what_is_to_be_made_anew(
    own: TestClient, installation: Installation
) -> None:
    logged_in(own)
    for number in range(3):
        portrait(installation.root / f"{number}.jpg", seed=number)
    installation.scan()

    def counted() -> dict[str, float]:
        families = text_string_to_metric_families(own.get("/metrics").text)
        samples = [sample for family in families for sample in family.samples]
        return {one.labels["stage"]: one.value for one in samples if one.name == "darkroom_backlog"}

    def told() -> dict[str, float]:
        (library,) = library_status(installation.lake, installation.settings)
        return {one["stage"]: one["backlog"] for one in library["stages"]}

    assert counted() == told()
    assert counted()["thumbnail"] == counted()["faces"] == counted()["insight"] == 0
    with installation.lake.write("an older recipe") as writer:
        writer.execute("update derivative set recipe = 'of another size'")
    assert counted() == told()
    assert counted()["thumbnail"] == 3


def test_address_of_a_thumbnail_changes_with_its_size(own: TestClient, installation: Installation) -> None:
    logged_in(own)
    portrait(installation.root / "trip/a.jpg")
    installation.scan()
    context = own.app.state.context  # type: ignore[attr-defined]

    def addresses() -> set[str]:
        context.replica.refresh()
        page = own.get("/photos", params={"path": ""}).json()
        listed = {folder["cover_url"] for folder in page["dirs"]}
        return listed | {photo["thumb_url"] for photo in own.get("/photos?recursive=true").json()["photos"]}

    (before,) = addresses()
    assert "immutable" in own.get(before).headers["cache-control"]
    with installation.lake.write("made anew") as writer:
        writer.execute("update derivative set recipe = recipe || ' of another size'")
    (after,) = addresses()
    assert before != after
    assert own.get(after).content == own.get(before).content


def test_failures_are_listed_with_their_reasons(client: TestClient) -> None:
    answer = client.get("/failures").json()
    assert answer["total"] == len(answer["failures"])
    assert "odd/zero-byte.jpg" in {failure["path"] for failure in answer["failures"]}
    assert all(failure["message"] and failure["error_class"] for failure in answer["failures"])


def test_the_documentation_describes_every_route_and_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs")
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert client.get("/static/docs/swagger-ui-bundle.js").status_code == 200
    document = client.get("/openapi.json").json()
    for path in ("/photos", "/photos/exif", "/photos/gps-summary", "/image", "/image/metadata", "/login", "/register",
                 "/libraries", "/metrics", "/healthz"):  # fmt: skip
        for method, operation in document["paths"][path].items():
            assert operation["summary"], (method, path)
            assert "200" in operation["responses"], (method, path)
    assert "post" in document["paths"]["/image"]
    assert document["paths"]["/photos"]["get"]["security"]
    assert "security" not in document["paths"]["/login"]["post"]


@pytest.mark.parametrize("path", ["/", "/photos", "/healthz", "/no/such/route", "/static/base.css"])
def test_every_answer_has_the_headers_a_browser_should_see(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_the_pages_policy_allows_nothing_inline_and_no_other_host(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy


def test_unexpected_errors_tell_the_client_nothing(
    client: TestClient, scanned: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("serving.routers.image.find_asset", explode)
    answer = client.get("/image", params={"path": "a.jpg"})
    assert answer.status_code == 500
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("BIND_URL", "nonsense", 2), ("THUMBNAIL_SIZE", "abc", 2), ("DATABASE_URL", "mysql://x", 1)],
)
def test_a_wrong_setting_is_one_line_and_no_traceback(tmp_path: Path, name: str, value: str, code: int) -> None:
    environment = {**os.environ, "DARKROOM_HOME": str(tmp_path), name: value}
    command = [sys.executable, "-m", "serving.app"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, line.startswith("darkroom: ")) == (code, True), line


def test_app_starts_over_a_lake_it_opens_itself_and_answers_while_others_write(installation: Installation) -> None:
    from serving.app import create_app
    from tests.serving.conftest import logged_in

    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with installation.lake.write("scan") as writer:
                writer.append("skipped_file", [{"library_id": 1, "rel_path": f"{number}", "reason": "not_media"}])

    with TestClient(create_app(installation.settings)) as client:
        logged_in(client)
        thread = threading.Thread(target=write)
        thread.start()
        try:
            for path in ("/photos", "/photos/months", "/metrics", "/healthz", "/") * 4:
                assert client.get(path).status_code == 200
        finally:
            stop.set()
            thread.join()
    assert urlsplit(installation.settings.catalog_url).scheme == "sqlite"

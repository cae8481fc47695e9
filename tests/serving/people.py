"""A library of portraits, read, and an API over it that a stand-in face service answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastapi.testclient import TestClient

from serving.app import create_app
from tasks.faces.apollo import Apollo as Engine
from tasks.faces.batch import FaceAsset, read_batch_regions, scan_batch
from tasks.faces.record import record_looks, record_regions
from tasks.faces.tagged import bind_tagged
from tests.apollo_stand_in import Apollo, apollo
from tests.serving.conftest import _LEFT, Installation, logged_in


@dataclass
class World:
    """The library, the service, and a client that is logged in."""

    installation: Installation
    service: Apollo
    client: TestClient

    def look(self) -> None:
        """What a scan and the face drain do."""
        self.installation.scan()
        batch = [FaceAsset(**row) for row in self.installation.lake.select(_LEFT)]
        engine = Engine(self.service.url, timeout_seconds=60)
        work = partial(scan_batch, engine=engine, previews=self.installation.settings.previews_folder, concurrency=2,
                       tool_version="apollo")  # fmt: skip
        done = {row["content_hash"] for row in self.installation.lake.select("select content_hash from face_scan")}
        batch = [asset for asset in batch if asset.content_hash not in done]
        with self.installation.lake.write("faces") as writer:
            record_regions(writer, read_batch_regions(batch).readings)
            record_looks(writer, work(batch).looks)
            bind_tagged(writer, 0.4)
        engine.close()
        self.client.app.state.context.replica.refresh()  # type: ignore[attr-defined]

    def faces(self, path: str) -> list[dict[str, object]]:
        answer = self.client.get("/image/faces", params={"path": path})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, object]] = answer.json()
        return found

    @property
    def root(self) -> Path:
        return self.installation.root


@contextmanager
def people(installation: Installation) -> Iterator[World]:
    with apollo() as service:
        settings = installation.settings.model_copy(
            update={"apollo_face_api_base_url": service.url, "face_detect_timeout_sec": 60.0}
        )
        installation.settings = settings
        with TestClient(create_app(settings, installation.lake), raise_server_exceptions=False) as client:
            yield World(installation, service, logged_in(client))

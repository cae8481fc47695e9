"""A small library of real files, scanned; an API over it; and an empty one for tests that write."""

from __future__ import annotations

import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from deployments.settings import Settings
from serving.app import create_app
from serving.upload.rows import record_results
from sql.lake import Lake, utc_now
from tasks.asset import Asset
from tasks.batches.ingest import ingest_files, plan_ingest
from tasks.batches.metadata import read_metadata
from tasks.batches.thumbnails import make_thumbnails
from tasks.files.media_types import by_name
from tasks.files.names import to_text
from tests.lakes import copy_template, name_data_folder

NAME, PASSWORD = "ada", "correct horse"
CHOSEN = [
    "1997/Ricoh DC-3Z (low res).jpg",
    "2012/summer/Iceland-P3.jpg",
    "2012/summer/ladybug.jpg",
    "2012/macro/flash.jpg",
    "2015/safari/elephants.jpg",
    "2015/safari/example.png",
    "2018/beach/beach_sand.jpg",
    "formats/gif/pythagoras.gif",
    "odd/100% & #1 'quotes' [x] $y; semi+plus=eq.jpg",
    "odd/text-renamed.jpg",
    "odd/this-is-a-jpeg.png",
    "odd/zero-byte.jpg",
    "orientation/landscape_6.jpg",
    "phone/iphone/2011/Apple iPhone 4.jpg",
    "phone/iphone/2020-xr/IMG_3604.HEIC",
    "raw/canon/1Ds_Mark_III.CR2",
    "raw/nikon/D7100_head.NEF",
    unicodedata.normalize("NFD", "unicode/Crème brûlée NFD é.jpg"),
    "unicode/emoji 🐍🌿.jpg",
    "unicode/日本/パイナップル 🍍.jpg",
    "video/synthetic/h264_aac_gps.mp4",
    "video/video.webm",
]


@dataclass
class Installation:
    settings: Settings
    lake: Lake
    root: Path

    def scan(self) -> None:
        """Read every file under the root that the lake does not know: what a first scan does."""
        known = {row["rel_path"] for row in self.lake.select("select rel_path from asset")}
        found = sorted(path for path in self.root.rglob("*") if path.is_file() and by_name(path.name))
        fresh = [path for path in found if to_text(str(path.relative_to(self.root))) not in known]
        rows = [self._row(path, number) for number, path in enumerate(fresh, start=len(known) + 1)]
        with self.lake.write("scan") as writer:
            writer.append("asset", rows)
        wanted = Asset.__slots__
        assets = [
            Asset(
                **{name: row[name] for name in wanted if name in row},
                library="photos",
                root_path=to_text(str(self.root)),
                content_hash=None,
            )
            for row in rows
        ]
        plan = plan_ingest(self.settings.thumbnails_folder, self.settings.thumbnail_size)
        record_results(self.lake, ingest_files(assets, plan), "scan")
        for text, work in (
            (_WITHOUT_METADATA, lambda batch: read_metadata(batch, plan.metadata_tools)),
            (_WITHOUT_THUMBNAIL, lambda batch: make_thumbnails(batch, plan)),
        ):
            left = [Asset(**row) for row in self.lake.select(text)]
            if left:
                record_results(self.lake, work(left), "scan")

    def _row(self, path: Path, asset_id: int) -> dict[str, Any]:
        kind = by_name(path.name)
        assert kind is not None
        status = path.stat()
        return {
            "asset_id": asset_id,
            "library_id": 1,
            "rel_path": to_text(str(path.relative_to(self.root))),
            "media_type": kind.media_type,
            "mime_type": kind.mime_type,
            "size_bytes": status.st_size,
            "mtime_ns": status.st_mtime_ns,
            "sidecar": "",
            "sidecar_version": "",
            "first_seen_at": utc_now(),
        }


_LEFT = """
    select asset.asset_id, asset.library_id, library.name as library, library.root_path, asset.rel_path,
        fingerprint.media_type, fingerprint.mime_type, asset.size_bytes, asset.mtime_ns, asset.sidecar,
        asset.sidecar_version, fingerprint.content_hash
    from asset join library using (library_id) join fingerprint using (asset_id)
"""
_WITHOUT_METADATA = f"{_LEFT} anti join metadata using (asset_id)"
_WITHOUT_THUMBNAIL = f"{_LEFT} anti join derivative using (asset_id) anti join failure using (asset_id)"


@cache
def _prepared(prepare: Callable[[Installation], None]) -> tuple[tempfile.TemporaryDirectory[str], Path]:
    """Kept as long as the process."""
    kept = tempfile.TemporaryDirectory(prefix="darkroom-prepared-")
    installation = make_installation(Path(kept.name) / "installation")
    prepare(installation)
    installation.lake.close()
    return kept, Path(kept.name) / "installation"


def prepared_installation(folder: Path, prepare: Callable[[Installation], None]) -> Installation:
    """An installation of one's own with what *prepare* did to one: done once a process, and copied."""
    shutil.copytree(_prepared(prepare)[1], folder, dirs_exist_ok=True)
    name_data_folder(folder / "home" / "lake")
    installation = _opened(folder)
    with installation.lake.write("library") as writer:
        writer.execute("update library set root_path = $root_path", root_path=to_text(str(installation.root)))
    return installation


def _opened(folder: Path) -> Installation:
    settings = Settings(darkroom_home=folder / "home", worker_threads=2)
    return Installation(settings, Lake(settings.catalog_url, settings.data_path), folder / "photos")


def make_installation(folder: Path) -> Installation:
    root = folder / "photos"
    root.mkdir(parents=True)
    copy_template(folder / "home" / "lake")
    installation = _opened(folder)
    with installation.lake.write("library") as writer:
        writer.append(
            "library",
            [{"library_id": 1, "name": "photos", "root_path": to_text(str(root)), "created_at": utc_now()}],
        )
    return installation


def fill(installation: Installation, media: Path, chosen: list[str]) -> None:
    for number, path in enumerate(chosen):
        target = installation.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(media / path, target)
        os.utime(target, (1_600_000_000 + number, 1_600_000_000 + number))


def logged_in(client: TestClient) -> TestClient:
    """Register the first account, or log in to it, and send its token from now on."""
    credentials = {"username": NAME, "password": PASSWORD}
    answer = client.post("/register", json={**credentials, "confirmation": PASSWORD})
    if answer.status_code == 403:
        answer = client.post("/login", json=credentials)
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return client


@pytest.fixture(scope="session")
def scanned(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The chosen files, read. Tests that use it only read."""
    installation = make_installation(tmp_path_factory.mktemp("scanned"))
    fill(installation, media, CHOSEN)
    installation.scan()
    yield installation
    installation.lake.close()


@pytest.fixture(scope="session")
def client(scanned: Installation) -> Iterator[TestClient]:
    with TestClient(create_app(scanned.settings, scanned.lake), raise_server_exceptions=False) as client:
        yield logged_in(client)


@pytest.fixture(scope="module")
def unchanged_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An empty library for all tests of a file that change nothing."""
    installation = make_installation(tmp_path_factory.mktemp("unchanged"))
    yield installation
    installation.lake.close()


@pytest.fixture(scope="module")
def unchanged(unchanged_installation: Installation) -> Iterator[TestClient]:
    """An API over it, nobody registered yet: for tests that are refused, or only look."""
    app = create_app(unchanged_installation.settings, unchanged_installation.lake)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """An empty library of one's own."""
    installation = make_installation(tmp_path)
    yield installation
    installation.lake.close()


@pytest.fixture
def own(installation: Installation) -> Iterator[TestClient]:
    """An API over `installation`, nobody registered yet."""
    with TestClient(create_app(installation.settings, installation.lake), raise_server_exceptions=False) as client:
        yield client

"""What the fuzzing works on: a small library, a server on loopback, and values that name what is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from deployments.sample.draw import make_sample_library
from serving.app import create_app
from serving.auth.accounts import add_user, set_role
from serving.auth.tokens import issue_token
from sql.lake import utc_now
from tests.serving.conftest import NAME, PASSWORD, Installation, make_installation

START_SECONDS = 30


@dataclass
class World:
    """
    Args:
        known: Parameter or field name to values that mean something here: paths, numbers, cursors, hashes.
    """

    installation: Installation
    app: FastAPI
    url: str
    known: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def _accounts_now(self) -> dict[str, Any]:
        return dict(self.app.state.context.replica.current.accounts)

    def headers(self) -> dict[str, str]:
        """Of an owner, whatever the requests before did to the accounts."""
        account = self._accounts_now.get(NAME)
        if account is None or account["role"] != "owner":
            if account is None:
                add_user(self.installation.lake, NAME, PASSWORD, role="owner")
            else:
                set_role(self.installation.lake, NAME, "owner")
            self.app.state.context.replica.refresh()
        stamp = self._accounts_now[NAME]["token_stamp"]
        return {"Authorization": f"Bearer {issue_token(self.installation.settings, NAME, stamp)}"}

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, self.url + path, headers=self.headers(), timeout=30, trust_env=False, **options)

    def known_for(self, label: str) -> dict[str, list[Any]]:
        """What is there now, as the route *label* would name it; what earlier requests deleted is made again."""
        known = self.known = dict(self.known)
        if "/video/" in label:
            known = {**known, "path": known["films"]}
        if "/tags" in label:
            known["tag_id"] = self._tags()
            known["into"] = known["tag_id"][-1:]
            known["tag_ids"] = [*known["tag_id"], str(known["tag_id"][0])]
            known["exclude_tag_ids"] = [str(known["tag_id"][0])]
            known["add"] = known["remove"] = [*known["tag_id"], "harbour"]
        if "/person" in label or "/face" in label:
            known["person_id"] = self._persons()
            known["into"] = known["person_id"][-1:]
            self._draw_faces()
        if "/knowledge" in label:
            known["entity_id"] = known["source_id"] = known["fact_id"] = self._remember()
            known["target_id"] = known["entity_id"][-1:]
        if "/users" in label:
            known["account_id"] = self._accounts()
        if "/undo" in label:
            edits = self.ask("GET", "/changes", params={"limit": 3}).json()["changes"]
            known["snapshot_id"] = [edit["snapshot_id"] for edit in edits]
        return known

    def _tags(self) -> list[int]:
        """Two tags, on all the known photos."""
        self.ask("POST", "/image/tags/batch", json={"paths": self.known["path"], "add": ["harbour", "winter"]})
        return [row["tag"]["id"] for row in self.ask("GET", "/image/tags/all").json()]

    def _persons(self) -> list[int]:
        for name in ("Ada", "Bob"):
            self.ask("POST", "/persons", json={"name": name})
        people = self.ask("GET", "/persons").json()
        return [row["id"] for row in (people.get("persons", []) if isinstance(people, dict) else people)]

    def _draw_faces(self) -> None:
        """Three faces on the first photo, in a group, nobody's."""
        content_hash = self.known["content_hashes"][0]
        face = {"content_hash": content_hash, "width": 0.2, "height": 0.2, "y": 0.1, "source": "auto",
                "confidence": 0.9, "model_version": "drawn", "cluster_id": 1, "recorded_at": utc_now()}  # fmt: skip
        faces = [{**face, "face_id": number, "x": number / 10} for number in self.known["face_id"]]
        vectors = [
            {"face_id": one["face_id"], "model_version": "drawn", "embedding": [1.0] + [0.0] * 511} for one in faces
        ]
        with self.installation.lake.write("faces") as writer:
            writer.replace("face", faces)
            writer.replace("face_embedding", vectors)
            writer.replace("face_cluster", [{"cluster_id": 1, "model_version": "drawn", "created_at": utc_now()}])
        self.app.state.context.replica.refresh()

    def _remember(self) -> list[int]:
        """Two entities with a fact each, under the same numbers, whatever was forgotten before."""
        now = {"created_at": utc_now(), "updated_at": utc_now()}
        numbers = [1, 2]
        with self.installation.lake.write("memory") as writer:
            places = [{"entity_id": n, "name": f"Harbour {n}", "kind": "place"} for n in numbers]
            writer.replace("entity", [{**place, **now} for place in places])
            facts = [{"fact_id": n, "entity_id": n, "fact": f"It has {n} piers.", "source": "agent"} for n in numbers]
            writer.replace("entity_fact", [{**fact, "confidence": 0.5, **now} for fact in facts])
        return numbers

    def _accounts(self) -> list[int]:
        if "guest" not in self._accounts_now:
            add_user(self.installation.lake, "guest", PASSWORD)
            self.app.state.context.replica.refresh()
        return [self._accounts_now["guest"]["account_id"]]


@contextmanager
def fuzz_world(folder: Path) -> Iterator[World]:
    """A library of the program's own pictures, read, and served."""
    installation = make_installation(folder)
    make_sample_library(installation.root)
    installation.scan()
    app = create_app(installation.settings, installation.lake)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, access_log=False, log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="fuzzed-api")
    thread.start()
    try:
        world = World(installation, app, f"http://127.0.0.1:{_port(server)}")
        world.known = _known(world)
        yield world
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        installation.lake.close()


def _port(server: uvicorn.Server) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.started:
            return int(server.servers[0].sockets[0].getsockname()[1])
        time.sleep(0.05)
    raise AssertionError("the API did not start")


def _known(world: World) -> dict[str, list[Any]]:
    """What is there, by the names that routes use for it."""
    page = world.ask("GET", "/photos", params={"limit": 10}).json()
    photos = [photo for photo in page["photos"] if photo["media_type"] == "photo"]
    film = world.ask("GET", "/photos", params={"media_type": "video"}).json()["photos"][0]
    paths = [photo["path"] for photo in photos[:3]]
    ids = [photo["asset_id"] for photo in photos[:3]]
    world.ask("POST", "/video/generate", json={"path": film["path"]})
    picture = (world.installation.root / paths[0]).read_bytes()
    return {
        "path": [*paths, film["path"]], "films": [film["path"]], "paths": paths, "file_name": paths,
        "file_path": paths, "folder": [paths[0].rpartition("/")[0]], "asset_id": ids, "asset_ids": ids, "keep": ids,
        "keep_asset_id": ids, "content_hash": [film["content_hash"]], "content_hashes": [photos[0]["content_hash"]],
        "library": ["photos", "1", 1], "tag_name": ["harbour", "winter"], "name": ["Ada", "Bob", "Cleo"],
        "names": ["Ada", "Dora"], "face_id": [1, 2, 3], "face_ids": [1, 2, 3], "cluster_id": [1], "cluster_ids": [1],
        "cursor": [page["next_cursor"]],
        "part": [f"{film['content_hash']}_playlist.m3u8"], "file": ["playlist.m3u8", picture + b"another ending"],
        "username": [NAME, "guest", "cleo", "dan"], "password": [PASSWORD], "current_password": [PASSWORD],
        "new_password": [PASSWORD], "confirmation": [PASSWORD], "q": ["harbour", "camera:nikon", "type:photo 2024"],
        "month": ["2024-07"], "since": [0, 1], "snapshot_id": [1, 2, 3], "latitude": [38.7], "longitude": [-9.1],
        "date_from": ["2020-01-01"], "date_to": ["2030-01-01"],
    }  # fmt: skip

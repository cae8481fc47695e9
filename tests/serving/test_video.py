"""The routes of videos: streams, clips, originals; what is made on demand, and what is refused."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.schemas.videos import MAX_STATUS_PATHS
from tests.serving.conftest import Installation, logged_in, make_installation
from tests.serving.films import (
    BROKEN,
    LADDER,
    MOTION,
    NO_STREAM,
    WITH_STREAM,
    asset_of,
    fail,
    fill_with_films,
    live_photo,
    make_clip,
    make_gif,
    make_ladder,
    make_stream,
)

PHOTO = "phone/motion/PXL_20210605_120322123.MP.jpg"


@pytest.fixture(scope="module")
def films(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Films, two with streams, one with clip and GIF. Tests that use it only read."""
    installation = make_installation(tmp_path_factory.mktemp("films"))
    fill_with_films(installation, media)
    make_stream(installation, WITH_STREAM)
    make_ladder(installation, LADDER)
    make_clip(installation, WITH_STREAM)
    make_gif(installation, WITH_STREAM)
    fail(installation, BROKEN, "hls", "moov atom not found")
    fail(installation, BROKEN, "preview_clip", "moov atom not found")
    yield installation
    installation.lake.close()


@pytest.fixture(scope="module")
def client(films: Installation) -> Iterator[TestClient]:
    with TestClient(create_app(films.settings, films.lake), raise_server_exceptions=False) as client:
        yield logged_in(client)


def until(look: Any, wanted: Any, seconds: float = 60) -> Any:
    """What *look* says once *wanted* holds of it."""
    deadline = time.monotonic() + seconds
    while not wanted(answer := look()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    return answer


def test_a_stream_that_exists_is_ready_and_its_playlist_lists_what_is_there(
    client: TestClient, films: Installation
) -> None:
    content_hash = asset_of(films, WITH_STREAM)["content_hash"]
    answer = client.post("/video/generate", json={"path": WITH_STREAM})
    assert answer.status_code == 200
    assert answer.json() == {
        "playlist_url": f"/video/hls/{content_hash}/playlist.m3u8",
        "content_hash": content_hash,
        "ready": True,
        "playlist": f"{content_hash[:2]}/{content_hash}/playlist.m3u8",
    }
    playlist = client.get(answer.json()["playlist_url"])
    assert playlist.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert "no-cache" in playlist.headers["cache-control"]
    names = [line for line in playlist.text.splitlines() if not line.startswith("#")]
    assert len(names) == 3
    for name in names:
        segment = client.get(urljoin(answer.json()["playlist_url"], name))
        assert segment.headers["content-type"] == "video/mp2t"
        assert "immutable" in segment.headers["cache-control"]
        assert segment.content[0] == 0x47  # the sync byte of MPEG-TS


def test_segments_are_served_by_ranges_and_not_twice(client: TestClient, films: Installation) -> None:
    address = f"/video/hls/{asset_of(films, WITH_STREAM)['content_hash']}/segment_000.ts"
    whole = client.get(address)
    part = client.get(address, headers={"Range": "bytes=188-375"})
    assert (part.status_code, part.content) == (206, whole.content[188:376])
    again = client.get(address, headers={"If-None-Match": whole.headers["etag"]})
    assert again.status_code == 304
    assert client.head(address).headers["content-length"] == str(len(whole.content))


def test_a_stream_made_anew_has_other_addresses_for_its_segments(
    own: TestClient, installation: Installation, media: Path
) -> None:
    fill_with_films(installation, media)
    make_stream(installation, WITH_STREAM)
    logged_in(own)
    own.get("/healthz")
    address = own.post("/video/generate", json={"path": WITH_STREAM}).json()["playlist_url"]
    before = own.get(address).text.splitlines()
    content_hash = asset_of(installation, WITH_STREAM)["content_hash"]
    os.utime(installation.settings.video_folder / content_hash[:2] / content_hash / "playlist.m3u8")
    after = own.get(address).text.splitlines()
    assert [line.partition("?")[0] for line in after] == [line.partition("?")[0] for line in before]
    assert not {line for line in before if "segment" in line}.intersection(after)
    plain = own.get(urljoin(address, "segment_000.ts"))
    assert "no-cache" in plain.headers["cache-control"], "an address without a version is asked for again"


@pytest.mark.parametrize("path", [WITH_STREAM, LADDER])
def test_a_legacy_client_plays_from_one_folder(client: TestClient, path: str) -> None:
    by_path = client.get("/video/stream", params={"path": path})
    legacy = client.post("/video/generate", json={"path": path}).json()["playlist"]
    by_playlist = client.get("/video/stream", params={"path": legacy})
    assert by_path.text == by_playlist.text
    assert by_path.headers["content-type"] == "application/vnd.apple.mpegurl"
    found = _entries("/video/stream", by_path.text)
    if path == LADDER:
        assert len(found) == 2
        found = [entry for playlist in found for entry in _entries(playlist, client.get(playlist).text)]
    assert found
    assert all(client.get(address).headers["content-type"] == "video/mp2t" for address in found)
    assert all(re.fullmatch(r"/video/[^/]+", address) for address in found)


def _entries(base: str, playlist: str) -> list[str]:
    return [urljoin(base, line) for line in playlist.splitlines() if line and not line.startswith("#")]


HASH = "ab" * 32


@pytest.mark.parametrize(
    "address",
    [
        f"/video/hls/{HASH}/..%2f..%2fsecret",
        f"/video/hls/{HASH}/%2e%2e/{HASH}/segment_000.ts",
        "/video/hls/..%2f..%2fetc%2fpasswd/segment_000.ts",
        f"/video/hls/{HASH}/segment_000.ts%00",
        f"/video/hls/{HASH}/segment_000.ts/",
        f"/video/hls/{HASH}/segment_0.ts",
        f"/video/hls/{HASH}/playlist.m3u8.tmp",
        f"/video/hls/{HASH.upper()}/playlist.m3u8",
        f"/video/hls/{HASH[:-1]}/playlist.m3u8",
        f"/video/hls/{HASH}/",
        "/video/hls/",
        "/video/..%2f..%2fsegment_000.ts",
        "/video/..%5csegment_000.ts",
        "/video/segment_000.ts",
        "/video/whatever",
    ],
)
def test_a_name_that_is_none_of_ours_is_400(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 400, answer.text
    assert "detail" in answer.json()


@pytest.mark.parametrize("name", ["playlist.m3u8", "480p.m3u8", "segment_000.ts", "720p_segment_1234.ts"])
def test_a_stream_nobody_made_is_404(client: TestClient, name: str) -> None:
    assert client.get(f"/video/hls/{HASH}/{name}").status_code == 404
    assert client.get(f"/video/{HASH}_{name}").status_code == 404
    assert client.get("/video/stream", params={"path": f"ab/{HASH}/playlist.m3u8"}).status_code == 404


@pytest.mark.parametrize("path", ["../outside.mp4", "/etc/passwd", "a/../../b.mp4", "%2e%2e/x.mp4", "x\0.mp4", ""])
def test_a_path_out_of_the_library_is_400_everywhere(client: TestClient, path: str) -> None:
    assert client.post("/video/generate", json={"path": path}).status_code == 400
    for route in ("/video/stream", "/video/file", "/video/gif"):
        assert client.get(route, params={"path": path}).status_code == 400, route
    preview = client.get("/video/preview", params={"path": path})
    assert (preview.status_code, preview.json()) == (400, {"error": "Invalid path"})


def test_what_is_no_video_is_404_everywhere(client: TestClient, media: Path) -> None:
    still = next(path for path in live_photo(media) if not path.lower().endswith(".mov"))
    for path in ("nothing/here.mp4", still):
        assert client.post("/video/generate", json={"path": path}).status_code == 404
        for route in ("/video/stream", "/video/file"):
            assert client.get(route, params={"path": path}).status_code == 404, route
    preview = client.get("/video/preview", params={"path": "nothing/here.mp4"})
    assert (preview.status_code, preview.json()) == (404, {"error": "Video not found"})


def test_an_unknown_library_is_the_image_apis_400(client: TestClient) -> None:
    answers = [
        client.post("/video/generate", json={"path": WITH_STREAM, "library": "nowhere"}),
        client.get("/video/preview", params={"path": WITH_STREAM, "library": "nowhere"}),
        client.post("/video/preview/status", json={"paths": [], "library": "nowhere"}),
    ]
    assert [answer.status_code for answer in answers] == [400] * 3
    assert {answer.json()["error"] for answer in answers} == {"invalid library: nowhere"}
    assert client.post("/video/generate", json={"path": WITH_STREAM, "library": 1}).json()["ready"]


def test_nothing_is_served_without_a_token(client: TestClient, films: Installation) -> None:
    stream = f"/video/hls/{asset_of(films, WITH_STREAM)['content_hash']}/playlist.m3u8"
    for address in (stream, f"/video/preview?path={WITH_STREAM}", f"/video/file?path={WITH_STREAM}", "/hls/stats"):
        assert client.get(address, headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_stats_add_up(client: TestClient) -> None:
    stats = client.get("/hls/stats").json()
    assert stats == {"total": 5, "with_playlist": 2, "pending": 2, "unsupported": 1, "hashless_videos": 0}


def test_a_clip_is_an_mp4_by_ranges(client: TestClient, films: Installation) -> None:
    answer = client.get("/video/preview", params={"path": WITH_STREAM})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    content = (films.settings.previews_folder / f"{WITH_STREAM}.mp4").read_bytes()
    assert answer.content == content
    part = client.get("/video/preview", params={"path": WITH_STREAM}, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    listed = client.get("/photos", params={"path": "2021"}).json()["photos"]
    url = next(photo["clip_url"] for photo in listed if photo["path"] == WITH_STREAM)
    assert client.get(url).content == content
    assert "max-age" in client.get(url).headers["cache-control"]


def test_a_clip_that_cannot_be_made_is_500_with_the_reason(client: TestClient) -> None:
    answer = client.get("/video/preview", params={"path": BROKEN})
    assert (answer.status_code, answer.json()) == (500, {"error": "Generation failed: moov atom not found"})
    stream = client.post("/video/generate", json={"path": BROKEN})
    assert stream.status_code == 404
    assert "moov atom" in stream.json()["detail"]


def test_the_status_of_many_clips_comes_in_the_order_asked_for(client: TestClient) -> None:
    paths = [NO_STREAM, WITH_STREAM, BROKEN, "nothing/here.mp4", "../up.mp4"]
    previews = client.post("/video/preview/status", json={"paths": paths}).json()["previews"]
    assert [preview["path"] for preview in previews] == paths
    assert [preview["status"] for preview in previews] == ["pending", "complete", "failed", "failed", "failed"]
    assert [preview["preview_url"] is not None for preview in previews] == [False, True, False, False, False]
    assert client.get(previews[1]["preview_url"]).headers["content-type"] == "video/mp4"
    assert client.post("/video/preview/status", json={"paths": ["x"] * (MAX_STATUS_PATHS + 1)}).status_code == 422
    assert client.post("/video/preview/status", json={"paths": []}).json() == {"previews": []}


def test_the_original_is_served_by_ranges(client: TestClient, films: Installation) -> None:
    content = (films.root / WITH_STREAM).read_bytes()
    answer = client.get(f"/video/file?path={quote(WITH_STREAM)}", headers={"Range": "bytes=1000-1999"})
    assert (answer.status_code, answer.content) == (206, content[1000:2000])
    assert answer.headers["content-type"] == "video/mp4"


def test_the_animated_picture_is_a_gif_where_there_is_one(client: TestClient) -> None:
    assert client.get("/video/gif", params={"path": WITH_STREAM}).content[:4] == b"GIF8"
    assert client.get("/image", params={"path": WITH_STREAM, "format": "gif"}).content[:4] == b"GIF8"
    assert client.get("/video/gif", params={"path": NO_STREAM}).status_code == 404


def test_the_video_of_a_live_photo_is_part_of_its_still(client: TestClient, media: Path, films: Installation) -> None:
    moving = next(path for path in live_photo(media) if path.lower().endswith(".mov"))
    still = next(path for path in live_photo(media) if path != moving)
    page = client.get("/photos", params={"limit": 1000, "recursive": True}).json()
    paths = {photo["path"]: photo for photo in page["photos"]}
    assert moving not in paths
    assert page["total_count"] == len(paths) == 6
    assert client.get("/photos/months").json()["total_count"] == 6
    assert paths[still]["live_video"] == asset_of(films, moving)["asset_id"]
    assert client.get("/image", params={"path": moving}).status_code == 200  # it is there for who knows it
    folder = client.get("/photos", params={"path": "phone/iphone"}).json()["dirs"][0]
    assert folder["count"] == 1
    assert all(photo["file_path"] != moving for photo in client.get("/photos/exif").json()["photos"])


def test_the_moving_part_of_a_motion_photo_can_be_asked_for(
    own: TestClient, installation: Installation, media: Path
) -> None:
    fill_with_films(installation, media)
    logged_in(own)
    own.get("/healthz")
    answer = until(lambda: own.get("/video/preview", params={"path": MOTION}), lambda found: found.status_code != 202)
    assert answer.status_code == 200, answer.text
    assert answer.content[4:8] == b"ftyp"


def test_a_stream_that_is_missing_is_made_and_then_ready(
    own: TestClient, installation: Installation, media: Path
) -> None:
    fill_with_films(installation, media)
    logged_in(own)
    own.get("/healthz")
    first = own.post("/video/generate", json={"path": NO_STREAM})
    assert first.status_code == 200
    assert first.json()["ready"] is False
    ask = lambda: own.post("/video/generate", json={"path": NO_STREAM}).json()  # noqa: E731
    stream = until(ask, lambda found: found["ready"])
    assert "#EXT-X-ENDLIST" in own.get(stream["playlist_url"]).text
    rows = until(lambda: installation.lake.select("select * from v_derivatives where kind = 'hls'"), bool)
    assert rows[0]["path"] == NO_STREAM
    until(lambda: own.get("/hls/stats").json()["with_playlist"], lambda found: found == 1)


def test_a_clip_that_is_missing_is_processing_and_then_there(
    own: TestClient, installation: Installation, media: Path
) -> None:
    fill_with_films(installation, media)
    logged_in(own)
    own.get("/healthz")
    first = own.get("/video/preview", params={"path": NO_STREAM})
    assert (first.status_code, first.json()) == (202, {"status": "processing", "path": NO_STREAM})
    ask = lambda: own.post("/video/preview/status", json={"paths": [NO_STREAM]}).json()["previews"][0]  # noqa: E731
    done = until(ask, lambda found: found["status"] not in {"processing", "pending"})
    assert done["status"] == "complete"
    assert own.get(done["preview_url"]).content[4:8] == b"ftyp"
    assert installation.lake.select("select count(*) as n from v_derivatives where kind = 'preview_clip'") == [{"n": 1}]


def test_a_film_that_cannot_be_decoded_fails_once_and_says_why(
    own: TestClient, installation: Installation, media: Path
) -> None:
    fill_with_films(installation, media)
    logged_in(own)
    own.get("/healthz")
    clip = until(lambda: own.get("/video/preview", params={"path": BROKEN}), lambda found: found.status_code != 202)
    assert clip.status_code == 500
    assert clip.json()["error"].startswith("Generation failed: ")
    stream = until(lambda: own.post("/video/generate", json={"path": BROKEN}), lambda found: found.status_code != 200)
    assert stream.status_code == 404
    stages = {
        row["stage"] for row in installation.lake.select("select stage from v_failures where path = $p", p=BROKEN)
    }
    assert {"hls", "preview_clip"} <= stages


def test_without_ffmpeg_making_is_503_and_what_is_there_is_served(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert client.post("/video/generate", json={"path": NO_STREAM}).status_code == 503
    answer = client.get("/video/preview", params={"path": NO_STREAM})
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert client.get("/video/preview", params={"path": WITH_STREAM}).status_code == 200
    assert client.post("/video/generate", json={"path": WITH_STREAM}).json()["ready"]


def test_a_film_that_changed_on_disk_is_not_made_from_what_it_is_now(
    own: TestClient, installation: Installation, media: Path
) -> None:
    fill_with_films(installation, media)
    logged_in(own)
    own.get("/healthz")
    with (installation.root / NO_STREAM).open("ab") as file:
        file.write(b"more")
    assert own.post("/video/generate", json={"path": NO_STREAM}).status_code == 404
    (installation.root / NO_STREAM).unlink()
    gone = own.get("/video/preview", params={"path": NO_STREAM})
    assert (gone.status_code, gone.json()) == (404, {"error": "Video not found"})


def test_a_playlist_that_was_deleted_is_made_again(own: TestClient, installation: Installation, media: Path) -> None:
    fill_with_films(installation, media)
    asset = make_stream(installation, WITH_STREAM)
    logged_in(own)
    own.get("/healthz")
    folder = installation.settings.video_folder / asset["content_hash"][:2] / asset["content_hash"]
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    ask = lambda: own.post("/video/generate", json={"path": WITH_STREAM}).json()["ready"]  # noqa: E731
    assert ask() is False
    until(ask, bool)


def test_the_api_stops_at_once_while_a_film_is_being_made(
    installation: Installation, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_with_films(installation, media)
    begun, ended = threading.Event(), threading.Event()

    def endless(asset: Any, breathe: Any) -> Any:
        begun.set()
        try:
            while True:
                breathe()
                time.sleep(0.05)
        finally:
            ended.set()

    monkeypatch.setattr("serving.app.video_works", lambda settings: {"hls": endless})
    with TestClient(create_app(installation.settings, installation.lake)) as client:
        logged_in(client)
        answers = [client.post("/video/generate", json={"path": NO_STREAM}).json()["ready"] for _ in range(3)]
        assert answers == [False] * 3
        assert begun.wait(60)
    assert ended.is_set()
    assert installation.lake.select("select 1 from derivative where kind = 'hls'") == []


def test_a_fault_of_the_machine_is_told_and_not_held_against_the_file(
    installation: Installation, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_with_films(installation, media)

    def full(asset: Any, breathe: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("serving.app.video_works", lambda settings: {"preview_clip": full})
    with TestClient(create_app(installation.settings, installation.lake)) as client:
        logged_in(client)
        ask = lambda: client.get("/video/preview", params={"path": NO_STREAM})  # noqa: E731
        answer = until(ask, lambda found: found.status_code != 202)
        assert answer.status_code == 500
        assert "No space left" in answer.json()["error"]
        assert ask().status_code == 202  # tried again
    assert installation.lake.select("select 1 from failure where stage = 'preview_clip'") == []

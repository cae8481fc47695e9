"""POST /image: what is taken in, what is refused, and that nothing is ever overwritten or left behind."""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

import serving.upload.incoming_file
from tests.serving.conftest import Installation, logged_in
from tests.serving.test_photos import paths, photos


@pytest.fixture
def writer(own: TestClient) -> TestClient:
    return logged_in(own)


@pytest.fixture(scope="module")
def refused(unchanged: TestClient) -> TestClient:
    """For uploads that leave nothing."""
    return logged_in(unchanged)


def picture(shade: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (shade, 90, 90)).save(buffer, "JPEG")
    return buffer.getvalue()


def noisy_picture() -> bytes:
    """One whose bytes are nearly all pixels."""
    buffer = io.BytesIO()
    Image.effect_noise((320, 240), 90).save(buffer, "JPEG")
    return buffer.getvalue()


def upload(client: TestClient, name: str, content: bytes, **fields: Any) -> Any:
    return client.post("/image", files={"file": (name, content)}, data=fields)


def files(installation: Installation) -> list[str]:
    return sorted(str(path.relative_to(installation.root)) for path in installation.root.rglob("*") if path.is_file())


def test_an_upload_is_in_the_listing_with_thumbnail_when_it_answers(
    writer: TestClient, installation: Installation, media: Path
) -> None:
    content = (media / "phone/iphone/2011/Apple iPhone 4.jpg").read_bytes()
    answer = upload(writer, "new.jpg", content, path="phone/2011")
    assert answer.status_code == 200, answer.text
    assert answer.json()["path"] == "phone/2011/new.jpg"
    (photo,) = photos(writer)
    assert photo["path"] == "phone/2011/new.jpg"
    assert photo["camera_model"] == "iPhone 4"
    assert writer.get(photo["thumb_url"]).status_code == 200
    assert (installation.root / "phone/2011/new.jpg").read_bytes() == content
    assert files(installation) == ["phone/2011/new.jpg"]


@pytest.mark.parametrize("name", ["video/video.webm", "raw/nikon/D7100_head.NEF", "formats/gif/pythagoras.gif"])
def test_films_and_raws_come_out_complete_too(writer: TestClient, media: Path, name: str) -> None:
    answer = upload(writer, Path(name).name, (media / name).read_bytes())
    assert answer.status_code == 200, answer.text
    (photo,) = photos(writer)
    assert photo["thumb_url"]
    assert photo["width"]


def test_a_whole_path_names_the_file(writer: TestClient) -> None:
    assert upload(writer, "ignored.png", picture(), path="2020/new name.jpg").json()["path"] == "2020/new name.jpg"


def test_path_and_library_may_come_in_the_query_or_after_the_file(
    writer: TestClient, installation: Installation
) -> None:
    answer = writer.post("/image", params={"path": "q", "library": "photos"}, files={"file": ("a.jpg", picture(1))})
    assert answer.json()["path"] == "q/a.jpg"
    form = [("file", ("b.jpg", picture(2))), ("path", (None, "after")), ("library", (None, "1"))]
    assert writer.post("/image", files=form).json()["path"] == "after/b.jpg"
    assert files(installation) == ["after/b.jpg", "q/a.jpg"]


def test_the_same_bytes_anywhere_are_409_with_their_path(writer: TestClient, installation: Installation) -> None:
    upload(writer, "a.jpg", picture(), path="first")
    answer = upload(writer, "b.jpg", picture(), path="second")
    assert (answer.status_code, answer.json()["path"]) == (409, "first/a.jpg")
    assert files(installation) == ["first/a.jpg"]


def test_another_file_of_that_name_is_409_and_stays(writer: TestClient, installation: Installation) -> None:
    upload(writer, "a.jpg", picture(1))
    answer = upload(writer, "a.jpg", picture(2))
    assert (answer.status_code, answer.json()["path"]) == (409, "a.jpg")
    assert (installation.root / "a.jpg").read_bytes() == picture(1)
    (installation.root / "unscanned.jpg").write_bytes(picture(3))
    assert upload(writer, "unscanned.jpg", picture(4)).status_code == 409
    assert (installation.root / "unscanned.jpg").read_bytes() == picture(3)


def test_of_many_uploads_of_one_file_at_once_exactly_one_is_taken(
    writer: TestClient, installation: Installation
) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda number: upload(writer, f"{number}.jpg", picture()), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    assert len(files(installation)) == len(photos(writer)) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jpg", b""),
        ("a.jpg", b"just text"),
        ("a.html", picture()),
        ("a", picture()),
        ("a.mp4", b"#!/bin/sh\nrm -rf /\n" * 100),
        ("a.cr2", b"plain text " * 100),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ],
)
def test_what_is_no_photo_or_video_is_400_and_leaves_nothing(
    refused: TestClient, unchanged_installation: Installation, name: str, content: bytes
) -> None:
    assert upload(refused, name, content).status_code == 400
    assert list(unchanged_installation.root.iterdir()) == []


@pytest.mark.parametrize(
    "path", ["../out", "/etc", "a/../../b", ".hidden", "a/.git", "@eaDir", "C:/x", "..%2f", "x" * 300, "a\0b"]
)
def test_folders_that_leave_the_library_or_hide_from_scans_are_400(
    refused: TestClient, unchanged_installation: Installation, path: str
) -> None:
    assert upload(refused, "a.jpg", picture(), path=path).status_code == 400
    assert list(unchanged_installation.root.iterdir()) == []


@pytest.mark.parametrize("name", ["../../up.jpg", "..\\..\\up.jpg", "/up.jpg", "C:\\photos\\up.jpg"])
def test_a_file_name_cannot_carry_a_path(writer: TestClient, installation: Installation, name: str) -> None:
    assert upload(writer, name, picture(), path="in").json()["path"] == "in/up.jpg"


def test_a_folder_that_is_a_link_out_of_the_library_is_400(
    writer: TestClient, installation: Installation, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (installation.root / "link").symlink_to(outside)
    assert upload(writer, "a.jpg", picture(), path="link/deeper").status_code == 400
    assert list(outside.iterdir()) == []
    assert files(installation) == []


def test_a_link_inside_the_library_is_no_folder_of_it(writer: TestClient, installation: Installation) -> None:
    (installation.root / "real").mkdir()
    (installation.root / "link").symlink_to("real")
    for path in ("link", "link/deeper", "link/b.jpg"):
        assert upload(writer, "a.jpg", picture(), path=path).status_code == 400
    assert files(installation) == []
    assert upload(writer, "a.jpg", picture(), path="real").status_code == 200


@pytest.mark.parametrize("name", ["%2e%2e%2fx.jpg", "%252e%252e%252fx.jpg", "%00.jpg"])
def test_a_name_that_could_never_be_asked_for_is_400(writer: TestClient, installation: Installation, name: str) -> None:
    answer = upload(writer, name, picture(), path="in")
    assert answer.status_code == 400
    assert name in answer.json()["detail"]
    assert files(installation) == []
    assert upload(writer, "100%.jpg", picture()).status_code == 200


def test_too_much_is_413_and_leaves_nothing(
    writer: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving.upload.incoming_file, "MAX_UPLOAD_BYTES", 1000)
    assert upload(writer, "a.jpg", picture() + b"x" * 5000).status_code == 413
    assert list(installation.root.iterdir()) == []


def test_a_form_that_breaks_off_or_is_none_is_400(writer: TestClient, installation: Installation) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    for body in (b"", b"garbage", head + picture(), head[:30], b"--b--\r\n"):
        assert writer.post("/image", content=body, headers=kind).status_code == 400, body[:40]
    assert writer.post("/image", json={"file": 1}).status_code == 400
    assert writer.post("/image").status_code == 400
    assert writer.post("/image", data={"path": "x"}).status_code == 400
    assert list(installation.root.iterdir()) == []


def test_unknown_library_is_refused_in_the_image_apis_words(writer: TestClient) -> None:
    answer = upload(writer, "a.jpg", picture(), library="nowhere")
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid library: nowhere"})


def test_a_library_that_cannot_be_written_is_503(
    writer: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    answer = upload(writer, "a.jpg", picture())
    assert answer.status_code == 503
    assert "No space left" in answer.json()["detail"]
    assert list(installation.root.iterdir()) == []


def test_a_lake_that_refuses_the_row_leaves_no_file(
    writer: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sql.lake import LakeLocked

    def locked(*_: object) -> None:
        raise LakeLocked("another process has been writing")

    monkeypatch.setattr(installation.lake, "write", locked)
    assert upload(writer, "a.jpg", picture()).status_code == 503
    assert files(installation) == []
    monkeypatch.undo()
    assert upload(writer, "a.jpg", picture()).status_code == 200


def test_a_photo_with_its_end_missing_is_taken_in_and_one_with_nothing_is_not(
    writer: TestClient, installation: Installation
) -> None:
    whole = noisy_picture()
    broken = whole[: len(whole) // 2]
    assert upload(writer, "broken.jpg", broken).status_code == 200
    refused = upload(writer, "nothing.jpg", picture()[:40] + b"\0" * 200)
    assert refused.status_code == 400
    assert "cannot be shown" in refused.json()["detail"]
    assert files(installation) == ["broken.jpg"]


def test_a_file_that_comes_back_under_its_old_path_keeps_its_number(
    writer: TestClient, installation: Installation
) -> None:
    first = upload(writer, "a.jpg", picture()).json()["asset_id"]
    (installation.root / "a.jpg").unlink()
    with installation.lake.write("gone") as lake_writer:
        lake_writer.execute("update asset set missing_since = now()::timestamp")
    writer.get("/healthz")
    assert paths(writer) == []
    assert upload(writer, "a.jpg", picture(7)).json()["asset_id"] == first
    assert paths(writer) == ["a.jpg"]

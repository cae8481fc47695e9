"""GET /image and its metadata: bytes, ranges, validators, derivatives, and what is refused."""

from __future__ import annotations

import io
import os
import shutil
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from fastapi.testclient import TestClient
from PIL import Image

from tests.serving.conftest import CHOSEN, Installation, logged_in
from tests.serving.test_photos import photos


def image(client: TestClient, path: str, **more: str) -> Any:
    headers = {name[len("header_") :].replace("_", "-"): more.pop(name) for name in list(more) if "header_" in name}
    return client.get("/image", params={"path": path, **more}, headers=headers)


@pytest.mark.parametrize("path", CHOSEN)
def test_full_is_the_original_byte_for_byte(client: TestClient, scanned: Installation, path: str) -> None:
    answer = image(client, path)
    assert answer.status_code == 200
    assert answer.content == (scanned.root / path).read_bytes()
    assert answer.headers["etag"] == f'"{blake3(answer.content).hexdigest()}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "private" in answer.headers["cache-control"]


def test_content_type_follows_the_bytes_not_the_name(client: TestClient) -> None:
    assert image(client, "odd/this-is-a-jpeg.png").headers["content-type"] == "image/jpeg"
    assert image(client, "phone/iphone/2020-xr/IMG_3604.HEIC").headers["content-type"] == "image/heic"
    assert image(client, "video/video.webm").headers["content-type"] == "video/webm"


def test_ranges_are_served_for_video_players(client: TestClient, scanned: Installation) -> None:
    content = (scanned.root / "video/video.webm").read_bytes()
    answer = image(client, "video/video.webm", header_range="bytes=100-199")
    assert (answer.status_code, answer.content) == (206, content[100:200])
    assert answer.headers["content-range"] == f"bytes 100-199/{len(content)}"
    last = image(client, "video/video.webm", header_range="bytes=-10")
    assert (last.status_code, last.content) == (206, content[-10:])
    beyond = image(client, "video/video.webm", header_range=f"bytes={len(content)}-")
    assert beyond.status_code == 416


def test_a_copy_that_is_still_good_is_not_sent_again(client: TestClient) -> None:
    first = image(client, "2012/summer/ladybug.jpg")
    again = image(client, "2012/summer/ladybug.jpg", header_if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    weak = image(client, "2012/summer/ladybug.jpg", header_if_none_match=f'"x", W/{first.headers["etag"]}')
    assert weak.status_code == 304
    dated = image(client, "2012/summer/ladybug.jpg", header_if_modified_since=first.headers["last-modified"])
    assert dated.status_code == 304
    other = image(client, "2012/summer/ladybug.jpg", header_if_none_match='"something else"')
    assert other.status_code == 200


def test_range_of_a_changed_file_is_sent_whole(client: TestClient, scanned: Installation) -> None:
    answer = image(client, "video/video.webm", header_range="bytes=0-9", header_if_range='"another version"')
    assert answer.status_code == 200


def test_head_tells_size_without_bytes(client: TestClient, scanned: Installation) -> None:
    answer = client.head("/image", params={"path": "video/video.webm"})
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == (scanned.root / "video/video.webm").stat().st_size
    assert answer.content == b""


def test_thumb_is_jpeg_without_metadata_whatever_the_original(client: TestClient) -> None:
    for photo in photos(client):
        if photo["thumb_url"] is None:
            continue
        answer = image(client, photo["path"], size="thumb")
        assert answer.headers["content-type"] == "image/jpeg"
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.format == "JPEG"
            assert max(picture.size) <= 480
            assert not picture.getexif()
        assert client.get(photo["thumb_url"]).content == answer.content


def test_missing_thumbnail_says_why(client: TestClient) -> None:
    answer = image(client, "odd/zero-byte.jpg", size="thumb")
    assert answer.status_code == 404
    assert "no thumbnail can be made" in answer.json()["detail"]
    assert next(photo for photo in photos(client) if photo["path"] == "odd/zero-byte.jpg")["thumb_url"] is None


def test_grid_thumbnails_may_be_kept_for_ever_and_lie_about_nothing(client: TestClient) -> None:
    url = next(photo["thumb_url"] for photo in photos(client) if photo["thumb_url"])
    answer = client.get(url)
    assert "immutable" in answer.headers["cache-control"]
    assert client.head(url).headers["content-length"] == str(len(answer.content))
    other_hash = url.rpartition("/")[0] + "/" + "0" * 64 + ".jpg"
    assert client.get(other_hash).status_code == 404
    assert client.get("/thumb/../healthz").status_code in {200, 404}
    assert client.post(url).status_code == 405
    for broken in ("/thumb/1", "/thumb/x/y.jpg", "/thumb/1/..%2f..%2fsecret.jpg"):
        assert client.get(broken).status_code == 404


def test_a_thumbnail_that_is_newer_than_the_catalog_is_not_kept_by_browsers(
    own: TestClient, installation: Installation, media: Path
) -> None:
    shutil.copy(media / "2012/summer/ladybug.jpg", installation.root / "a.jpg")
    installation.scan()
    logged_in(own)
    url = photos(own)[0]["thumb_url"]
    assert "immutable" in own.get(url).headers["cache-control"]
    file = installation.settings.thumbnails_folder / installation.lake.select("select file from derivative")[0]["file"]
    shutil.copy(media / "2012/summer/Iceland-P3.jpg", file)  # a scan is at it, and has not committed yet
    assert own.get(url).headers["cache-control"] == "no-store"


def test_an_old_thumbnail_address_never_serves_another_picture(
    own: TestClient, installation: Installation, media: Path
) -> None:
    logged_in(own)
    shutil.copyfile(media / "2012/summer/ladybug.jpg", installation.root / "a.jpg")
    installation.scan()
    own.get("/healthz")
    old = photos(own)[0]["thumb_url"]
    assert own.get(old).status_code == 200
    shutil.copyfile(media / "2012/macro/flash.jpg", installation.root / "a.jpg")
    with installation.lake.write("edited") as writer:
        for table in ("asset", "fingerprint", "metadata", "derivative"):
            writer.execute(f"delete from {table}")
    installation.scan()
    own.get("/healthz")
    new = photos(own)[0]["thumb_url"]
    assert new.rpartition("/")[0] == old.rpartition("/")[0]
    assert own.get(old).status_code == 404
    assert own.get(new).status_code == 200


def test_large_is_made_once_upright_and_recorded(own: TestClient, installation: Installation, media: Path) -> None:
    logged_in(own)
    shutil.copyfile(media / "orientation/landscape_6.jpg", installation.root / "sideways.jpg")
    installation.scan()
    own.get("/healthz")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: image(own, "sideways.jpg", size="large"), range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    with Image.open(io.BytesIO(answers[0].content)) as picture:
        assert picture.width > picture.height
        assert not picture.getexif()
    rows = installation.lake.select("select kind, file from derivative where kind = 'large'")
    assert len(rows) == 1
    made = sum("large picture" in (row["commit_message"] or "") for row in _commits(installation))
    assert made == 1
    (installation.settings.thumbnails_folder / rows[0]["file"]).unlink()  # somebody tidied up: it is made again
    assert image(own, "sideways.jpg", size="large").status_code == 200


def _commits(installation: Installation) -> list[dict[str, str]]:
    return installation.lake.select("select commit_message from ducklake_snapshots('lake')")


def test_large_of_a_raw_and_of_a_broken_file(client: TestClient) -> None:
    raw = image(client, "raw/canon/1Ds_Mark_III.CR2", size="large")
    assert raw.headers["content-type"] == "image/jpeg"
    broken = image(client, "odd/text-renamed.jpg", size="large")
    assert broken.status_code == 404
    assert broken.json()["detail"].startswith("it cannot be shown")


def test_metadata_has_the_image_apis_layout_and_everything_else(client: TestClient, scanned: Installation) -> None:
    answer = client.get("/image/metadata", params={"path": "phone/iphone/2011/Apple iPhone 4.jpg"}).json()
    assert answer["size"] == (scanned.root / "phone/iphone/2011/Apple iPhone 4.jpg").stat().st_size
    assert answer["exif"]["camera_make"] == "Apple"
    assert answer["exif"]["camera_model"] == "iPhone 4"
    assert answer["exif"]["shutter_speed"].startswith("1/")
    assert set(answer["exif"]) == {
        "camera_make", "camera_model", "lens_model", "width", "height", "orientation", "gps", "focal_length",
        "aperture", "shutter_speed", "iso", "date_taken",
    }  # fmt: skip
    assert answer["asset"]["path"] == "phone/iphone/2011/Apple iPhone 4.jpg"
    assert answer["failures"] == []
    failed = client.get("/image/metadata", params={"path": "odd/zero-byte.jpg"}).json()
    assert failed["failures"]


def test_metadata_agrees_with_the_listing_for_every_file(client: TestClient) -> None:
    for photo in photos(client):
        answer = client.get("/image/metadata", params={"path": photo["path"]}).json()
        for name in ("width", "height", "camera_model", "content_hash", "latitude", "mime_type"):
            assert answer["asset"][name] == photo[name], (photo["path"], name)
        assert _moment(answer["asset"]["taken_at"]) == _moment(photo["taken_at"]), photo["path"]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def test_composed_and_decomposed_names_are_the_same_file(client: TestClient) -> None:
    composed = unicodedata.normalize("NFC", "unicode/Crème brûlée NFD é.jpg")
    assert image(client, composed).status_code == 200
    assert image(client, unicodedata.normalize("NFD", composed)).status_code == 200


def test_backslashes_are_taken_for_slashes(client: TestClient) -> None:
    assert image(client, "2012\\summer\\ladybug.jpg").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../secret.jpg",
        "2012/../../secret.jpg",
        "..\\secret.jpg",
        "%2e%2e/secret.jpg",
        "%252e%252e%252fsecret.jpg",
        "C:\\secret.jpg",
        "c:/secret.jpg",
        "\\\\server\\share\\a.jpg",
        "a\0.jpg",
        "a%00.jpg",
    ],
)
def test_paths_that_leave_the_library_are_400(client: TestClient, path: str) -> None:
    for route in ("/image", "/image/metadata"):
        answer = client.get(route, params={"path": path})
        assert answer.status_code == 400, route
        assert "detail" in answer.json()


@pytest.mark.parametrize("path", ["no.jpg", "2012", "2012/summer", "./2012/summer/ladybug.jpg/", "x" * 5000, "💥.jpg"])
def test_what_the_catalog_does_not_have_is_404(client: TestClient, path: str) -> None:
    assert image(client, path).status_code == 404


def test_files_that_are_no_assets_are_never_served(own: TestClient, installation: Installation) -> None:
    logged_in(own)
    for name in ("secret.txt", ".hidden.jpg", "page.html", "drawing.svg"):
        (installation.root / name).write_text("<script>alert(1)</script>")
        assert image(own, name).status_code == 404


def test_a_link_that_leaves_the_library_is_refused(
    own: TestClient, installation: Installation, media: Path, tmp_path: Path
) -> None:
    logged_in(own)
    shutil.copyfile(media / "2012/summer/ladybug.jpg", installation.root / "a.jpg")
    installation.scan()
    own.get("/healthz")
    outside = tmp_path / "outside.jpg"
    shutil.move(installation.root / "a.jpg", outside)
    (installation.root / "a.jpg").symlink_to(outside)
    assert image(own, "a.jpg").status_code == 400
    (installation.root / "a.jpg").unlink()
    assert image(own, "a.jpg").status_code == 404
    os.mkfifo(installation.root / "a.jpg")
    assert image(own, "a.jpg").status_code == 404


def test_an_original_changed_since_the_scan_has_another_tag(
    own: TestClient, installation: Installation, media: Path
) -> None:
    logged_in(own)
    target = installation.root / "a.jpg"
    shutil.copyfile(media / "2012/summer/ladybug.jpg", target)
    installation.scan()
    own.get("/healthz")
    before = image(own, "a.jpg").headers["etag"]
    shutil.copyfile(media / "2012/macro/flash.jpg", target)
    after = image(own, "a.jpg")
    assert after.headers["etag"] != before
    assert after.content == target.read_bytes()
    assert image(own, "a.jpg", size="large").status_code == 404  # never made from bytes the catalog has not seen


def test_library_that_is_not_mounted_is_503(own: TestClient, installation: Installation, media: Path) -> None:
    logged_in(own)
    shutil.copyfile(media / "2012/summer/ladybug.jpg", installation.root / "a.jpg")
    installation.scan()
    own.get("/healthz")
    installation.root.rename(installation.root.with_name("away"))
    answer = image(own, "a.jpg")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert image(own, "a.jpg", size="thumb").status_code == 200


def test_names_no_encoding_knows_work_end_to_end(own: TestClient, installation: Installation, media: Path) -> None:
    logged_in(own)
    content = (media / "2012/macro/flash.jpg").read_bytes()
    odd = os.fsencode(str(installation.root)) + b'/line\nbreak \xff\xfe "quoted".jpg'
    Path(os.fsdecode(odd)).write_bytes(content)
    installation.scan()
    own.get("/healthz")
    (photo,) = photos(own)
    assert image(own, photo["path"]).content == content
    assert own.get(photo["thumb_url"]).status_code == 200
    assert image(own, photo["path"], size="large").status_code == 200

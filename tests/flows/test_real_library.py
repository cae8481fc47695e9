"""The main job on the real photos, RAWs, videos and broken files of ../shared/media, against their ground truth."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flows.admin.libraries import register_library
from flows.engine.context import FlowContext, close_lakes, open_context
from flows.engine.whole_run import scan_and_drain
from flows.work.integrity import check_lake

Row = dict[str, Any]


@pytest.fixture(scope="module")
def scanned(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FlowContext, Row]]:
    """The context after one `darkroom scan`, and the report."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name in {"BASE_PATH", "THUMBNAILS", "DATABASE_URL", "THUMBNAIL_SIZE"}:
                patch.delenv(name)
        home = tmp_path_factory.mktemp("home")
        patch.chdir(home)
        patch.setenv("DARKROOM_HOME", str(home))
        flow_context = open_context()
        register_library(flow_context.lake, media)
        yield flow_context, scan_and_drain(["all"], full=True)
        flow_context.lake.close()
        close_lakes()


@pytest.fixture(scope="module")
def manifest(media: Path) -> dict[str, Row]:
    with (media / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        return {row["path"]: row for row in csv.DictReader(file)}


def by_path(flow_context: FlowContext, view: str, where: str = "true") -> dict[str, Row]:
    return {row["path"]: row for row in flow_context.lake.select(f"select * from {view} where {where}")}


def test_every_file_is_an_asset_or_skipped_with_a_reason(
    scanned: tuple[FlowContext, Row], media: Path, manifest: dict[str, Row]
) -> None:
    flow_context, report = scanned
    assets, skipped = by_path(flow_context, "v_assets"), by_path(flow_context, "v_skipped")
    on_disk = {str(path.relative_to(media)) for path in media.rglob("*") if path.is_file()}
    assert set(assets) | set(skipped) == on_disk
    assert not set(assets) & set(skipped)
    assert report["found"] == len(assets)
    assert {row["reason"] for row in skipped.values()} == {"sidecar", "hidden", "not_media"}
    lost = {path for path, row in manifest.items() if path in skipped and row["mime"].startswith(("image/", "video/"))}
    assert {Path(path).suffix for path in lost} <= {".THM"}, "only the cameras' own thumbnails are sidecars"


def test_every_asset_has_a_thumbnail_or_a_failure_that_says_why(scanned: tuple[FlowContext, Row]) -> None:
    flow_context, _ = scanned
    shown = by_path(flow_context, "v_derivatives", "kind = 'thumbnail'")
    failed = by_path(flow_context, "v_failures", "stage = 'thumbnail'")
    assert set(shown) | set(failed) == set(by_path(flow_context, "v_assets"))
    assert not set(shown) & set(failed)
    assert all(row["message"] for row in failed.values())
    for path in failed:
        sentinel = flow_context.settings.thumbnails_folder / f"{path}.unsupported"
        assert sentinel.is_file()
        assert sentinel.stat().st_size == 0


def test_whatever_opens_is_shown(scanned: tuple[FlowContext, Row], manifest: dict[str, Row]) -> None:
    flow_context, _ = scanned
    failed = by_path(flow_context, "v_failures", "stage = 'thumbnail'")
    opens = {path for path, row in manifest.items() if row["opens"].endswith(":ok")}
    assert not {path for path in failed if path in opens and "without_video" not in path}


def test_no_derivative_says_where_or_with_what_it_was_taken(scanned: tuple[FlowContext, Row]) -> None:
    flow_context, _ = scanned
    for row in flow_context.lake.select(
        "select file, kind, width, height from v_derivatives where kind in ('thumbnail', 'large')"
    ):
        content = (flow_context.settings.thumbnails_folder / row["file"]).read_bytes()
        assert content.startswith(b"\xff\xd8\xff")
        for marker in (b"Exif\0", b"http://ns.adobe.com/", b"ICC_PROFILE", b"Photoshop 3.0", b"GPS"):
            assert marker not in content[:4096], f"{row['file']} has {marker!r}"
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.size == (row["width"], row["height"])
            assert picture.mode == "RGB"
            assert max(picture.size) <= (480 if row["kind"] == "thumbnail" else 2048)


def test_upright_sizes_and_positions_equal_the_manifest(
    scanned: tuple[FlowContext, Row], manifest: dict[str, Row]
) -> None:
    flow_context, _ = scanned
    complaints = []
    for path, asset in by_path(flow_context, "v_assets").items():
        wanted = manifest.get(path)
        if wanted is None or asset["taken_at_source"] is None:
            continue
        for column, ours in (("width", asset["width"]), ("height", asset["height"])):
            if wanted[column] and ours is not None and int(wanted[column]) != ours:
                complaints.append(f"{path} {column}: {wanted[column]} but {ours}")
        if (
            wanted["gps_lat"]
            and float(wanted["gps_lat"])
            and asset["latitude"] != pytest.approx(float(wanted["gps_lat"]))
        ):
            complaints.append(f"{path} latitude: {wanted['gps_lat']} but {asset['latitude']}")
    assert complaints == []


def test_thumbnail_is_as_wide_as_the_upright_picture_says(scanned: tuple[FlowContext, Row]) -> None:
    flow_context, _ = scanned
    rows = flow_context.lake.select(
        "select path, a.width, a.height, d.width as w, d.height as h from v_assets a "
        "join v_derivatives d using (path) where kind = 'thumbnail' and media_type = 'photo' and a.width is not null"
    )
    assert len(rows) > 100
    turned = [row["path"] for row in rows if (row["width"] > row["height"]) != (row["w"] > row["h"])
              and abs(row["w"] - row["h"]) > 2]  # fmt: skip
    assert turned == []


def test_copies_share_their_content_hash(scanned: tuple[FlowContext, Row], manifest: dict[str, Row]) -> None:
    flow_context, _ = scanned
    assets = by_path(flow_context, "v_assets")
    groups: dict[str, set[str]] = {}
    for path, row in manifest.items():
        if path in assets and int(row["bytes"]):
            groups.setdefault(row["sha256"], set()).add(assets[path]["content_hash"])
    assert all(len(hashes) == 1 for hashes in groups.values())
    assert len({next(iter(hashes)) for hashes in groups.values()}) == len(groups)


def test_second_scan_finds_nothing_to_do(scanned: tuple[FlowContext, Row]) -> None:
    flow_context, _ = scanned
    before = flow_context.lake.snapshot_id()
    report = scan_and_drain(["all"], full=True)
    assert not any(report[name] for name in ("new", "changed", "moved", "missing", "restored", "failed", "thumbnails"))
    assert flow_context.lake.snapshot_id() == before


def test_catalog_keeps_its_own_rules(scanned: tuple[FlowContext, Row]) -> None:
    check_lake(scanned[0])

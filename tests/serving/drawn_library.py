"""20,000 photos over 15 years, written straight into the lake as a scan records them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pyarrow as pa
from PIL import Image

from tests.serving.conftest import Installation

PHOTOS = 20_000
NO_DATE = datetime(1, 1, 1)
ARRIVED = datetime(2026, 6, 1)
FIRST_DAY = datetime(2008, 1, 1)
_DAYS = 15 * 365
_CAMERAS = (("Canon", "EOS 450D"), ("NIKON", "D90"), ("Apple", "iPhone 12"), (None, None))
_TYPES = (("photo", "image/jpeg"), ("photo", "image/jpeg"), ("photo", "image/png"), ("raw", "image/x-nikon-nef"),
          ("video", "video/mp4"))  # fmt: skip
_EPOCH = datetime(1970, 1, 1)
_PICTURES = 6


@dataclass(slots=True)
class Drawn:
    """One asset as it was drawn. `order_at`: where it should stand in the timeline."""

    asset_id: int
    library_id: int
    path: str
    media_type: str
    mime_type: str
    size_bytes: int
    modified_at: datetime
    taken_at: datetime | None
    taken_at_source: str | None
    order_at: datetime
    camera: tuple[str | None, str | None]
    position: tuple[float, float] | None
    hidden: str | None = None
    broken: bool = False
    rating: int | None = None
    favorite: bool = False
    tags: frozenset[int] = field(default_factory=frozenset)

    @property
    def content_hash(self) -> str:
        return f"{self.asset_id:064x}"

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def draw(count: int = PHOTOS, seed: int = 7) -> list[Drawn]:
    """Ties in time and size, months without photos, files without a date, hidden and broken ones among them."""
    chance = random.Random(seed)
    return [_draw(chance, number) for number in range(1, count + 1)]


def _draw(chance: random.Random, number: int) -> Drawn:
    taken_at: datetime | None = FIRST_DAY + timedelta(days=int(chance.triangular(0, _DAYS, _DAYS * 0.8)))
    assert taken_at is not None
    taken_at += timedelta(seconds=chance.choice([0, 43_200, chance.randrange(86_400)]))
    modified_at = taken_at + timedelta(days=chance.choice([0, 0, 3]))
    source: str | None = "EXIF:DateTimeOriginal"
    order_at = taken_at
    kind = chance.random()
    broken = kind < 0.01  # their time on disk is all that is known
    if kind < 0.06:  # no date of its own: the file's time counts where it can be when it was taken
        source = None if broken else "mtime"
        modified_at = chance.choice([taken_at, ARRIVED, ARRIVED + timedelta(days=40), _EPOCH])
        taken_at = None if broken else modified_at
        order_at = modified_at if _EPOCH < modified_at < ARRIVED else NO_DATE
    folder = chance.choice(["", "2012/summer", "2012/macro", "2012", "Ärger %41 & co", f"y{order_at.year}"])
    media_type, mime_type = chance.choice(_TYPES)
    file_name = f"{chance.choice(['IMG', 'img', 'Zoo', 'été'])}_{number % 4000:04}.x{number}"
    return Drawn(
        asset_id=number,
        library_id=1 if number % 3 else 2,
        path=f"{folder}/{file_name}" if folder else file_name,
        media_type=media_type,
        mime_type=mime_type,
        size_bytes=chance.choice([5_000, chance.randrange(1, 9_000_000)]),
        modified_at=modified_at,
        taken_at=taken_at,
        taken_at_source=source,
        order_at=order_at,
        camera=(None, None) if broken else chance.choice(_CAMERAS),
        position=(chance.uniform(-90, 90), chance.uniform(-180, 180)) if number % 4 == 0 and not broken else None,
        hidden=chance.choice(["user", "duplicate"]) if chance.random() < 0.05 else None,
        broken=broken,
        rating=None if broken else chance.choice([None, None, 1, 5]),
        favorite=chance.random() < 0.1,
        tags=frozenset(tag for tag in (1, 2, 3) if chance.random() < 0.1),
    )


def store(installation: Installation, drawn: list[Drawn], *, account_id: int = 1, pictured: bool = False) -> None:
    """
    Record the rows in one commit.

    Args:
        account_id: Whose the favourites are.
        pictured: All get one of a few drawn thumbnails.
    """
    version = [{"asset_id": one.asset_id, "size_bytes": one.size_bytes, "mtime_ns": _nanoseconds(one.modified_at),
                "media_type": one.media_type, "mime_type": one.mime_type} for one in drawn]  # fmt: skip
    with installation.lake.write("drawn") as writer:
        writer.append("library", [{"library_id": 2, "name": "second", "root_path": f"{installation.root}2"}])
        writer.append("asset", pa.Table.from_pylist(
            [{**row, "library_id": one.library_id, "rel_path": one.path, "sidecar": "", "sidecar_version": "",
              "first_seen_at": ARRIVED} for one, row in zip(drawn, version, strict=True)]
        ))  # fmt: skip
        writer.append("fingerprint", pa.Table.from_pylist(
            [{**row, "content_hash": one.content_hash} for one, row in zip(drawn, version, strict=True)]
        ))  # fmt: skip
        writer.append("metadata", _table([_metadata(one) for one in drawn if not one.broken]))
        writer.append("failure", _table(
            [{"asset_id": one.asset_id, "stage": "thumbnail", "file_version": one.content_hash,
              "error_class": "CorruptMedia", "message": "cut off"} for one in drawn if one.broken]
        ))  # fmt: skip
        writer.append("hidden", _table(
            [{"asset_id": one.asset_id, "reason": one.hidden} for one in drawn if one.hidden]
        ))  # fmt: skip
        writer.append("tag", [{"tag_id": tag, "name": f"tag {tag}", "created_at": ARRIVED} for tag in (1, 2, 3)])
        writer.append("photo_tag", _table(
            [{"content_hash": one.content_hash, "tag_id": tag} for one in drawn for tag in sorted(one.tags)]
        ))  # fmt: skip
        writer.append("favorite", _table(
            [{"content_hash": one.content_hash, "account_id": account_id} for one in drawn if one.favorite]
        ))  # fmt: skip
        if pictured:
            writer.append("derivative", _table(_thumbnails(installation, [one for one in drawn if not one.broken])))


def _table(rows: list[dict[str, Any]]) -> pa.Table | list[Any]:
    return pa.Table.from_pylist(rows) if rows else []


def _metadata(one: Drawn) -> dict[str, Any]:
    latitude, longitude = one.position or (None, None)
    make, model = one.camera
    width, height = [(4000, 3000), (3000, 4000), (6000, 4000), (1000, 1000)][one.asset_id % 4]
    return {"asset_id": one.asset_id, "content_hash": one.content_hash, "taken_at": one.taken_at,
            "taken_at_source": one.taken_at_source, "camera_make": make, "camera_model": model, "latitude": latitude,
            "longitude": longitude, "rating": one.rating, "width": width, "height": height}  # fmt: skip


def _thumbnails(installation: Installation, drawn: list[Drawn]) -> list[dict[str, Any]]:
    folder = installation.settings.thumbnails_folder
    folder.mkdir(parents=True, exist_ok=True)
    sizes = []
    for number in range(_PICTURES):
        content = BytesIO()
        Image.new("RGB", (96, 72), (40 * number, 90, 250 - 40 * number)).save(content, "JPEG")
        (folder / f"drawn-{number}.jpg").write_bytes(content.getvalue())
        sizes.append(len(content.getvalue()))
    return [{"asset_id": one.asset_id, "content_hash": one.content_hash, "kind": "thumbnail", "recipe": "drawn",
             "file": f"drawn-{one.asset_id % _PICTURES}.jpg", "size_bytes": sizes[one.asset_id % _PICTURES]}
            for one in drawn]  # fmt: skip


def _nanoseconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp()) * 1_000_000_000

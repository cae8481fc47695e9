"""A site on which every page has something to show, and much of it is longer than anybody thought."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from playwright.sync_api import Browser, Page

from serving.auth.accounts import add_user
from sql.lake import utc_now
from tests.apollo_stand_in import portrait
from tests.pictures import draw
from tests.serving.conftest import NAME, PASSWORD, Installation, fill
from tests.serving.organised import organise
from tests.serving.people import people
from tests.serving.test_persons import ask, group
from tests.serving.test_web import serve

LONG = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"
FILES = [
    "2012/summer/ladybug.jpg",
    "odd/zero-byte.jpg",
    "phone/iphone/2011/Apple iPhone 4.jpg",
    "video/synthetic/h264_aac_gps.mp4",
    "video/video.webm",
]


@dataclass
class Site:
    """Where it is, and what is there: the numbers of a photo with a position and 24 tags, and of a person."""

    address: str
    installation: Installation
    photo: int
    person: int


@contextmanager
def full_site(installation: Installation, media: Path) -> Iterator[Site]:
    """Raises AssertionError when the API refuses what is put there."""
    fill(installation, media, FILES)
    shutil.copyfile(installation.root / FILES[0], installation.root / f"{LONG}-{LONG}-{LONG}.jpg")
    today = date.today()
    for seed in range(9):
        day = f"{today.year - 1 - seed % 3}:{today.month:02}:{min(today.day, 28):02}"
        draw(
            installation.root / f"memories/{seed}.jpg",
            seed,
            size=(600, 400 + 40 * (seed % 4)),
            taken=f"{day} 1{seed}:00:00",
        )
    for number in range(4):
        portrait(installation.root / f"faces/red{number}.jpg", "red", seed=number)
        portrait(installation.root / f"faces/green{number}.jpg", "green", seed=40 + number)
    with people(installation) as world:
        for _ in range(20):  # on a busy machine the stand-in may answer too late: what it did not answer is asked again
            world.look()
            if world.faces("faces/green0.jpg") and world.faces("faces/red0.jpg"):
                break
        organise(installation)
        group(world)
        face = world.faces("faces/green0.jpg")[0]["id"]
        person = ask(world, "PATCH", f"/image/faces/{face}", person_name=f"{LONG} {LONG}")["person_id"]
        for number in range(24):
            tag = LONG if number == 0 else f"{LONG[: 5 + number]} {number}"
            ask(world, "POST", "/image/tags", path=FILES[2], tag_name=tag)
        _summarise(installation)
        add_user(installation.lake, "grace", PASSWORD)
        photo = installation.lake.select("select asset_id from asset where rel_path = $path", path=FILES[2])[0][
            "asset_id"
        ]
        for address in serve(installation):
            yield Site(address, installation, photo, person)


def _summarise(installation: Installation) -> None:
    rows = [
        {"summary_id": number, "contact": contact, "day": date(2025, 7, number), "summary": f"{LONG} {LONG} " * 5,
         "kind": "model", "message_count": 3, "model": LONG, "recorded_at": utc_now()}
        for number, contact in enumerate(["Ada", LONG, "Bruno"], 1)
    ]  # fmt: skip
    with installation.lake.write("summaries") as writer:
        writer.replace("daily_summary", rows)


def opened(browser: Browser, site: str, width: int, height: int = 800, *, touch: bool = False, who: str = NAME) -> Page:
    """A page that is logged in, on a screen of this size."""
    context = browser.new_context(
        base_url=site, viewport={"width": width, "height": height}, has_touch=touch, is_mobile=touch
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    answer = context.request.post(
        "/session", data={"username": who, "password": PASSWORD}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status == 200, answer.text()
    return page

"""What a model is told about a photo, looked at where it arrives: at stand-in servers over real sockets."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from serving.auth.api_keys import add_key
from sql.lake import utc_now
from tasks.models.embed import MiniLm
from tests.pictures import draw
from tests.serving.conftest import NAME, Installation
from tests.serving.talking import talking_installation
from tests.serving.test_summaries import record
from tests.stand_ins.http_server import Handler, StandIn, refusing_url
from tests.stand_ins.ollama import CHAT_MODEL, VISION_MODEL, OllamaStandIn, Say
from tests.stand_ins.openrouter import KEY, OpenRouterStandIn
from tests.stand_ins.sms import TOKEN, SmsStandIn

PHOTO = "a/Iceland.jpg"
WRITTEN = [Say(["At the waterfall."]), Say(["Waterfall"])]


class PlacesStandIn(StandIn):
    """Apollo's Places API."""

    def __init__(self) -> None:
        super().__init__()
        self.places = [{"id": 1, "name": "Cabin", "latitude": 46.0, "longitude": 8.0, "radius_m": 500}]

    def get_api_places(self, handler: Handler, _: Any) -> None:
        handler.json({"places": self.places})


@pytest.fixture
def ollama() -> Iterator[OllamaStandIn]:
    with OllamaStandIn().running() as stand_in:
        yield stand_in


@pytest.fixture
def sms() -> Iterator[SmsStandIn]:
    with SmsStandIn().running() as stand_in:
        yield stand_in


@pytest.fixture
def apollo() -> Iterator[PlacesStandIn]:
    with PlacesStandIn().running() as stand_in:
        yield stand_in


def known_photo(installation: Installation, client: TestClient, media: Path) -> dict[str, Any]:
    """A real photo with EXIF and a position; placed, tagged, with somebody in it."""
    (installation.root / "a").mkdir()
    shutil.copyfile(media / "2012/summer/Iceland-P3.jpg", installation.root / PHOTO)
    installation.scan()
    (photo,) = installation.lake.select("select * from v_assets")
    key = {"content_hash": photo["content_hash"]}
    with installation.lake.write("known") as writer:
        place = {"country": "Iceland", "region": "South", "city": "Skogar", "personal_place": "Our falls"}
        where = {"latitude": photo["latitude"], "longitude": photo["longitude"], "recipe": "r"}
        writer.append("photo_place", [{**key, **where, **place}])
        writer.append("tag", [{"tag_id": 1, "name": "holiday"}])
        writer.append("photo_tag", [{**key, "tag_id": 1}])
        people = [{"person_id": 1, "name": "Ada"}, {"person_id": 2, "name": "A stranger", "is_ignored": True}]
        writer.append("person", people)
        writer.append("face", [{**key, "face_id": number, "person_id": number} for number in (1, 2)])
    client.get("/healthz")
    return photo


def told(ollama: OllamaStandIn, number: int = 0) -> str:
    return str(ollama.bodies("/api/chat")[number]["messages"][1]["content"])


def generate(client: TestClient, ollama: OllamaStandIn, path: str = PHOTO, **options: Any) -> Any:
    ollama.script += WRITTEN
    answer = client.post("/insights/generate", json={"file_path": path, **options})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_model_is_told_camera_place_people_tags_messages_and_summaries(
    tmp_path: Path, media: Path, ollama: OllamaStandIn, sms: SmsStandIn
) -> None:
    options = {
        "ollama_primary_url": ollama.url, "sms_api_url": sms.url, "sms_api_token": TOKEN,
        "summary_contacts": ["Ada", "Bob"], "summary_time_zone": "UTC",
    }  # fmt: skip
    with talking_installation(tmp_path, **options) as (installation, client):
        photo = known_photo(installation, client, media)
        day = photo["taken_at"].date()
        moment = (photo["taken_at_utc"] or photo["taken_at"]).isoformat() + "Z"
        sms.add("Ada", moment, "Ada", "The spray is\n- everywhere!")
        sms.add("Bob", (photo["taken_at"] + timedelta(days=4)).isoformat() + "Z", "Bob", "Four days later")
        sms.add("Eve", moment, "Eve", "Not one of the contacts")
        days = [(1, "Ada", day, "Ada and I hiked to a waterfall."), (2, "Bob", date(1999, 1, 1), "Long ago.")]
        record(installation.lake, MiniLm(), days)
        generate(client, ollama)
    words = told(ollama)
    known = json.loads(words[words.index("{") : words.index("\n}") + 2])
    assert known["place"] == "Our falls (Skogar, South, Iceland)"
    assert (known["people"], known["tags"]) == (["Ada"], ["holiday"])
    for name in ("taken_at", "camera_make", "camera_model", "f_number", "iso", "focal_length_mm", "exposure_time_s"):
        assert known[name], name
    assert "with Ada: Ada: The spray is - everywhere!" in words, "one line a message, whatever is in it"
    assert f"- {day} with Ada [summary 1]: Ada and I hiked to a waterfall." in words
    for absent in ("Four days later", "Not one of the contacts", "Long ago", "A stranger"):
        assert absent not in words


def test_what_is_away_is_left_out_for_who_waits(tmp_path: Path, media: Path, ollama: OllamaStandIn) -> None:
    options = {"ollama_primary_url": ollama.url, "sms_api_url": refusing_url(), "summary_contacts": ["*"]}
    with talking_installation(tmp_path, **options) as (installation, client):
        known_photo(installation, client, media)
        generate(client, ollama)
    assert "Messages exchanged around that time:\nnone" in told(ollama)


def test_photo_without_a_date_of_its_own_is_told_without_messages(
    tmp_path: Path, ollama: OllamaStandIn, sms: SmsStandIn
) -> None:
    sms.add("Ada", utc_now().isoformat() + "Z", "Ada", "Today")
    options = {"ollama_primary_url": ollama.url, "sms_api_url": sms.url, "sms_api_token": TOKEN}
    with talking_installation(tmp_path, **options, summary_contacts=["Ada"]) as (installation, client):
        draw(installation.root / "a.jpg", 1)
        installation.scan()
        client.get("/healthz")
        generate(client, ollama, "a.jpg")
    assert "Today" not in told(ollama) and "taken_at" not in told(ollama) and sms.requests == []


def test_local_model_that_sees_gets_the_picture_itself_and_no_other_one_does(tmp_path: Path) -> None:
    with OllamaStandIn(models=[CHAT_MODEL, VISION_MODEL]).running() as ollama:
        with talking_installation(tmp_path, ollama_primary_url=ollama.url) as (installation, client):
            draw(installation.root / "a.jpg", 1, size=(1600, 1200))
            installation.scan()
            client.get("/healthz")
            generate(client, ollama, "a.jpg", model=VISION_MODEL)
            transcript = client.get("/insights/chat/history", params={"path": "a.jpg"}).json()
        message = ollama.bodies("/api/chat")[0]["messages"][1]
    with Image.open(io.BytesIO(base64.b64decode(message["images"][0]))) as picture:
        assert max(picture.size) == 1024 and not picture.getexif()
    assert "picture itself is attached" in message["content"]
    assert transcript["messages"][0]["content"] == message["content"]


def test_fallback_that_does_not_see_gets_a_description_should_it_have_to_answer(tmp_path: Path) -> None:
    with OllamaStandIn(models=[VISION_MODEL]).running() as first, OllamaStandIn().running() as second:
        options = {"ollama_primary_url": first.url, "ollama_primary_model": VISION_MODEL}
        options |= {"ollama_fallback_url": second.url, "ollama_fallback_model": CHAT_MODEL}
        with talking_installation(tmp_path, **options) as (installation, client):
            draw(installation.root / "a.jpg", 1)
            installation.scan()
            client.get("/healthz")
            first.script.append(Say(["A circle."]))
            generate(client, first, "a.jpg")
        assert "A circle." in told(first, 1) and "images" not in first.bodies("/api/chat")[1]["messages"][1]


def test_hybrid_is_sent_words_only_even_when_the_local_model_sees(tmp_path: Path) -> None:
    with (
        OllamaStandIn([Say(["A circle."])], models=[VISION_MODEL]).running() as ollama,
        OpenRouterStandIn(list(WRITTEN)).running() as remote,
    ):
        options = {"ollama_primary_url": ollama.url, "ollama_primary_model": VISION_MODEL}
        options |= {"openrouter_api_key": KEY, "openrouter_base_url": remote.url}
        with talking_installation(tmp_path, **options) as (installation, client):
            draw(installation.root / "a.jpg", 1)
            installation.scan()
            client.get("/healthz")
            answer = client.post("/insights/generate", json={"file_path": "a.jpg", "backend": "hybrid"})
            assert answer.status_code == 200, answer.text
        sent = json.dumps(remote.bodies("/chat/completions"))
    assert "A circle." in sent and "image_url" not in sent and "base64" not in sent


def test_personal_place_is_asked_of_apollo_where_there_is_one(
    tmp_path: Path, ollama: OllamaStandIn, apollo: PlacesStandIn
) -> None:
    with talking_installation(tmp_path, ollama_primary_url=ollama.url, apollo_api_base_url=apollo.url) as (_, client):
        calls = [("get_personal_place_at", {"latitude": 46.001, "longitude": 8.001}),
                 ("get_personal_place_at", {"latitude": 10, "longitude": 8}),
                 ("get_personal_place_at", {"latitude": 91, "longitude": 8})]  # fmt: skip
        ollama.script += [Say(calls=calls), Say(["At the cabin."])]
        answer = client.post("/chat", json={"message": "Where is 46.001, 8.001?"}).json()
    assert [call["result"] for call in answer["tool_calls"][:2]] == ["Cabin", "no personal place is there"]
    assert answer["tool_calls"][2]["failed"] and len(apollo.requests) == 1, "fetched once, matched here"
    offered = [tool["function"]["name"] for tool in ollama.bodies("/api/chat")[0]["tools"]]
    assert "get_personal_place_at" in offered


def test_apollo_that_is_silent_is_answered_for_by_what_it_said_last(tmp_path: Path, ollama: OllamaStandIn) -> None:
    with talking_installation(tmp_path, ollama_primary_url=ollama.url, apollo_api_base_url=refusing_url()) as (
        installation,
        client,
    ):
        known = {"place_id": "1", "name": "Home", "latitude": 46.0, "longitude": 8.0, "radius_m": 500.0}
        with installation.lake.write("places") as writer:
            writer.append("personal_place", [known])
        ollama.script += [Say(calls=[("get_personal_place_at", {"latitude": 46, "longitude": 8})]), Say(["Home."])]
        answer = client.post("/chat", json={"message": "Where?"}).json()
    assert answer["tool_calls"][0]["result"] == "Home"


def test_key_that_only_reads_may_ask_but_has_nothing_remembered(tmp_path: Path, ollama: OllamaStandIn) -> None:
    with talking_installation(tmp_path, ollama_primary_url=ollama.url) as (installation, client):
        for scopes in (["read"], ["read", "write"]):
            key = add_key(installation.lake, NAME, "-".join(scopes), scopes)
            client.get("/healthz")
            ollama.script += [Say(calls=[("store_entity", {"name": "Ada", "kind": "person"})]), Say(["ok"])]
            headers = {"X-API-Key": key, "Authorization": ""}
            answer = client.post("/chat", json={"message": "Remember Ada"}, headers=headers)
            assert answer.status_code == 200, answer.text
            refused = "there is no tool 'store_entity'" in answer.json()["tool_calls"][0]["result"]
            assert refused is ("write" not in scopes)
            assert len(installation.lake.select("select * from entity")) == int("write" in scopes)

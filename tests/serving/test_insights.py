"""Insights and the conversation about a picture: a real photo, a real lake, scripted models over real sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.ai.training_data import PAGE_INSIGHTS, training_lines
from sql.lake import Lake
from tests.pictures import draw
from tests.serving.conftest import Installation
from tests.serving.talking import events_of, talking_installation
from tests.stand_ins.http_server import refusing_url
from tests.stand_ins.ollama import CHAT_MODEL, VISION_MODEL, Drop, OllamaStandIn, Say
from tests.stand_ins.openrouter import KEY, OpenRouterStandIn
from tests.waiting import wait_until

PHOTO = "2025/lake.jpg"
WRITTEN = [Say(["Ada swims ", "in the lake."]), Say(['"A swim in June"\n'])]


@pytest.fixture
def ollama() -> Iterator[OllamaStandIn]:
    with OllamaStandIn().running() as stand_in:
        yield stand_in


@pytest.fixture
def talking(tmp_path: Path, ollama: OllamaStandIn) -> Iterator[tuple[Installation, TestClient]]:
    with talking_installation(tmp_path, prepare, ollama_primary_url=ollama.url) as found:
        yield found


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """For requests that reach no model."""
    with talking_installation(
        tmp_path_factory.mktemp("refused"), prepare, ollama_primary_url="http://127.0.0.1:9"
    ) as found:
        yield found[1]


def prepare(installation: Installation) -> None:
    draw(installation.root / PHOTO, 1, size=(1600, 1200), taken="2025:06:01 10:00:00")
    draw(installation.root / "2025/other.jpg", 2)
    installation.scan()


def generate(client: TestClient, ollama: OllamaStandIn, **options: Any) -> Any:
    ollama.script += WRITTEN
    answer = client.post("/insights/generate", json={"file_path": PHOTO, **options})
    assert answer.status_code == 200, answer.text
    return answer.json()


def say(client: TestClient, message: str, **options: Any) -> Any:
    answer = client.post("/insights/chat", json={"file_path": PHOTO, "user_message": message, **options})
    assert answer.status_code == 200, answer.text
    return answer.json()


def history(client: TestClient) -> Any:
    return client.get("/insights/chat/history", params={"path": PHOTO}).json()


def test_insight_is_written_titled_and_kept(talking: tuple[Installation, TestClient], ollama: OllamaStandIn) -> None:
    installation, client = talking
    made = generate(client, ollama)
    assert (made["title"], made["summary"]) == ("A swim in June", "Ada swims in the lake.")
    assert (made["model_version"], made["backend"], made["server"]) == (CHAT_MODEL, "local", ollama.url)
    assert client.get("/insights", params={"path": PHOTO}).json() == made
    told = ollama.bodies("/api/chat")[0]
    assert "tools" not in told and '"taken_at": "2025-06-01T10:00:00"' in told["messages"][1]["content"]
    (listed,) = client.get("/insights/all").json()["insights"]
    assert (listed["file_path"], listed["title"]) == (PHOTO, "A swim in June")
    assert installation.lake.select("select is_current from v_insights") == [{"is_current": True}]


def test_agentic_insight_may_use_tools_within_its_cap(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    ollama.script += [
        Say(calls=[("get_photo_metadata", {})]),
        Say(calls=[("find_photos", {"query": "other"})]),
        *WRITTEN,
    ]
    answer = talking[1].post("/insights/generate/agentic", json={"file_path": PHOTO, "max_iterations": 2})
    assert answer.status_code == 200 and answer.json()["made_by"] == "agentic"
    shown = history(talking[1])
    assert shown["messages"][0]["is_initial"] and shown["turn_count"] == 1
    assert [tool["name"] for tool in shown["messages"][1]["tools"]] == ["get_photo_metadata", "find_photos"]


def test_local_model_that_sees_describes_a_small_picture(tmp_path: Path) -> None:
    with OllamaStandIn(models=[CHAT_MODEL, VISION_MODEL]).running() as ollama:
        with talking_installation(tmp_path, prepare, ollama_primary_url=ollama.url) as (_, client):
            ollama.script.append(Say(["A white circle on dark ground."]))
            generate(client, ollama)
            ollama.script += [
                Say(calls=[("describe_photo", {"question": "What colour?"})]),
                Say(["White."]),
                Say(["ok"]),
            ]
            said = say(client, "What colour is it?")
        seen, written, *_ = ollama.bodies("/api/chat")
    assert seen["model"] == VISION_MODEL and len(seen["messages"][0]["images"]) == 1
    assert "images" not in written["messages"][1] and "white circle" in written["messages"][1]["content"].lower()
    assert said["tool_calls"][0]["result"] == "White."


def test_model_that_sees_and_says_nothing_is_told_to_the_one_that_asked(tmp_path: Path) -> None:
    with (
        OllamaStandIn(models=[CHAT_MODEL, VISION_MODEL]).running() as ollama,
        talking_installation(tmp_path, prepare, ollama_primary_url=ollama.url) as (_, client),
    ):
        number = client.get("/photos").json()["photos"][0]["asset_id"]
        ollama.script += [
            Say(calls=[("describe_photo", {"asset_id": number, "question": "What colour?"})]),
            Say(["  \n"]),
            Say(["I cannot tell."]),
        ]
        said = client.post("/chat", json={"message": "What colour is the circle?"}).json()
    assert said["tool_calls"][0]["result"].startswith("Error: ") and "saw nothing" in said["tool_calls"][0]["result"]
    assert said["assistant_message"] == "I cannot tell."


def test_chat_about_the_library_can_have_a_photo_looked_at(tmp_path: Path) -> None:
    with OllamaStandIn(models=[CHAT_MODEL, VISION_MODEL]).running() as ollama:
        with talking_installation(tmp_path, prepare, ollama_primary_url=ollama.url) as (_, client):
            number = client.get("/photos").json()["photos"][0]["asset_id"]
            ollama.script += [
                Say(calls=[("describe_photo", {"asset_id": number, "question": "What colour?"})]),
                Say(["White."]),
                Say([f"It is white [photo {number}]."]),
            ]
            said = client.post("/chat", json={"message": "What colour is the circle?"}).json()
        looked = ollama.bodies("/api/chat")[1]
    assert said["tool_calls"][0]["result"] == "White." and said["cited"] == [{"kind": "photo", "id": number}]
    assert looked["model"] == VISION_MODEL and len(looked["messages"][0]["images"]) == 1


def test_hybrid_gets_the_description_and_never_the_picture(tmp_path: Path) -> None:
    with (
        OllamaStandIn([Say(["A white circle."])], models=[VISION_MODEL]).running() as ollama,
        OpenRouterStandIn([Say(["A circle at the lake."]), Say(["Circle"])]).running() as remote,
    ):
        options = {"ollama_primary_url": ollama.url, "openrouter_api_key": KEY, "openrouter_base_url": remote.url}
        with talking_installation(tmp_path, prepare, **options) as (_, client):
            made = client.post("/insights/generate/agentic", json={"file_path": PHOTO, "backend": "hybrid"}).json()
        sent = remote.bodies("/chat/completions")
    assert made["backend"] == "hybrid" and made["title"] == "Circle"
    assert "A white circle." in sent[0]["messages"][1]["content"] and "image" not in json.dumps(sent[0]["messages"][1:])
    assert "describe_photo" not in [tool["function"]["name"] for tool in sent[0]["tools"]]


def test_chat_goes_on_from_the_insight_and_its_history_is_rendered(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    client = talking[1]
    generate(client, ollama)
    ollama.script += [Say(calls=[("get_photo_metadata", {})]), Say(["In June."]), Say(["With Ada."])]
    said = say(client, "When?")
    assert (said["assistant_message"], said["iterations"], said["amended_insight_id"]) == ("In June.", 1, None)
    say(client, "With whom?")
    shown = history(client)
    assert [one["content"] for one in shown["messages"][1:]] == [
        "Ada swims in the lake.", "When?", "In June.", "With whom?", "With Ada.",
    ]  # fmt: skip
    assert shown["turn_count"] == 3 and shown["messages"][3]["tools"][0]["name"] == "get_photo_metadata"


def test_rewind_takes_the_message_its_tool_calls_and_all_later_turns(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    installation, client = talking
    generate(client, ollama)
    ollama.script += [Say(calls=[("get_photo_metadata", {})]), Say(["In June."]), Say(["With Ada."])]
    say(client, "When?")
    say(client, "With whom?")
    body = {"file_path": PHOTO, "discard_from_rendered_index": 3}
    answer = client.post("/insights/chat/rewind", json=body)
    assert [one["content"] for one in answer.json()["messages"][1:]] == ["Ada swims in the lake.", "When?"]
    assert len(installation.lake.rows("ai/messages", conversation_id=1)) == 3
    for index, words in ((0, "first message"), (9, "no message 9")):
        refused = client.post("/insights/chat/rewind", json={**body, "discard_from_rendered_index": index})
        assert refused.status_code == 400 and words in refused.json()["detail"]


def test_amend_makes_a_new_insight_and_leaves_the_old_transcript_alone(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    installation, client = talking
    first = generate(client, ollama)
    ollama.script += [Say(["Ada and Bruno swim."]), Say(["Two swimmers"])]
    said = say(client, "Bruno is there too", amend=True)
    now = client.get("/insights", params={"path": PHOTO}).json()
    assert said["amended_insight_id"] == now["id"] != first["id"]
    assert (now["title"], now["summary"], now["made_by"]) == ("Two swimmers", "Ada and Bruno swim.", "amend")
    assert len(installation.lake.rows("ai/messages", conversation_id=1)) == 2
    assert history(client)["turn_count"] == 2
    client.delete("/insights", params={"path": PHOTO})
    assert client.get("/insights", params={"path": PHOTO}).json()["id"] == first["id"]


def test_one_turn_at_a_time_for_a_picture(talking: tuple[Installation, TestClient], ollama: OllamaStandIn) -> None:
    client = talking[1]
    generate(client, ollama)
    refused = threading.Event()
    ollama.script += [Say(["slow"], wait_for=refused), Say(["after"])]
    answers: list[Any] = []
    slow = threading.Thread(target=lambda: answers.append(say(client, "one")))
    slow.start()
    wait_until(lambda: len(ollama.bodies("/api/chat")) >= 3)
    body = {"file_path": PHOTO, "user_message": "two"}
    assert client.post("/insights/chat", json=body).status_code == 409
    assert client.post("/insights/chat/stream", json=body).status_code == 409
    refused.set()
    slow.join()
    assert answers[0]["assistant_message"] == "slow" and say(client, "three")["assistant_message"] == "after"


def test_stream_of_a_turn_that_breaks_ends_with_an_error_and_keeps_nothing(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    installation, client = talking
    generate(client, ollama)
    ollama.script.append(Drop(["In Ju"]))
    events = events_of(client, "/insights/chat/stream", {"file_path": PHOTO, "user_message": "When?"})
    assert [name for name, _ in events] == ["text", "error"] and events[-1][1]["status"] == 503
    assert len(installation.lake.rows("ai/messages", conversation_id=1)) == 2
    ollama.script.append(Say(["In June."]))
    events = events_of(client, "/insights/chat/stream", {"file_path": PHOTO, "user_message": "When?"})
    assert events[-1][0] == "done" and events[-1][1]["assistant_message"] == "In June."


def test_empty_answer_makes_no_insight(talking: tuple[Installation, TestClient], ollama: OllamaStandIn) -> None:
    ollama.script += [Say(), Say()]
    answer = talking[1].post("/insights/generate", json={"file_path": PHOTO})
    assert answer.status_code == 503 and "gave no answer" in answer.json()["detail"]
    assert talking[1].get("/insights", params={"path": PHOTO}).status_code == 404


def test_rating_is_kept_and_exported_with_the_transcript(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    client = talking[1]
    generate(client, ollama)
    assert client.get("/insights/training-data").text == ""
    assert client.post("/insights/rate", json={"file_path": PHOTO, "rating": 1}).json()["rating"] == 1
    (line,) = client.get("/insights/training-data").text.splitlines()
    exported = json.loads(line)
    assert (exported["rating"], [one["role"] for one in exported["messages"]]) == (1, ["user", "assistant"])
    assert client.get("/insights", params={"path": PHOTO}).json()["rating"] == 1
    assert client.post("/insights/rate", json={"file_path": PHOTO, "rating": 0}).json()["rating"] is None
    assert client.post("/insights/rate", json={"file_path": PHOTO, "rating": 5}).status_code == 422


def test_export_holds_a_page_of_transcripts_at_a_time(installation: Installation) -> None:
    numbers = range(1, 2 * PAGE_INSIGHTS + 6)
    with installation.lake.write("insights") as writer:
        writer.append("insight", [{"insight_id": n, "conversation_id": n, "title": f"{n}"} for n in numbers])
        writer.append("insight_rating", [{"insight_id": n, "rating": 1} for n in numbers])
        words = [(n, position, role) for n in numbers for position, role in enumerate(("user", "assistant"))]
        names = ("conversation_id", "position", "role")
        writer.append("conversation_message", [dict(zip(names, row, strict=True)) for row in words])
    held: list[int] = []
    lines = training_lines(CountingLake(installation.lake, held))  # type: ignore[arg-type]
    assert json.loads(next(lines))["title"] == "1" and held == [2 * PAGE_INSIGHTS]
    assert [json.loads(line)["insight_id"] for line in lines] == list(numbers)[1:]
    assert held == [2 * PAGE_INSIGHTS, 2 * PAGE_INSIGHTS, 10, 0]


class CountingLake:
    """The lake, and how many rows each question brought into memory."""

    def __init__(self, lake: Lake, held: list[int]) -> None:
        self._lake, self._held = lake, held

    def rows(self, name: str, **parameters: Any) -> list[Any]:
        rows = self._lake.rows(name, **parameters)
        self._held.append(len(rows))
        return rows


def test_insight_belongs_to_the_picture_not_to_its_path(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    installation, client = talking
    made = generate(client, ollama)
    (installation.root / "copy.jpg").write_bytes((installation.root / PHOTO).read_bytes())
    installation.scan()
    client.get("/healthz")  # catches up with what was written
    assert client.get("/insights", params={"path": "copy.jpg"}).json()["id"] == made["id"]


def test_local_conversation_cannot_become_hybrid(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    generate(talking[1], ollama)
    body = {"file_path": PHOTO, "user_message": "x", "backend": "hybrid"}
    answer = talking[1].post("/insights/chat", json=body)
    assert answer.status_code == 400 and "generate a new insight" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/insights/generate", {"file_path": "nowhere.jpg"}, 404),
        ("POST", "/insights/generate", {"file_path": "../../etc/passwd"}, 400),
        ("POST", "/insights/generate", {"file_path": PHOTO, "library": "nope"}, 400),
        ("POST", "/insights/generate", {"file_path": PHOTO, "backend": "hybrid"}, 400),
        ("POST", "/insights/chat", {"file_path": PHOTO, "user_message": "x"}, 404),
        ("POST", "/insights/chat", {"file_path": PHOTO, "user_message": ""}, 422),
        ("POST", "/insights/chat/stream", {"file_path": PHOTO, "user_message": "x"}, 404),
        ("POST", "/insights/chat/rewind", {"file_path": PHOTO, "discard_from_rendered_index": 1}, 404),
        ("POST", "/insights/rate", {"file_path": PHOTO, "rating": 1}, 404),
        ("GET", f"/insights?path={PHOTO}", None, 404),
        ("GET", f"/insights/chat/history?path={PHOTO}", None, 404),
        ("DELETE", f"/insights?path={PHOTO}", None, 404),
    ],
)
def test_what_is_not_there_or_cannot_be_is_told(
    refused: TestClient, method: str, path: str, body: Any, status: int
) -> None:
    answer = refused.request(method, path, json=body)
    assert answer.status_code == status, answer.text


def test_without_any_model_an_insight_is_503_with_what_to_start(tmp_path: Path) -> None:
    with talking_installation(tmp_path, prepare, ollama_primary_url=refusing_url()) as (_, client):
        answer = client.post("/insights/generate", json={"file_path": PHOTO})
        assert answer.status_code == 503 and "Start Ollama" in answer.json()["detail"]


def test_model_is_fetched_in_the_background_and_the_listing_says_how_far(tmp_path: Path, ollama: OllamaStandIn) -> None:
    with talking_installation(tmp_path, ollama_primary_url=ollama.url) as (_, client):
        answer = client.post("/insights/models/pull", json={"model": VISION_MODEL})
        assert (answer.status_code, answer.json()["server"]) == (202, ollama.url)

        def fetched() -> Any:
            (server,) = client.get("/insights/models").json()["servers"]
            return server if server["pulls"] and server["pulls"][0]["state"] == "done" else None

        server = wait_until(fetched)
        assert (server["pulls"][0]["model"], server["pulls"][0]["completed_bytes"]) == (VISION_MODEL, 2000)
        assert VISION_MODEL in [model["name"] for model in server["models"]]
        refused = client.post("/insights/models/pull", json={"model": VISION_MODEL, "server": "fallback"})
        assert refused.status_code == 404 and "OLLAMA_FALLBACK_URL" in refused.json()["detail"]

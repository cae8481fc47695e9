"""POST /chat and /chat/stream: the agent over a real lake, with scripted models over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.auth.accounts import add_user
from sql.lake import utc_now
from tests.serving.conftest import PASSWORD, Installation, logged_in
from tests.serving.talking import events_of, talking_installation
from tests.stand_ins.http_server import refusing_url
from tests.stand_ins.ollama import Drop, Fail, OllamaStandIn, Say
from tests.stand_ins.openrouter import KEY, OpenRouterStandIn

COUNT = {"sql": "select year(taken_at) as year, count(*) as photos from v_assets group by 1 order by 1"}


@pytest.fixture
def ollama() -> Iterator[OllamaStandIn]:
    with OllamaStandIn().running() as stand_in:
        yield stand_in


def three_photos(installation: Installation) -> None:
    with installation.lake.write("photos") as writer:
        for number, year in enumerate((2023, 2023, 2024), start=1):
            content_hash = f"{number:064x}"
            writer.append("asset", [{"asset_id": number, "library_id": 1, "rel_path": f"italy/{number}.jpg",
                                     "media_type": "photo", "mime_type": "image/jpeg", "size_bytes": 9,
                                     "mtime_ns": 1, "sidecar": "", "first_seen_at": utc_now()}])  # fmt: skip
            writer.append("fingerprint", [{"asset_id": number, "size_bytes": 9, "mtime_ns": 1,
                                           "content_hash": content_hash}])  # fmt: skip
            writer.execute(
                "insert into metadata by name select $id as asset_id, $hash as content_hash, "
                "make_timestamp($year, 5, 1, 12, 0, 0) as taken_at, 'Leica' as camera_make, 45.1 as latitude",
                id=number, hash=content_hash, year=year,
            )  # fmt: skip


@pytest.fixture
def talking(tmp_path: Path, ollama: OllamaStandIn) -> Iterator[tuple[Installation, TestClient]]:
    with talking_installation(tmp_path, three_photos, ollama_primary_url=ollama.url) as found:
        yield found


def ask(client: TestClient, message: str = "How many photos by year?", **options: Any) -> Any:
    answer = client.post("/chat", json={"message": message, **options})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_question_about_the_library_is_answered_by_sql_that_is_shown(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    ollama.script += [Say(calls=[("query_catalog", COUNT)]), Say(["Two in 2023, one in 2024."])]
    answer = ask(talking[1])
    assert answer["assistant_message"] == "Two in 2023, one in 2024."
    (call,) = answer["tool_calls"]
    assert call["sql"] == COUNT["sql"] and call["result"] == "year | photos\n2023 | 2\n2024 | 1\n(2 rows)"
    assert (answer["iterations"], answer["server"], answer["backend"]) == (1, ollama.url, "local")


def test_stream_names_its_events_and_ends_with_done(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    ollama.script += [Say(["Looking. "], calls=[("find_photos", {"query": "italy 2"})]), Say(["One ", "[photo 2]."])]
    events = events_of(talking[1], "/chat/stream", {"message": "Which?"})
    assert [name for name, _ in events] == ["text", "tool_call", "tool_result", "text", "text", "done"]
    assert events[1][1]["arguments"] == {"query": "italy 2"}
    done = events[-1][1]
    assert done["cited"] == [{"kind": "photo", "id": 2}] and done["conversation_id"] == 1


def test_conversation_goes_on_and_can_be_read_again(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    client = talking[1]
    ollama.script += [Say(calls=[("query_catalog", COUNT)]), Say(["Three."]), Say(["In Italy."])]
    first = ask(client, "How many?")
    second = ask(client, "Where?", conversation_id=first["conversation_id"])
    assert second["conversation_id"] == first["conversation_id"]
    told = ollama.bodies("/api/chat")[-1]["messages"]
    assert [message["role"] for message in told] == ["system", "user", "assistant", "tool", "assistant", "user"]
    history = client.get("/chat/history", params={"conversation_id": first["conversation_id"]}).json()
    assert [(one["role"], one["content"]) for one in history["messages"]] == [
        ("user", "How many?"), ("assistant", "Three."), ("user", "Where?"), ("assistant", "In Italy."),
    ]  # fmt: skip
    assert history["messages"][0]["is_initial"] and history["turn_count"] == 2
    assert history["messages"][1]["tools"][0]["name"] == "query_catalog"
    (listed,) = client.get("/chat").json()["conversations"]
    assert (listed["title"], listed["turns"]) == ("How many?", 2)


def test_photo_metadata_and_facts_are_tools_too(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    installation, client = talking
    ollama.script += [
        Say(calls=[("get_photo_metadata", {"asset_id": 3}), ("get_photo_metadata", {"asset_id": 99})]),
        Say(calls=[("store_entity", {"name": "Ada", "kind": "person"})]),
        Say(calls=[("store_fact", {"entity_id": 1, "fact": "Ada likes bees."})]),
        Say(calls=[("store_fact", {"entity_id": 1, "fact": "ada likes bees. "})]),
        Say(calls=[("store_fact", {"entity_id": 7, "fact": "x"})]),
        Say(calls=[("recall_facts", {"entity_id": 1})]),
        Say(["Noted."]),
    ]
    calls = ask(client)["tool_calls"]
    assert '"camera_make":"Leica"' in calls[0]["result"] and "no photo 99" in calls[1]["result"]
    assert "there is no entity 7" in calls[5]["result"]
    facts = installation.lake.select("select name, fact, round(confidence, 2) as sure from v_facts")
    assert facts == [{"name": "Ada", "fact": "Ada likes bees.", "sure": 0.6}] and "likes bees" in calls[6]["result"]


def test_what_needs_something_that_is_not_set_is_no_tool(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    ollama.script.append(Say(["ok"]))
    ask(talking[1])
    offered = {tool["function"]["name"] for tool in ollama.bodies("/api/chat")[0]["tools"]}
    assert {"search_summaries", "find_photos", "query_catalog", "recall_facts"} <= offered
    assert not offered & {"get_messages", "get_personal_place_at", "describe_photo"}


def test_accounts_and_their_passwords_are_out_of_reach(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    installation, client = talking
    statements = ["select * from account", "from lake.account", "select password_hash from v_assets",
                  f"select * from read_parquet('{installation.settings.data_path}/**/*.parquet')",
                  f"select * from '{installation.settings.darkroom_home}/secrets/secret_key'"]  # fmt: skip
    ollama.script += [Say(calls=[("query_catalog", {"sql": sql}) for sql in statements]), Say(["I may not."])]
    calls = ask(client)["tool_calls"]
    assert len(calls) == 5 and all(call["failed"] for call in calls)
    assert "argon2" not in str(calls)


def test_client_may_ask_for_fewer_rounds_but_not_for_more(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    ollama.script += [Say(calls=[("find_photos", {"query": str(number)})]) for number in range(6)] + [Say(["enough"])]
    answer = ask(talking[1], max_iterations=100)
    assert (answer["iterations"], answer["capped"]) == (6, True)
    ollama.script += [Say(["at once"])]
    assert ask(talking[1], max_iterations=0)["iterations"] == 0


def test_no_model_server_is_503_with_what_to_start(tmp_path: Path) -> None:
    with talking_installation(tmp_path, ollama_primary_url=refusing_url()) as (installation, client):
        answer = client.post("/chat", json={"message": "hello"})
        assert answer.status_code == 503 and "Start Ollama" in answer.json()["detail"]
        assert answer.headers["retry-after"]
        ((name, data),) = events_of(client, "/chat/stream", {"message": "hello"})
        assert (name, data["status"]) == ("error", 503) and "Start Ollama" in data["detail"]
        assert installation.lake.select("from conversation") == []


def test_conversation_is_deleted_by_whose_it_is_alone(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn
) -> None:
    installation, client = talking
    ollama.script += [Say(["One."]), Say(["Two."])]
    number, other = (ask(client)["conversation_id"] for _ in range(2))
    add_user(installation.lake, "grace", PASSWORD, role="owner")
    client.get("/healthz")
    token = client.post("/login", json={"username": "grace", "password": PASSWORD}).json()["token"]
    grace = {"Authorization": f"Bearer {token}"}
    assert client.delete("/chat", params={"conversation_id": number}, headers=grace).status_code == 404
    assert client.delete("/chat", params={"conversation_id": number}).json() == {"deleted": number}
    assert client.delete("/chat", params={"conversation_id": number}).status_code == 404
    assert client.get("/chat/history", params={"conversation_id": number}).status_code == 404
    gone_on = client.post("/chat", json={"message": "And?", "conversation_id": number})
    assert gone_on.status_code == 404
    (left,) = client.get("/chat").json()["conversations"]
    assert left["conversation_id"] == other
    assert installation.lake.select("select distinct conversation_id from conversation_message") == [
        {"conversation_id": other}
    ]


@pytest.mark.parametrize("failure", [Drop(["half an "]), Fail(500, "broken")], ids=repr)
def test_nothing_is_kept_of_a_turn_that_fails(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn, failure: Any
) -> None:
    installation, client = talking
    ollama.script += [Say(calls=[("find_photos", {})]), failure]
    events = events_of(client, "/chat/stream", {"message": "hello"})
    assert events[-1][0] == "error" and events[-1][1]["status"] == 503
    assert installation.lake.select("from conversation_message") == []


def test_hybrid_needs_a_key_and_a_conversation_of_its_own(
    talking: tuple[Installation, TestClient], ollama: OllamaStandIn, tmp_path: Path
) -> None:
    _, client = talking
    refused = client.post("/chat", json={"message": "hello", "backend": "hybrid"})
    assert refused.status_code == 400 and "OPENROUTER_API_KEY" in refused.json()["detail"]
    with OpenRouterStandIn([Say(["from afar"])]).running() as remote:
        options = {"openrouter_api_key": KEY, "openrouter_base_url": remote.url, "ollama_primary_url": ollama.url}
        with talking_installation(tmp_path / "hybrid", **options) as (_, hybrid):
            assert ask(hybrid, backend="hybrid")["backend"] == "hybrid"
            ollama.script.append(Say(["at home"]))
            local = ask(hybrid, backend="local")["conversation_id"]
            switched = hybrid.post("/chat", json={"message": "x", "backend": "hybrid", "conversation_id": local})
            assert switched.status_code == 400 and "begin a new one" in switched.json()["detail"]
            bad = hybrid.post("/chat", json={"message": "x", "backend": "hybrid", "model": "no/such"})
            assert bad.status_code == 400 and "not a valid model ID" in bad.json()["detail"]
            assert hybrid.get("/insights/openrouter/models").json()["configured"] is True


def test_models_of_the_servers_are_listed(talking: tuple[Installation, TestClient], ollama: OllamaStandIn) -> None:
    (found,) = talking[1].get("/insights/models").json()["servers"]
    assert found["server"] == ollama.url and found["has_model"]
    assert "tools" in found["models"][0]["capabilities"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": ""},
        {"message": "x" * 32_001},
        {"message": "x", "num_ctx": 100},
        {"message": "x", "temperature": "hot"},
        {"message": "x", "backend": "cloud"},
        {"message": "x", "max_iterations": -1},
        {"message": "x", "conversation_id": 0},
    ],
)
def test_body_that_cannot_be_meant_is_refused(unchanged: TestClient, body: dict[str, Any]) -> None:
    logged_in(unchanged)
    assert unchanged.post("/chat", json=body).status_code == 422
    assert unchanged.post("/chat/stream", json=body).status_code == 422


def test_unknown_conversation_is_404(talking: tuple[Installation, TestClient]) -> None:
    assert talking[1].post("/chat", json={"message": "x", "conversation_id": 9}).status_code == 404
    assert talking[1].get("/chat/history", params={"conversation_id": 9}).status_code == 404

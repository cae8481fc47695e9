"""GET /summaries and /summaries/search: by meaning, with the real embedding model."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sql.lake import Lake, utc_now
from tasks.messages.summaries import embedding_text
from tasks.models.embed import MiniLm
from tests.serving.conftest import Installation, logged_in

DAYS = [
    (1, "Ada", date(2025, 6, 1), "Ada was stung by a bee at the lake and her foot swelled up."),
    (2, "Ada", date(2025, 7, 1), "The car broke down on the motorway and was towed to Basel."),
    (3, "Bruno", date(2025, 7, 2), "Bruno cooked risotto for twelve people and it was too salty."),
    (4, "Bruno", date(2025, 8, 9), "We repaired the puncture of the bicycle in the rain."),
]


@pytest.fixture(scope="module")
def minilm() -> MiniLm:
    return MiniLm()


def record(lake: Lake, minilm: MiniLm, days: list[tuple[int, str, date, str]], model: str = "all-MiniLM-L6-v2") -> None:
    """What the flow leaves."""
    vectors = minilm.embed_here([embedding_text(contact, day, text) for _, contact, day, text in days])
    with lake.write("summaries") as writer:
        writer.replace(
            "daily_summary",
            [
                {"summary_id": number, "contact": contact, "day": day, "summary": text, "kind": "model",
                 "message_count": 3, "model": "m", "recorded_at": utc_now()}
                for number, contact, day, text in days
            ],
        )  # fmt: skip
        writer.replace(
            "summary_embedding",
            [
                {"summary_id": row[0], "embedding_model": model, "embedding": vector.tolist(), "text_hash": "x"}
                for row, vector in zip(days, vectors, strict=True)
            ],
        )


@pytest.fixture
def asked(installation: Installation, own: TestClient, minilm: MiniLm) -> TestClient:
    record(installation.lake, minilm, DAYS)
    return logged_in(own)


@pytest.fixture(scope="module")
def reading(unchanged_installation: Installation, unchanged: TestClient, minilm: MiniLm) -> TestClient:
    """The same for tests that only read."""
    record(unchanged_installation.lake, minilm, DAYS)
    return logged_in(unchanged)


def found(client: TestClient, q: str, **options: Any) -> list[int]:
    answer = client.get("/summaries/search", params={"q": q, **options})
    assert answer.status_code == 200, answer.text
    return [row["summary_id"] for row in answer.json()["summaries"]]


def test_what_was_meant_is_found_in_other_words(reading: TestClient) -> None:
    assert found(reading, "an insect hurt her", limit=1) == [1]
    assert found(reading, "trouble with our vehicle on the highway", limit=1) == [2]
    answer = reading.get("/summaries/search", params={"q": "dinner"}).json()
    assert answer["embedding_model"] == "all-MiniLM-L6-v2"
    scores = [row["score"] for row in answer["summaries"]]
    assert len(scores) == 4 and scores == sorted(scores, reverse=True)
    assert answer["summaries"][0] | {"score": 0, "recorded_at": ""} == {
        "summary_id": 3, "contact": "Bruno", "day": "2025-07-02", "kind": "model", "message_count": 3, "model": "m",
        "summary": DAYS[2][3], "score": 0, "recorded_at": "",
    }  # fmt: skip


def test_dates_and_contact_narrow_the_search(reading: TestClient) -> None:
    assert set(found(reading, "bicycle", date_from="2025-07-01", date_to="2025-07-31")) == {2, 3}
    assert found(reading, "bicycle", contact="ADA", date_from="2025-06-15") == [2]
    assert found(reading, "bicycle", contact="nobody") == []


def test_new_changed_and_removed_summaries_are_seen_at_once(
    asked: TestClient, installation: Installation, minilm: MiniLm
) -> None:
    assert found(asked, "a wedding on an island", limit=1) != [5]
    record(installation.lake, minilm, [(5, "Jonas", date(2025, 9, 1), "Jonas got married on a small island.")])
    assert found(asked, "a wedding on an island", limit=1) == [5]
    record(installation.lake, minilm, [(5, "Jonas", date(2025, 9, 1), "Jonas bought a tractor.")])
    assert found(asked, "farm machine", limit=1) == [5]
    with installation.lake.write("gone") as writer:
        writer.delete("daily_summary", [{"contact": "Jonas", "day": date(2025, 9, 1)}])
        writer.delete("summary_embedding", [{"summary_id": 5, "embedding_model": "all-MiniLM-L6-v2"}])
    assert 5 not in found(asked, "farm machine")


def test_vectors_of_another_model_are_not_looked_at(
    asked: TestClient, installation: Installation, minilm: MiniLm
) -> None:
    record(installation.lake, minilm, [(6, "Eve", date(2025, 9, 1), "A tractor.")], model="another")
    assert 6 not in found(asked, "tractor")


def test_with_nothing_summarised_nothing_is_found_and_no_model_loaded(own: TestClient) -> None:
    logged_in(own)
    assert found(own, "anything") == []
    assert own.get("/summaries").json() == {"summaries": [], "has_more": False}


def test_days_are_listed_latest_first_in_pages(reading: TestClient) -> None:
    first = reading.get("/summaries", params={"limit": 3}).json()
    assert [row["summary_id"] for row in first["summaries"]] == [4, 3, 2] and first["has_more"]
    rest = reading.get("/summaries", params={"limit": 3, "offset": 3}).json()
    assert [row["summary_id"] for row in rest["summaries"]] == [1] and not rest["has_more"]
    assert len(reading.get("/summaries", params={"contact": "bruno", "date_to": "2025-07-31"}).json()["summaries"]) == 1


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/summaries/search", {}),
        ("/summaries/search", {"q": ""}),
        ("/summaries/search", {"q": "x" * 1_001}),
        ("/summaries/search", {"q": "x", "limit": 0}),
        ("/summaries/search", {"q": "x", "limit": 101}),
        ("/summaries/search", {"q": "x", "date_from": "yesterday"}),
        ("/summaries", {"date_to": "2025-13-01"}),
        ("/summaries", {"offset": -1}),
    ],
)
def test_question_that_cannot_be_meant_is_refused(reading: TestClient, path: str, query: dict[str, Any]) -> None:
    assert reading.get(path, params=query).status_code == 422


@pytest.mark.parametrize("q", ["' or 1=1 --", "\x00", "日本 🐶", "%_\\", "a" * 1_000])
def test_any_words_may_be_asked(reading: TestClient, q: str) -> None:
    assert len(found(reading, q)) == 4


def test_without_a_token_nothing_is_told(own: TestClient) -> None:
    assert own.get("/summaries/search", params={"q": "x"}).status_code == 401
    assert own.get("/summaries").status_code == 401


def test_one_summary_is_read_by_its_number(reading: TestClient) -> None:
    answer = reading.get("/summaries/3")
    assert answer.status_code == 200
    assert (answer.json()["contact"], answer.json()["day"]) == ("Bruno", "2025-07-02")
    assert reading.get("/summaries/99").status_code == 404
    assert reading.get("/summaries/-1").status_code in {404, 422}


def test_summary_whose_messages_are_gone_is_neither_found_nor_listed_until_they_are_back(
    asked: TestClient, installation: Installation
) -> None:
    assert found(asked, "insect bite")[0] == 1
    for gone_at, there in ((utc_now(), False), (None, True)):
        with installation.lake.write("gone, and back") as writer:
            writer.run("summaries/mark_gone", contact="Ada", days=[date(2025, 6, 1)], gone_at=gone_at)
        assert (1 in found(asked, "insect bite")) is there
        listed = asked.get("/summaries").json()["summaries"]
        assert (1 in [row["summary_id"] for row in listed]) is there
        assert len(installation.lake.select("select * from v_daily_summaries")) == 3 + there

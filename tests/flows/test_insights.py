"""The flow `insights`: real photos, a real lake, a scripted model over real sockets."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from deployments.cli.status import library_status
from flows.admin.libraries import register_library
from flows.engine.context import FlowContext, open_context
from flows.full_scan import full_scan
from flows.insights import insights
from flows.work.integrity import check_lake, retry_failures
from sql.lake import utc_now
from tasks.errors import MessagesUnavailable, ModelRefused, ModelUnavailable, UnknownLibrary
from tasks.models.embed import MiniLm
from tests.pictures import draw
from tests.serving.test_summaries import record
from tests.stand_ins.http_server import refusing_url
from tests.stand_ins.ollama import CHAT_MODEL, EMBED_MODEL, VISION_MODEL, Drop, Fail, OllamaStandIn, Say
from tests.stand_ins.sms import TOKEN, SmsStandIn


@pytest.fixture
def ollama() -> Iterator[OllamaStandIn]:
    with OllamaStandIn().running() as stand_in:
        yield stand_in


@pytest.fixture
def chosen(
    flow_context: FlowContext, library: Path, ollama: OllamaStandIn, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """Three photos of three summers, whose library is chosen, and a model that is there."""
    monkeypatch.setattr("flows.engine.drain.RETRY_DELAYS_SECONDS", [0.0, 0.0])
    for name, value in {
        "INSIGHT_LIBRARIES": "photos",
        "OLLAMA_PRIMARY_URL": ollama.url,
        "SUMMARY_TIME_ZONE": "Europe/Berlin",
    }.items():
        monkeypatch.setenv(name, value)
    for number, year in enumerate((2023, 2025, 2024), start=1):
        draw(library / f"{year}.jpg", number, size=(1600, 1200), taken=f"{year}:06:01 10:00:00")
    full_scan.fn()
    return monkeypatch


def written(name: str) -> list[Any]:
    """What the model is to say for one photo: the text, then its title."""
    return [Say([f"About {name}."]), Say([f"Title {name}"])]


def found(flow_context: FlowContext) -> list[tuple[str, str, str]]:
    rows = flow_context.lake.select("""
        select path, v_insights.title, made_by from v_insights join v_assets using (content_hash) order by insight_id
    """)
    return [(row["path"], row["title"], row["made_by"]) for row in rows]


def libraries() -> list[Any]:
    flow_context = open_context()
    return library_status(flow_context.lake, flow_context.settings)


def status(flow_context: FlowContext) -> dict[str, Any]:
    (row,) = libraries()
    return {stage["stage"]: stage for stage in row["stages"]}["insight"]


def failures(flow_context: FlowContext) -> list[Any]:
    return flow_context.lake.select(
        "select path, error_class, message, attempts from v_failures where stage = 'insight'"
    )


def test_newest_photos_come_first_and_no_more_than_a_tick_allows(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    chosen.setenv("INSIGHT_MAX_PER_TICK", "2")
    ollama.script += [*written("a"), *written("b"), *written("c")]
    assert insights.fn()["insights"] == 2
    assert found(flow_context) == [("2025.jpg", "Title a", "flow"), ("2024.jpg", "Title b", "flow")]
    assert status(flow_context) == {
        "stage": "insight", "engine": "local", "assets": 3, "done": 2, "backlog": 1, "failed": 0,
    }  # fmt: skip
    assert insights.fn()["insights"] == 1
    assert [path for path, _, _ in found(flow_context)][2:] == ["2023.jpg"]
    asked = len(ollama.requests)
    assert insights.fn()["insights"] == 0
    assert len(ollama.requests) == asked, "where nothing waits no model is woken"
    check_lake()


def test_what_the_flow_keeps_is_what_the_api_keeps(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    ollama.script += written("a")
    insights.fn(limit=1)
    (row,) = flow_context.lake.select("from insight")
    assert (row["backend"], row["model"], row["server"]) == ("local", CHAT_MODEL, ollama.url)
    assert row["account_id"] is None and row["prompt_version"]
    transcript = flow_context.lake.rows("ai/messages", conversation_id=row["conversation_id"])
    assert [one["role"] for one in transcript] == ["user", "assistant"]
    told = ollama.bodies("/api/chat")[0]
    assert "tools" not in told and '"taken_at": "2025-06-01T10:00:00"' in told["messages"][1]["content"]


def test_copies_of_a_picture_share_one_insight_and_a_deleted_one_is_not_written_again(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, library: Path, ollama: OllamaStandIn
) -> None:
    (library / "copy.jpg").write_bytes((library / "2025.jpg").read_bytes())
    full_scan.fn()
    ollama.script += [*written("a"), *written("b"), *written("c")]
    assert insights.fn()["insights"] == 3
    assert status(flow_context)["done"] == 4
    with flow_context.lake.write("deleted") as writer:
        writer.execute("update insight set deleted_at = $now", now=utc_now())
    assert insights.fn()["insights"] == 0 and found(flow_context) == []


def test_without_a_chosen_library_nobody_is_asked(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    chosen.delenv("INSIGHT_LIBRARIES")
    assert insights.fn()["insights"] == 0
    assert ollama.requests == [] and status(flow_context)["engine"] == "off"


def test_only_chosen_libraries_are_written_about_by_name_or_number(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, tmp_path: Path, ollama: OllamaStandIn
) -> None:
    draw(tmp_path / "other" / "a.jpg", 9)
    register_library(flow_context.lake, tmp_path / "other")
    full_scan.fn()
    chosen.setenv("INSIGHT_LIBRARIES", "2")
    ollama.script += written("a")
    assert insights.fn()["insights"] == 1
    assert found(flow_context)[0][0] == "a.jpg"
    chosen.setenv("INSIGHT_LIBRARIES", "photos, nowhere")
    with pytest.raises(UnknownLibrary, match="nowhere"):
        insights.fn()
    assert len(libraries()) == 2, "a misspelt name does not take the status along"


def test_model_that_is_not_there_ends_the_run_and_marks_nothing(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    chosen.setenv("OLLAMA_PRIMARY_URL", refusing_url())
    assert "nothing answers there" in insights.fn()["waiting_for"]
    with OllamaStandIn(models=[EMBED_MODEL]).running() as empty:
        chosen.setenv("OLLAMA_PRIMARY_URL", empty.url)
        assert f"ollama pull {CHAT_MODEL}" in insights.fn()["waiting_for"]
    assert failures(flow_context) == [] and found(flow_context) == []


def test_model_that_goes_away_in_the_middle_fails_the_run_and_keeps_what_was_written(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    ollama.script += [*written("a"), *[Fail(500, "out of memory")] * 4]
    with pytest.raises(ModelUnavailable):
        insights.fn()
    assert [path for path, _, _ in found(flow_context)] == ["2025.jpg"] and failures(flow_context) == []
    ollama.script += [*written("b"), *written("c")]
    assert insights.fn()["insights"] == 2


def test_photo_the_server_always_fails_at_keeps_no_other_waiting(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    ollama.script += [*[Fail(500, "out of memory")] * 2, *written("b"), *written("c")]
    numbers = insights.fn()
    assert (numbers["insights"], numbers["left"]) == (2, 1)
    assert [path for path, _, _ in found(flow_context)] == ["2024.jpg", "2023.jpg"] and failures(flow_context) == []


def test_photo_the_model_refuses_is_in_the_ledger_and_tried_again_when_asked(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    ollama.script += [Fail(400, "this picture breaks me"), *written("b"), Say(), Say()]
    numbers = insights.fn()
    assert (numbers["insights"], numbers["failed"]) == (1, 2)
    refused, empty = sorted(failures(flow_context), key=lambda row: row["path"], reverse=True)
    assert (refused["path"], refused["error_class"]) == ("2025.jpg", "NoInsight")
    assert "breaks me" in refused["message"] and "gave no answer" in empty["message"]
    assert insights.fn() | {"seconds": 0} == {"insights": 0, "failed": 0, "left": 0, "seconds": 0}
    assert (status(flow_context)["failed"], status(flow_context)["backlog"]) == (2, 0)
    assert retry_failures(flow_context, [], "insight") == 2
    ollama.script += [*written("a"), *written("c")]
    assert insights.fn()["insights"] == 2 and failures(flow_context) == []


def test_another_model_tries_again_what_the_first_one_refused(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    ollama.script += [Fail(400, "no"), *written("b"), *written("c")]
    insights.fn()
    with OllamaStandIn(written("a"), models=["llama3.2:3b"]).running() as other:
        chosen.setenv("OLLAMA_PRIMARY_URL", other.url)
        chosen.setenv("OLLAMA_PRIMARY_MODEL", "llama3.2:3b")
        assert insights.fn()["insights"] == 1


def test_model_that_refuses_everything_stops_the_run_before_it_condemns_the_library(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    ollama.script += [Fail(400, "invalid option num_ctx"), Say(), Say(), Fail(400, "invalid option num_ctx")]
    with pytest.raises(ModelRefused, match="3 photos in a row"):
        insights.fn()
    assert failures(flow_context) == [], "no photo is blamed for what the model does to all of them"


def test_answer_that_breaks_off_leaves_its_photo_for_later_and_does_not_hold_up_the_others(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    ollama.script += [Drop(["About"]), *written("b"), *written("c")]
    numbers = insights.fn()
    assert (numbers["insights"], numbers["left"]) == (2, 1)
    assert [path for path, _, _ in found(flow_context)] == ["2024.jpg", "2023.jpg"] and failures(flow_context) == []


def test_model_that_sees_gets_the_picture_and_another_one_its_description(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    with OllamaStandIn([Say(["A circle."]), *written("a")], models=[CHAT_MODEL, VISION_MODEL]).running() as two:
        chosen.setenv("OLLAMA_PRIMARY_URL", two.url)
        insights.fn(limit=1)
        seen, told, _ = two.bodies("/api/chat")
    assert seen["model"] == VISION_MODEL and long_edge(seen["messages"][0]) == 1024
    assert "images" not in told["messages"][1] and "A circle." in told["messages"][1]["content"]
    with OllamaStandIn(written("b"), models=[VISION_MODEL]).running() as sees:
        chosen.setenv("OLLAMA_PRIMARY_URL", sees.url)
        chosen.setenv("OLLAMA_PRIMARY_MODEL", VISION_MODEL)
        insights.fn(limit=1)
        told, _ = sees.bodies("/api/chat")
    assert long_edge(told["messages"][1]) == 1024 and "picture itself is attached" in told["messages"][1]["content"]


def long_edge(message: dict[str, Any]) -> int:
    (image,) = message["images"]
    with Image.open(io.BytesIO(base64.b64decode(image))) as picture:
        return max(picture.size)


def test_messages_around_the_photo_are_told_and_their_service_being_away_is_waited_for(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    sms = SmsStandIn()
    sms.add("Ada", "2025-06-01T09:40:00+02:00", "Ada", "We are at the lake. {photo}")
    sms.add("Ada", "2025-06-04T09:40:00+02:00", "Ada", "Days later.")
    chosen.setenv("SUMMARY_CONTACTS", "Ada")
    chosen.setenv("SMS_API_TOKEN", TOKEN)
    chosen.setenv("SMS_API_URL", refusing_url())
    with pytest.raises(MessagesUnavailable):
        insights.fn(limit=1)
    assert found(flow_context) == [] and failures(flow_context) == []
    with sms.running():
        chosen.setenv("SMS_API_URL", sms.url)
        ollama.script += written("a")
        insights.fn(limit=1)
    words = ollama.bodies("/api/chat")[0]["messages"][1]["content"]
    assert "- 2025-06-01 09:40, with Ada: Ada: We are at the lake. {photo}" in words and "Days later" not in words


def test_summaries_of_those_days_are_told_closest_first(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    days = [
        (1, "Ada", date(2025, 6, 2), "Ada was stung by a bee at the lake."),
        (2, "Bob", date(2025, 6, 1), "2025.jpg: Bob sent the picture."),
        (3, "Ada", date(2025, 6, 9), "Far too late."),
    ]
    record(flow_context.lake, MiniLm(), days)
    ollama.script += written("a")
    insights.fn(limit=1)
    words = ollama.bodies("/api/chat")[0]["messages"][1]["content"]
    first, second = words.index("with Bob [summary 2]"), words.index("with Ada [summary 1]")
    assert first < second and "Far too late" not in words


def test_insight_somebody_asked_for_meanwhile_stays_the_current_one(
    chosen: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.work import insight_writer

    original = insight_writer.record_insights

    def asked_meanwhile(flow_context: FlowContext, results: Any, message: str) -> None:
        (asset, _), *_ = results.written
        row = {"insight_id": 70 + asset.asset_id, "content_hash": asset.content_hash, "title": "asked for"}
        with flow_context.lake.write("somebody") as writer:
            writer.append("insight", [row])
        original(flow_context, results, message)

    monkeypatch.setattr("flows.insights.record_insights", asked_meanwhile)
    ollama.script += written("a")
    insights.fn(limit=1)
    assert [title for _, title, _ in found(flow_context)] == ["asked for"]

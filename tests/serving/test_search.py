"""GET /search over real files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.auth.accounts import add_user
from sql.lake import utc_now
from tests.serving.conftest import CHOSEN, PASSWORD, Installation, fill, logged_in, make_installation
from tests.serving.organised import organise


@pytest.fixture(scope="module")
def installation(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = make_installation(tmp_path_factory.mktemp("search"))
    fill(installation, media, CHOSEN)
    installation.scan()
    organise(installation)
    yield installation
    installation.lake.close()


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[TestClient]:
    with TestClient(create_app(installation.settings, installation.lake), raise_server_exceptions=False) as client:
        yield logged_in(client)


def found(client: TestClient, query: str = "", **parameters: Any) -> set[str]:
    answer = client.get("/search", params={"q": query, "limit": 1000, **parameters})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["total_count"] == len(body["photos"])
    return {photo["file_name"] for photo in body["photos"]}


@pytest.mark.parametrize(
    ("query", "file_name"),
    [
        ("ladybug", "ladybug.jpg"),
        ("LADYB", "ladybug.jpg"),
        ("marienkafer", "flash.jpg"),
        ("Marienkäfer", "flash.jpg"),
        ('"iphone 4"', "Apple iPhone 4.jpg"),
        ("パイナ", "パイナップル 🍍.jpg"),
        ("ナップ", "パイナップル 🍍.jpg"),
        ("folder:日本", "パイナップル 🍍.jpg"),
        ("keyword:marienkafer", "flash.jpg"),
        ("iceland country:is", "Iceland-P3.jpg"),
        ("ext:CR2", "1Ds_Mark_III.CR2"),
        ("ext:.nef", "D7100_head.NEF"),
        ("100%", "100% & #1 'quotes' [x] $y; semi+plus=eq.jpg"),
        ("type:raw camera:canon", "1Ds_Mark_III.CR2"),
    ],
)
def test_a_photo_is_found_by_what_is_known_of_it(client: TestClient, query: str, file_name: str) -> None:
    assert file_name in found(client, query)


def test_accents_typed_or_not_find_the_same(client: TestClient) -> None:
    assert found(client, "creme brulee") == found(client, "Crème Brûlée")
    assert len(found(client, "creme brulee")) == 1


def test_all_parts_must_hold_and_a_dash_turns_one_round(client: TestClient) -> None:
    everything, two = found(client), found(client, "folder:2012")
    assert len(everything) == len(CHOSEN)
    assert found(client, "-folder:2012") == everything - two
    assert found(client, "folder:2012 -ladybug") == two - {"ladybug.jpg"}
    assert found(client, "folder:2012 -folder:2012") == set()


def test_a_folder_is_a_whole_name_and_holds_what_is_below_it(client: TestClient) -> None:
    assert found(client, "folder:2012/summer") == {"Iceland-P3.jpg", "ladybug.jpg"}
    assert found(client, "folder:summer") == {"Iceland-P3.jpg", "ladybug.jpg"}
    assert found(client, "folder:201") == set()
    assert found(client, "folder:201*") == found(client, "folder:2012,2015,2018,2011")


def test_quotes_ask_for_words_beside_each_other(client: TestClient) -> None:
    assert "ladybug.jpg" in found(client, "summer 2012")
    assert found(client, '"summer 2012"') == set()
    assert found(client, '"2012 summer"') == {"Iceland-P3.jpg", "ladybug.jpg"}
    assert found(client, '"ladyb"') == set()


def test_dates_take_years_months_days_and_ranges(client: TestClient, installation: Installation) -> None:
    taken = {
        row["file_name"]: row["taken_at"]
        for row in installation.lake.select("select file_name, taken_at from v_assets where taken_at is not null")
    }
    years = {name for name, at in taken.items() if 2010 <= at.year <= 2012}
    assert found(client, "date:2010..2012") == found(client, "date:>=2010 date:<2013") == years
    one, at = next(iter(taken.items()))
    assert one in found(client, f"date:{at:%Y-%m}") & found(client, f"date:{at:%Y-%m-%d}")
    assert found(client, "date:..1990") == set()
    assert found(client, "-date:1900..") == set(found(client)) - set(taken)


def test_sizes_and_ratings_compare(client: TestClient, installation: Installation) -> None:
    sizes = {
        row["file_name"]: row["size_bytes"]
        for row in installation.lake.select("select file_name, size_bytes from v_assets")
    }
    assert found(client, "size:>1MB") == {name for name, size in sizes.items() if size > 1_000_000}
    assert found(client, "size:10kB..1MB") == {name for name, size in sizes.items() if 10_000 <= size <= 1_000_000}
    assert found(client, "size:0") == {"zero-byte.jpg"}
    assert found(client, "rating:>=1") | found(client, "rating:0") == set(sizes)


def test_a_place_is_found_around_a_position(client: TestClient) -> None:
    assert "Iceland-P3.jpg" in found(client, "near:65.05,-16.6,20km")
    assert found(client, "near:-65,163,1km") == set()
    assert found(client, "has:gps") == found(client, "near:0,0,20040km")


def test_filters_as_parameters_find_what_the_box_finds(client: TestClient) -> None:
    for key, value in {"camera": "canon", "folder": "2012/summer", "date": "2010..2012", "size": ">1MB", "ext": "jpg",
                       "country": "Iceland", "near": "65.05,-16.6,20km", "type": "video"}.items():  # fmt: skip
        assert found(client, **{key: value}) == found(client, f"{key}:{value}")
    assert found(client, camera="-canon") == found(client, "-camera:canon")
    assert found(client, "ladybug", media_type="video") == set()


def test_pages_follow_each_other_in_the_order_of_the_timeline(client: TestClient) -> None:
    timeline = [photo["asset_id"] for photo in client.get("/photos", params={"limit": 1000}).json()["photos"]]
    for sort, wanted in (("taken_at_desc", timeline), ("taken_at_asc", timeline[::-1])):
        seen: list[int] = []
        cursor: str | None = None
        while True:
            page = client.get(
                "/search", params={"limit": 5, "sort": sort, **({"cursor": cursor} if cursor else {})}
            ).json()
            assert page["total_count"] == len(timeline)
            seen += [photo["asset_id"] for photo in page["photos"]]
            cursor = page["next_cursor"]
            if not page["has_more"]:
                break
        assert seen == wanted
        assert cursor is None


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ('"open', "at character 1"),
        ("ladybug foo:bar", "at character 9: there is no filter 'foo'"),
        ("size:-5", "no size"),
        ("size:>", "neither"),
        ("size:5MB..1MB", "ends before"),
        ("size:99999999999999999999", "no size"),
        ("rating:6", "no rating"),
        ("rating:4..x", "no rating"),
        ("date:2012-13", "no date"),
        ("date:0000", "no date"),
        ("date:9999", "no date"),
        ("date:2014..2012", "ends before"),
        ("date:>..<", "neither"),
        ("near:nan,1", "no place"),
        ("near:91,0", "no place"),
        ("near:1,2,0", "no place"),
        ("near:1,2,-5km", "no place"),
        ("near:1", "no place"),
        ("near:1,2,3,4", "no place"),
        ("type:song", "no type"),
        ("library:nowhere", "no library"),
        ("is:blue", "is one of"),
        ("has:x", "is one of"),
        ("x" * 10_000, "at most 2000"),
    ],
)
def test_what_cannot_be_understood_is_refused(client: TestClient, query: str, said: str) -> None:
    answer = client.get("/search", params={"q": query})
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    "query",
    ["%", "_", "\\", "folder:%", "camera:_____", "camera:\\", "tag:*", "'; drop table timeline; --", "\x00", "🍍",
     "()[]{}", "folder:/", "-", "near:90,180", "near:-90,-180,20040km", "ext:.", "*", "Ⅷ", "İ", "ß", "e\u0301"],
)  # fmt: skip
def test_odd_texts_are_only_texts(client: TestClient, query: str) -> None:
    answer = client.get("/search", params={"q": query})
    assert answer.status_code == 200, answer.text
    assert client.get("/search/suggest", params={"q": query}).status_code == 200


def test_percent_and_underscore_are_no_wildcards(client: TestClient) -> None:
    assert found(client, "camera:%") == set()
    assert found(client, "folder:____") == set()


def test_bad_parameters_are_refused(client: TestClient) -> None:
    for parameters in ({"sort": "size"}, {"cursor": "x"}, {"camera": '"open'}, {"bbox": "1,2,3"}, {"bbox": "nan,0,0,0"},
                       {"date": ","}):  # fmt: skip
        assert client.get("/search", params=parameters).status_code == 400, parameters
    assert client.get("/search", params={"limit": 0}).status_code == 422
    assert client.get("/search", params={"min_size": -1}).status_code == 422


def test_completions_offer_filters_values_and_words(client: TestClient) -> None:
    def offered(query: str) -> dict[str, str]:
        answer = client.get("/search/suggest", params={"q": query}).json()["suggestions"]
        return {one["query"]: one["kind"] for one in answer}

    assert offered("ca")["camera:"] == "filter"
    assert offered("type:photo lady")["type:photo ladybug"] == "word"
    assert 'camera:"Apple iPhone 4"' in offered("camera:iphone")
    assert "-folder:2012/summer" in offered("-folder:summ")
    assert offered("country:ice") == {"country:Iceland": "country"}
    assert "rating:>=4" in offered("rating:")
    assert offered("nothing:x") == {}
    for query in offered("camera:"):
        assert found(client, query)
    assert client.get("/search/suggest", params={"q": "x" * 3000}).status_code == 400


def test_a_search_sees_what_was_said_of_a_photo_a_moment_ago(media: Path, tmp_path: Path) -> None:
    fresh = make_installation(tmp_path / "fresh")
    fill(fresh, media, CHOSEN[:4])
    fresh.scan()
    with TestClient(create_app(fresh.settings, fresh.lake), raise_server_exceptions=False) as client:
        logged_in(client)
        assert found(client, "beetle") == set()
        tagged = client.post("/image/tags", json={"path": "2012/summer/ladybug.jpg", "tag_name": "Käfer beetle"})
        assert tagged.status_code == 200, tagged.text
        assert found(client, "beetle") == found(client, 'tag:"kafer beetle"') == {"ladybug.jpg"}
        assert found(client, "tag:beetle") == set()
        hash_ = client.get("/photos", params={"path": "2012/summer"}).json()["photos"][0]["content_hash"]
        with fresh.lake.write("person") as writer:
            writer.append("person", [{"person_id": 1, "name": "Ada Lovelace"}])
            writer.append("face", [{"face_id": 1, "content_hash": hash_, "person_id": 1}])
        assert len(found(client, "person:ada")) == len(found(client, "lovelace")) == 1
        with fresh.lake.write("renamed") as writer:
            writer.execute("update person set name = 'Grace Hopper' where person_id = 1")
        assert found(client, "lovelace") == set()
        assert len(found(client, "hopper")) == 1
        with fresh.lake.write("gone") as writer:
            writer.execute("update asset set missing_since = $now where rel_path like '%ladybug%'", now=utc_now())
        client.app.state.context.replica.refresh()  # type: ignore[attr-defined]
        assert found(client, "ladybug") == set()
    fresh.lake.close()


def test_many_small_changes_are_put_together(media: Path, tmp_path: Path) -> None:
    fresh = make_installation(tmp_path / "many")
    fill(fresh, media, CHOSEN[:3])
    fresh.scan()
    shutil.copyfile(media / CHOSEN[4], fresh.root / "later.jpg")
    with TestClient(create_app(fresh.settings, fresh.lake), raise_server_exceptions=False) as client:
        logged_in(client)
        for number in range(30):
            client.post("/image/tags", json={"path": CHOSEN[number % 3], "tag_name": f"t{number}"}).raise_for_status()
            assert len(found(client, f"tag:t{number}")) == 1
        assert len(found(client)) == 3
        assert len(client.app.state.context.search.index.segments()) < 12  # type: ignore[attr-defined]
        fresh.scan()
        client.app.state.context.replica.refresh()  # type: ignore[attr-defined]
        assert found(client, "later") == {"later.jpg"}
    fresh.lake.close()


def told(installation: Installation, path: str, *insights: tuple[str, str]) -> str:
    """Insights of a photo as a model writes them, the last one counts; returns its content hash."""
    content_hash: str = installation.lake.select("select content_hash from v_assets where path = $path", path=path)[0][
        "content_hash"
    ]
    with installation.lake.write("insight") as writer:
        first = writer.next_id("insight", "insight_id")
        writer.append("insight", [
            {"insight_id": number, "content_hash": content_hash, "title": title, "summary": summary,
             "generated_at": utc_now()}
            for number, (title, summary) in enumerate(insights, start=first)
        ])  # fmt: skip
    return content_hash


def test_owner_finds_photos_by_their_insight_and_a_viewer_never_does(
    installation: Installation, client: TestClient
) -> None:
    assert found(client, "zeppelin") == set()
    told(
        installation,
        "2012/summer/ladybug.jpg",
        ("Quarrel", "old"),
        ("A zeppelin passes", "Aunt Mathilda's divorce, 天気"),
    )
    viewer = TestClient(client.app)
    add_user(installation.lake, "guest", PASSWORD, role="viewer")
    client.app.state.context.replica.refresh()  # type: ignore[attr-defined]
    token = viewer.post("/login", json={"username": "guest", "password": PASSWORD}).json()["token"]
    viewer.headers["Authorization"] = f"Bearer {token}"
    for query in ("zeppelin", "zepp divorce", '"a zeppelin passes"', '"zeppelin"', "気", "ladybug zeppelin"):
        assert found(client, query) == {"ladybug.jpg"}, query
        assert found(viewer, query) == set(), query
    assert found(client, "quarrel") == set(), "another insight counts now"
    assert "ladybug.jpg" not in found(client, "-zeppelin")
    assert found(viewer, "ladybug -zeppelin") == {"ladybug.jpg"}, "what is left out would tell as well"
    for asking in (client, viewer):
        for typed in ("zepp", "divor", "insight:z"):
            assert asking.get("/search/suggest", params={"q": typed}).json()["suggestions"] == []
    with installation.lake.write("deleted") as writer:
        writer.execute("update insight set deleted_at = $now", now=utc_now())
    assert found(client, "zeppelin") == set()

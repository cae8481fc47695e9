"""The replica: kept up with the lake, in small steps and large ones, and never seen half-way."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from serving.listing.cursor import Sort, parsed_cursor
from serving.listing.timeline import Conditions, read_page
from serving.replica import load as replica_load
from serving.replica.replica import Replica
from sql.lake import Lake, LakeError, utc_now
from tests.lakes import migrated_lake
from tests.waiting import wait_until

TOTAL = 3_000


def add_assets(lake: Lake, first: int, count: int, *, day: int = 0) -> None:
    """Assets with everything a scan finds, a few hours apart."""
    rows = f"from range({first}, {first + count}) numbers(i)"
    with lake.write("assets") as writer:
        writer.execute(f"""insert into asset by name select i as asset_id, 1 as library_id,
            format('{{}}/{{:07}}.jpg', i % 7, i) as rel_path, 'photo' as media_type, 'image/jpeg' as mime_type,
            1000 + i as size_bytes, 1500000000000000000 + i as mtime_ns, '' as sidecar, '' as sidecar_version {rows}""")
        writer.execute(f"""insert into fingerprint by name select i as asset_id, 1000 + i as size_bytes,
            1500000000000000000 + i as mtime_ns, md5(i::varchar) as content_hash {rows}""")
        writer.execute(f"""insert into metadata by name select i as asset_id, md5(i::varchar) as content_hash,
            timestamp '2001-01-01' + to_hours(({day} * 24 + hash(i) % 50000)::integer) as taken_at {rows}""")


@pytest.fixture
def lake(tmp_path: Path) -> Any:
    with migrated_lake(tmp_path / "lake") as lake:
        with lake.write() as writer:
            writer.append("library", [{"library_id": 1, "name": "photos", "root_path": "/photos"}])
        yield lake


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the loads of everything."""
    seen: list[int] = []
    whole = replica_load.load_snapshot

    def counted(lake: Lake) -> Any:
        seen.append(1)
        return whole(lake)

    monkeypatch.setattr("serving.replica.replica.load_snapshot", counted)
    return seen


def state(replica: Replica) -> dict[str, Any]:
    """All that clients can see, in order."""
    copy = replica.current
    return {
        "timeline": copy.select("select * from timeline order by asset_id"),
        "tags": copy.select(
            "select asset_id, tag_set.tag_ids from timeline left join tag_set using (tag_key) order by asset_id"
        ),
        "folder": copy.select("select library_id, folder, photos from folder order by all"),
        "failure": copy.select("select * from failure order by all"),
        "derivative": copy.select("select * from derivative order by all"),
        "months": copy.months,
        "photos": copy.photos,
        "accounts": copy.accounts,
        "libraries": copy.libraries,
    }


def test_a_new_lake_is_an_empty_replica(lake: Lake) -> None:
    copy = Replica(lake).current
    assert (copy.photos, copy.months, copy.accounts) == (0, [], {})


def test_whatever_happens_to_the_lake_small_steps_lead_to_the_same_copy_as_a_new_one(
    lake: Lake, loads: list[int]
) -> None:
    add_assets(lake, 1, TOTAL)
    replica = Replica(lake)
    now = utc_now()
    steps: list[tuple[str, str]] = [
        ("new", ""),
        ("missing", f"update asset set missing_since = timestamp '{now}' where asset_id % 100 = 3"),
        ("back", "update asset set missing_since = null where asset_id = 103"),
        ("moved", "update asset set rel_path = 'elsewhere/x.jpg' where asset_id = 5"),
        ("edited", "update asset set size_bytes = 1 where asset_id = 6"),
        ("described", "update metadata set camera_model = 'X', latitude = 1, longitude = 2 where asset_id = 8"),
        ("redated", "update metadata set taken_at = timestamp '1950-01-01' where asset_id in (9, 10)"),
        ("deleted", "delete from metadata where asset_id = 11"),
        ("failed", "insert into failure by name select 12 as asset_id, 'thumbnail' as stage, 'no' as message"),
        ("healed", "delete from failure where asset_id = 12"),
        ("thumbnail", "insert into derivative by name select 13 as asset_id, md5('13') as content_hash, "
                      "'thumbnail' as kind, 'a.jpg' as file, 'abc'::blob as thumbhash"),
        ("large", "insert into derivative by name select 13 as asset_id, md5('13') as content_hash, "
                  "'large' as kind, 'b.jpg' as file"),
        ("live still", "update metadata set content_id = 'L' where asset_id = 14"),
        ("live video", "update metadata set content_id = 'L' where asset_id = 21"),
        ("by content", "update fingerprint set media_type = 'video' where asset_id = 21"),
        ("live clip", "insert into derivative by name select 21 as asset_id, md5('21') as content_hash, "
                      "'preview_clip' as kind, 'c.mp4' as file"),
        ("second video", "update fingerprint set media_type = 'video' where asset_id = 7"),
        ("earlier video", "update metadata set content_id = 'L' where asset_id = 7"),
        ("earlier gone", f"update asset set missing_since = timestamp '{now}' where asset_id = 7"),
        ("still away", "update asset set rel_path = 'elsewhere/y.jpg' where asset_id = 14"),
        ("still back", "update asset set rel_path = '0/y.jpg' where asset_id = 14"),
        ("other picture", "update metadata set content_id = 'M' where asset_id = 14"),
        ("stream", "insert into derivative by name select 21 as asset_id, md5('21') as content_hash, "
                   "'hls' as kind, 'd/playlist.m3u8' as file"),
        ("tagged", "insert into photo_tag by name select md5(i::varchar) as content_hash, 1 + i % 2 as tag_id "
                   "from range(20, 30) numbers(i)"),
        ("tagged twice", "insert into photo_tag by name select md5('22') as content_hash, 9 as tag_id"),
        ("no longer", "delete from photo_tag where content_hash in (md5('20'), md5('21'))"),
        ("tagged and moved", "update asset set rel_path = 'elsewhere/z.jpg' where asset_id = 22"),
        ("account", "insert into account by name select 1 as account_id, 'ada' as name"),
        ("flushed", "call ducklake_flush_inlined_data('lake')"),
        ("elsewhere", "insert into run by name select 'r' as run_id"),
    ]  # fmt: skip
    for name, text in steps:
        if text:
            with lake.write(name) as writer:
                writer.execute(text)
        else:
            add_assets(lake, TOTAL + 1, 50, day=3)
        replica.refresh()
        assert replica.current.snapshot_id == lake.snapshot_id(), name
        assert len(loads) == 1, name
        assert state(replica) == state(_another(lake)), name


def test_a_live_photo_is_one_photo_from_the_moment_its_other_half_is_known(lake: Lake) -> None:
    add_assets(lake, 1, 60)
    replica = Replica(lake)
    assert replica.current.photos == 60
    with lake.write() as writer:
        writer.execute("update metadata set content_id = 'L' where asset_id in (14, 21)")
        writer.execute("update fingerprint set media_type = 'video' where asset_id = 21")
    copy = replica.refresh()
    assert copy.photos == sum(row["photos"] for row in copy.rows("replica/folders")) == 59
    pair = "select live_video, live_video_of from timeline where asset_id in (14, 21) order by asset_id"
    assert copy.select(pair) == [{"live_video": 21, "live_video_of": None}, {"live_video": None, "live_video_of": 14}]
    paired = "coalesce(live_video, live_video_of) is not null"
    shown = f"select asset_id, live_video, live_video_of from {{}} where {paired} order by 1"
    assert copy.select(shown.format("timeline")) == lake.select(shown.format("v_assets"))
    with lake.write() as writer:
        writer.execute("update asset set missing_since = timestamp '2020-01-01' where asset_id = 14")
    assert replica.refresh().photos == 59  # the still is gone, its video is a video again
    assert replica.current.select(pair) == [{"live_video": None, "live_video_of": None}]


def _another(lake: Lake) -> Replica:
    replica = Replica.__new__(Replica)
    replica._current = replica_load.load_snapshot(lake)
    return replica


def test_a_large_change_builds_a_new_copy(lake: Lake, loads: list[int]) -> None:
    replica = Replica(lake)
    add_assets(lake, 1, 2 * TOTAL)
    replica.refresh()
    assert len(loads) == 2
    assert replica.current.photos == 2 * TOTAL


def test_a_renamed_library_is_renamed_everywhere(lake: Lake) -> None:
    add_assets(lake, 1, 10)
    replica = Replica(lake)
    with lake.write() as writer:
        writer.execute("update library set name = 'pictures'")
    replica.refresh()
    assert replica.current.select("select distinct library from timeline") == [{"library": "pictures"}]
    assert replica.current.libraries[0]["name"] == "pictures"


def test_snapshots_that_expired_lead_to_a_new_copy(lake: Lake, loads: list[int]) -> None:
    replica = Replica(lake)
    for number in range(3):
        add_assets(lake, 1 + number * 10, 10)
    with lake.write() as writer:
        writer.execute("call ducklake_expire_snapshots('lake', older_than => now() + interval 1 day)")
    replica.refresh()
    assert replica.current.photos == 30


def test_a_reader_sees_one_state_while_changes_arrive(lake: Lake) -> None:
    add_assets(lake, 1, 500)
    replica = Replica(lake)
    stop = threading.Event()
    wrong: list[tuple[int, int, int]] = []

    def read() -> None:
        while not stop.is_set():
            with replica.current.reading() as reader:
                rows = reader.value("select count(*) from timeline")
                folders = reader.value("select sum(photos) from folder")
                again = reader.value("select count(*) from timeline")
            if not rows == folders == again:
                wrong.append((rows, folders, again))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in readers:
        thread.start()
    for number in range(8):
        add_assets(lake, 1000 + number * 20, 20)
        replica.refresh()
    stop.set()
    for thread in readers:
        thread.join()
    assert wrong == []
    assert replica.current.photos == 500 + 160


def test_a_lake_out_of_reach_keeps_the_present_copy_and_says_so(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    add_assets(lake, 1, 10)
    replica = Replica(lake)

    def broken() -> int:
        raise LakeError("disk on fire")

    monkeypatch.setattr(lake, "snapshot_id", broken)
    with pytest.raises(LakeError, match="disk on fire"):
        replica.refresh()
    assert replica.error == "disk on fire"
    assert replica.current.photos == 10
    monkeypatch.undo()
    replica.refresh()
    assert replica.error is None


def test_the_thread_sees_what_others_wrote(lake: Lake) -> None:
    replica = Replica(lake, poll_seconds=0.02)
    replica.start()
    try:
        add_assets(lake, 1, 5)
        assert wait_until(lambda: replica.current.photos == 5)
    finally:
        replica.stop()


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("library_id", [None, 1])
def test_bounded_pages_are_the_same_as_the_whole_order(lake: Lake, descending: bool, library_id: int | None) -> None:
    add_assets(lake, 1, TOTAL)
    copy = Replica(lake).current
    direction = "desc" if descending else "asc"
    expected = [
        row["asset_id"]
        for row in copy.select(f"select asset_id from timeline order by order_at {direction}, asset_id {direction}")
    ]
    sort, seen, cursor = Sort("taken_at", descending), [], None
    conditions = Conditions()
    conditions.library(library_id)
    with copy.reading() as reader:
        while True:
            page = read_page(copy, reader, conditions, sort, limit=170, cursor=cursor, library_id=library_id)
            seen += [int(photo.split('"asset_id":')[1].split(",")[0]) for photo in page.photos]
            if page.next_cursor is None:
                break
            cursor = parsed_cursor(page.next_cursor, sort)
    assert seen == expected


def test_the_bound_leaves_out_most_of_a_long_timeline(lake: Lake) -> None:
    add_assets(lake, 1, TOTAL)
    copy = Replica(lake).current
    start = copy.months[len(copy.months) // 2]["month"]
    bound = copy.bound(start, 101, None, newest_first=True)
    assert bound is not None
    kept = copy.select(
        "select count(*) as n from timeline where order_at <= $start and order_at >= $bound::timestamp",
        start=start, bound=bound,
    )[0]["n"]  # fmt: skip
    assert 101 <= kept < TOTAL / 5
    assert copy.bound(start, TOTAL, None, newest_first=True) is None

"""What is in the lake is seen within seconds, whatever size the replica has and whatever it is doing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from serving.replica import load as replica_load
from serving.replica.replica import LATEST_SECONDS, PARTIAL_ROWS, Replica, pause_after
from sql.lake import Lake
from tests.serving.test_replica import TOTAL, add_assets, lake

__all__ = ["lake"]  # a fixture


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not seen():
        assert time.monotonic() < deadline, "never seen"
        threading.Event().wait(0.02)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.2, 0.4, 0.9])
def test_a_pause_and_the_refresh_after_it_are_within_the_bound(seconds: float) -> None:
    assert pause_after(seconds, 1.0) + seconds <= LATEST_SECONDS
    assert pause_after(seconds, 1.0) >= 1.0


@pytest.mark.parametrize("seconds", [3.0, 8.0, 600.0])
def test_a_full_load_however_long_does_not_put_off_the_next_look(seconds: float) -> None:
    assert pause_after(seconds, 1.0) == 1.0


def test_what_is_committed_while_a_new_copy_is_built_is_seen_meanwhile(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_assets(lake, 1, TOTAL)
    replica = Replica(lake, poll_seconds=0.02)
    whole, begun, go_on = replica_load.load_snapshot, threading.Event(), threading.Event()

    def slow(lake: Lake) -> Any:
        copy = whole(lake)
        begun.set()
        assert go_on.wait(240)
        return copy

    monkeypatch.setattr("serving.replica.replica.load_snapshot", slow)
    replica.start()
    try:
        total = TOTAL
        while not begun.is_set():  # commits as of a scan, until so much has changed that a new copy is begun
            add_assets(lake, total + 1, PARTIAL_ROWS // 2)
            total += PARTIAL_ROWS // 2
            until(lambda wanted=total: replica.current.photos == wanted or begun.is_set())  # type: ignore[misc]
            assert total < 20 * PARTIAL_ROWS
        add_assets(lake, total + 1, 10)
        until(lambda: replica.current.photos == total + 10)
        assert replica.current.disorder > PARTIAL_ROWS
        go_on.set()
        add_assets(lake, total + 11, 10)
        until(lambda: replica.current.disorder < PARTIAL_ROWS and replica.current.photos == total + 20)
        newest_first = replica.current.select("select asset_id from timeline order by asset_id")
        assert [row["asset_id"] for row in newest_first] == list(range(1, total + 21))
    finally:
        go_on.set()
        replica.stop()


def test_a_new_library_needs_no_new_copy(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    add_assets(lake, 1, 10)
    replica = Replica(lake)
    monkeypatch.setattr("serving.replica.replica.load_snapshot", lambda _: pytest.fail("loaded everything again"))
    with lake.write() as writer:
        writer.append("library", [{"library_id": 2, "name": "second", "root_path": "/second"}])
        writer.execute("update library set name = 'first' where library_id = 1")
    replica.refresh()
    assert [row["name"] for row in replica.current.libraries] == ["first", "second"]
    assert replica.current.select("select distinct library from timeline") == [{"library": "first"}]

"""A scan goes on while the machine is busy and the catalog is now and then locked."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from flows.engine import drain
from flows.engine.context import FlowContext
from flows.full_scan import full_scan
from sql.lake import Lake, LakeError
from tests.bench.scan_under_load_bench import busy_loops, darkroom, environment, failures_known, make_broken_files
from tests.pictures import draw
from tests.postgres import postgres_server

FILES = 300  # more than a batch


def test_batch_whose_commit_failed_is_recorded_all_the_same(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "RETRY_DELAYS_SECONDS", [0.0, 0.0])
    for number in range(3):
        draw(library / f"{number}.jpg", number)
    real_write, failures = Lake.write, iter(["the lake cannot be written (database is locked)"])

    def write(lake: Lake, message: str = "") -> object:
        if message.startswith("hash: "):
            for failure in failures:
                raise LakeError(failure)
        return real_write(lake, message)

    monkeypatch.setattr(Lake, "write", write)
    assert full_scan.fn()["thumbnails"] == 3
    assert next(failures, None) is None, "it was played"
    assert len(flow_context.lake.select("from fingerprint")) == 3


@pytest.mark.parametrize("catalog", ["sqlite", "postgresql"])
def test_scan_beside_busy_processes_ends_well(tmp_path: Path, catalog: str) -> None:
    """With 20,000 files and 8 loops, ten times on each: tests/bench/scan_under_load_bench.py."""
    make_broken_files(tmp_path / "photos", FILES)
    with postgres_server() if catalog == "postgresql" else nullcontext("") as url, busy_loops(3):
        env = environment(tmp_path / "home", url)
        done = darkroom("scan", str(tmp_path / "photos"), env=env)
        assert done.returncode == 0, done.stderr
        assert failures_known(env) == FILES

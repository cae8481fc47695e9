"""
Every flow but the scan is this: read a backlog, do the work in batches, append the results.

The lake says what is left to do, so a run can be stopped anywhere and started again. A batch is one Prefect task run
and one commit; without Prefect (the command line) it is a plain call.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, Protocol, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.engine.context import FlowContext
from flows.engine.progress import current_flow_run
from flows.engine.run_logs import lines_left, log_batch
from flows.engine.runners import batches_ahead
from sql.lake import LakeError, LakeLocked
from tasks.asset import Asset, Results
from tasks.errors import TransientError

FIRST_BATCH_FILES = 32  # so that the first rows can be queried within seconds
PAGE_FILES = 20_000  # of a backlog held in memory
FLUSH_EVERY_BATCHES = 40
_LOOK_SECONDS = 0.05  # between looks at batches that may end in any order
RETRY_DELAYS_SECONDS = [2.0, 10.0, 60.0]
LOG = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(slots=True)
class DrainReport:
    """What came of a backlog."""

    stage: str
    done: int = 0
    failed: int = 0
    left: int = 0
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    contact_sheet: list[bytes] = field(default_factory=list)
    row_type: type[Asset] = Asset
    seen: dict[int, int] = field(default_factory=dict)  # assets looked at, and in which version
    stopped_early: bool = False  # of a page of files none could be done: those after it were not looked at

    def add(self, results: Results) -> None:
        self.done += results.done
        self.failed += results.failed
        self.left += results.left
        for name, by in results.counts.items():
            self.counts[name] = self.counts.get(name, 0) + by
        self.contact_sheet = (self.contact_sheet + results.contact_sheet)[:24]

    def numbers(self) -> dict[str, Any]:
        return {column.name: getattr(self, column.name) for column in fields(self) if column.name not in _NO_NUMBERS}

    def is_new(self, asset: Asset) -> bool:
        """Whether nobody looked at it in this run, or it has changed since."""
        return self.seen.get(asset.asset_id) != _version(asset)


def _version(asset: Asset) -> int:
    return hash((asset.content_hash, asset.stat_version, asset.sidecar_version))


_NO_NUMBERS = {"contact_sheet", "row_type", "seen", "stopped_early"}


class Work(Protocol):
    """Results of a batch; raises only TransientError and IntegrityError."""

    def __call__(self, batch: Sequence[Asset], /) -> Results: ...


Recorder = Callable[[FlowContext, Results, str], None]


def drain(
    context: FlowContext,
    backlog: str,
    work: Work,
    *,
    library: str = "all",
    limit: int | None = None,
    batch_files: int = 256,
    batch_bytes: int = 512 << 20,
    at_once: int | None = None,
    row_type: type[Asset] = Asset,
    recorder: Recorder | None = None,
    report: DrainReport | None = None,
    **parameters: Any,
) -> DrainReport:
    """
    Work through `sql/backlog/<backlog>.sql`.

    Args:
        limit: Stop after this many files done; failures do not use it up. None: all there are.
        batch_files, batch_bytes: Where a batch ends: 10 to 30 s of work, and not more bytes than memory likes.
        at_once: Batches under way at a time, recorded as each is done; None for one, and the next one ahead.
        row_type: What a row of the backlog is made into, where it has columns of its own.
        recorder: Commits a batch, where its rows depend on what is known by then.
        report: A new one of this backlog and row type, for who wants to know what was done even when this raises.
        parameters: Of the backlog query.
    Raises:
        TransientError: A service stayed away through all retries; nothing was recorded about its batch.
    """
    report = report or DrainReport(backlog, row_type=row_type)
    started = time.monotonic()
    progress = context.progress()
    with _BatchRunner(report, work, at_once or 1) as submit:
        ahead = max(batches_ahead(), at_once - 1) if at_once else batches_ahead()
        while page := _page(context, backlog, library, limit, report, row_type, parameters):
            if len(report.seen) == len(
                page
            ):  # the first: nobody counts an empty backlog, once a minute, over 200 k files
                progress.start(backlog, _backlog_size(context, backlog, library, limit, parameters))
            before = report.done + report.failed
            batches = split(page, batch_files, batch_bytes)
            for batch_number, (batch, results) in enumerate(_run(submit, batches, ahead, in_order=at_once is None), 1):
                message = f"{backlog}: {results.done} done, {results.failed} failed"
                _with_retries(partial(recorder or record, context, results, message))
                report.add(results)
                progress.advance(len(batch), results.failed)
                if batch_number % FLUSH_EVERY_BATCHES == 0:
                    _with_retries(context.lake.flush)
            if report.done + report.failed == before:
                report.stopped_early = True
                break  # all that is left is files somebody is still writing
    progress.finish()
    report.seconds = round(time.monotonic() - started, 3)
    return report


def split(assets: Sequence[Asset], batch_files: int, batch_bytes: int) -> Iterator[list[Asset]]:
    """Batches of at most so many files and (but for a single large one) bytes; the first is short."""
    batch: list[Asset] = []
    size, allowed = 0, min(FIRST_BATCH_FILES, batch_files)
    for asset in assets:
        if batch and (len(batch) >= allowed or size + asset.size_bytes > batch_bytes):
            yield batch
            batch, size, allowed = [], 0, batch_files
        batch.append(asset)
        size += asset.size_bytes
    if batch:
        yield batch


def record(context: FlowContext, results: Results, message: str) -> None:
    """One commit a batch."""
    if results.rows or results.cleared:
        with context.lake.write(message) as writer:
            writer.record(results.rows, results.cleared, context.run_id)


def _backlog_size(
    context: FlowContext, backlog: str, library: str, limit: int | None, parameters: dict[str, Any]
) -> int:
    size = context.lake.count(f"backlog/{backlog}", library=library, row_limit=1 << 40, **parameters)
    return size if limit is None else min(size, limit)


def _page(
    context: FlowContext,
    backlog: str,
    library: str,
    limit: int | None,
    report: DrainReport,
    row_type: type[Asset],
    parameters: dict[str, Any],
) -> list[Asset]:
    """The next files nobody looked at in this run: what failed transiently or is being written stays in the backlog."""
    wanted = PAGE_FILES if limit is None else min(PAGE_FILES, limit - report.done)
    if wanted <= 0:
        return []
    row_limit = wanted + report.left
    rows = context.lake.rows(f"backlog/{backlog}", library=library, row_limit=row_limit, **parameters)
    page = [asset for asset in (row_type(**row) for row in rows) if report.is_new(asset)][:wanted]
    report.seen.update((asset.asset_id, _version(asset)) for asset in page)
    return page


def _run(
    submit: Callable[[list[Asset]], Any], batches: Iterator[list[Asset]], ahead: int, *, in_order: bool
) -> Iterator[tuple[list[Asset], Results]]:
    """Batches with their results, the next always under way: its decoding hides the commit of this one."""
    waiting: deque[tuple[list[Asset], Any]] = deque()
    for batch in batches:
        waiting.append((batch, submit(batch)))
        if len(waiting) > ahead:
            done, future = _next(waiting, in_order)
            yield done, future.result()
    while waiting:
        done, future = _next(waiting, in_order)
        yield done, future.result()


def _next(waiting: deque[tuple[list[Asset], Any]], in_order: bool) -> tuple[list[Asset], Any]:
    """The first batch, or whichever is done first: a short film is not kept waiting by a long one."""
    while not in_order:
        for number, (_, future) in enumerate(waiting):
            if _is_done(future):
                found = waiting[number]
                del waiting[number]
                return found
        time.sleep(_LOOK_SECONDS)
    return waiting.popleft()


def _is_done(future: Any) -> bool:
    """Prefect's futures wrap one of the runner's; what cannot be asked is waited for in its turn."""
    inner = getattr(future, "wrapped_future", future)
    return not hasattr(inner, "done") or bool(inner.done())


class OpaqueBatch:
    """A batch as one opaque thing: Prefect would look through a list of dataclasses for futures, one by one."""

    def __init__(self, files: list[Asset]) -> None:
        self.files = files


class _BatchRunner:
    """Submits batches: as Prefect task runs inside a flow run, else to threads of our own."""

    def __init__(self, report: DrainReport, work: Work, threads: int) -> None:
        self._report, self._work, self._threads = report, work, threads
        self._pool: ThreadPoolExecutor | None = None
        self._batches = 0

    def __enter__(self) -> Callable[[list[Asset]], Any]:
        if current_flow_run() is not None:
            return self._submit_task
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="batch")
        return self._submit_call

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _submit_call(self, batch: list[Asset]) -> Any:
        assert self._pool is not None
        return self._pool.submit(_with_retries, partial(self._work, batch))

    def _submit_task(self, batch: list[Asset]) -> Any:
        self._batches += 1
        work, lines = self._work, lines_left(self._report.failed)

        def run_batch(parcel: OpaqueBatch) -> Results:
            started = time.monotonic()
            results = work(parcel.files)
            log_batch(len(parcel.files), results, time.monotonic() - started, lines)
            return results

        prefect_task = task(
            name=self._report.stage,
            task_run_name=_named(self._report.stage, self._batches, batch),
            retries=len(RETRY_DELAYS_SECONDS),
            retry_delay_seconds=RETRY_DELAYS_SECONDS,
            retry_condition_fn=_is_transient,
            cache_policy=NO_CACHE,
            persist_result=False,
        )(run_batch)
        return prefect_task.submit(OpaqueBatch(batch))


def _named(stage: str, number: int, batch: list[Asset]) -> str:
    what = batch[0].rel_path if len(batch) == 1 else f"{len(batch)} files from {batch[0].rel_path}"
    return f"{stage} {number}: {what}"[:200]


def _with_retries(work: Callable[[], T]) -> T:
    """What Prefect's retries do, for runs without Prefect and for commits, which no task run makes."""
    for delay in RETRY_DELAYS_SECONDS[:-1]:
        try:
            return work()
        except (TransientError, LakeError) as exc:
            LOG.warning("tried again in %.0f s: %s", delay, exc)
            time.sleep(delay)
    return work()


def _is_transient(_task: Any, _run: Any, state: Any) -> bool:
    """Only a service that failed is worth trying again."""
    exception = state.result(raise_on_failure=False)
    return isinstance(exception, (TransientError, LakeLocked))

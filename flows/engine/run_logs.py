"""What a run says in its log: a line for each batch, and one for each file that failed, up to a bound."""

from __future__ import annotations

from collections.abc import Sequence

from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging import get_run_logger

from tasks.asset import Problem, Results
from tasks.files.names import printable

LOGGED_PER_BATCH = 50
LOGGED_PER_RUN = 1_000  # a line is a row of Prefect's database: 200,000 broken files must not write 200,000
_LINE_CHARS = 500


def lines_left(failed: int) -> int:
    """How many failures the next batch may name, of a run in which *failed* files have failed."""
    return max(0, min(LOGGED_PER_BATCH, LOGGED_PER_RUN - failed))


def log_batch(files: int, results: Results, seconds: float, lines: int) -> None:
    """In a task run: what came of its batch, then the files that failed. Args: lines: At most so many of these."""
    counted = {"done": results.done, "failed": results.failed, "left for the next run": results.left}
    outcome = ", ".join(f"{count:,} {name}" for name, count in counted.items() if count) or "nothing to do"
    rate = f"{files / seconds:,.1f} files/s" if seconds else "at once"
    get_run_logger().info("%s of %s files in %.1f s: %s", outcome, f"{files:,}", seconds, rate)
    log_problems(results.problems, lines)


def log_problems(problems: Sequence[Problem], lines: int = LOGGED_PER_BATCH) -> None:
    """A warning for each of the first *lines* problems, and one that says how many more there are."""
    if not problems or not _is_prefect_run():
        return
    logger = get_run_logger()
    for problem in problems[:lines]:
        logger.warning("%s", printable(f"{problem.path}: {problem.stage}: {problem.reason}")[:_LINE_CHARS])
    if len(problems) > lines:
        more = "more files" if lines else "files"
        logger.warning("%s %s failed; `darkroom failures` lists them all", f"{len(problems) - lines:,}", more)


def _is_prefect_run() -> bool:
    """On a cluster a task run knows its flow run by number only."""
    return FlowRunContext.get() is not None or TaskRunContext.get() is not None

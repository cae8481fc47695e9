"""One statement in a process of its own: started, fed with the views it needs, and killed when its time is over."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import orjson
import pyarrow as pa

from tasks.errors import InvalidQuery

WORKER = Path(__file__).with_name("catalog_worker.py")


@dataclass(frozen=True, slots=True)
class SqlLimits:
    """
    Args:
        characters: Of all cells together.
        seconds: For all of it, reading the views included.
        memory_mb: What DuckDB may hold: the columns that the statement names, and what it makes of them.
        address_space_mb: Of the process, which DuckDB's memory is a part of.
    """

    rows: int = 200
    characters: int = 20_000
    seconds: float = 10.0
    memory_mb: int = 512
    address_space_mb: int = 3_072


class Views(Protocol):
    """The documented views of the catalog."""

    def columns(self) -> Mapping[str, Sequence[str]]:
        """Column names by view."""
        ...

    def reader(self, view: str, columns: Sequence[str]) -> AbstractContextManager[pa.RecordBatchReader]:
        """All rows of these columns, a batch at a time."""
        ...

    def interrupt(self) -> None:
        """End the reading under way, which raises; called from another thread."""
        ...


class SqlProcess:
    """
    Runs one statement. Rows go from the lake to the process in batches: this one never holds a view.

    `run` blocks and belongs on a thread; `stop`, from any other, ends it.
    """

    def __init__(self, limits: SqlLimits) -> None:
        self._limits = limits
        self._stopped = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._reading: Views | None = None

    def stop(self) -> None:
        self._stopped.set()
        if self._reading is not None:
            self._reading.interrupt()
        if self._process is not None:
            self._process.kill()

    def run(self, statement: str, wanted: Mapping[str, Sequence[str]], views: Views) -> dict[str, Any]:
        """
        Args:
            wanted: Columns by view.
        Returns:
            `columns`, `rows` and `cut`, or `error`.
        Raises:
            InvalidQuery: It took too much time or memory.
        """
        deadline = threading.Timer(self._limits.seconds, self.stop)
        deadline.daemon = True
        deadline.start()
        try:
            said, code = self._answer(statement, wanted, views)
        finally:
            deadline.cancel()
        if self._stopped.is_set():
            raise InvalidQuery(f"the query took longer than {self._limits.seconds:g} s and was stopped")
        if code != 0:
            raise InvalidQuery("the query needs more memory than it may have")
        found: dict[str, Any] = orjson.loads(said)
        return found

    def _answer(self, statement: str, wanted: Mapping[str, Sequence[str]], views: Views) -> tuple[bytes, int]:
        """What the process wrote, and its exit status."""
        header = {"query": statement, "tables": list(wanted), **asdict(self._limits)}
        with subprocess.Popen(
            [sys.executable, "-I", str(WORKER)], env={},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            self._process = process
            if self._stopped.is_set():
                process.kill()
            assert process.stdin is not None and process.stdout is not None
            self._feed_while_it_runs(process.stdin, header, wanted, views)
            with suppress(BrokenPipeError):
                process.stdin.close()
            said = process.stdout.read()
        return said, process.returncode

    def _feed_while_it_runs(
        self, into: IO[bytes], header: Mapping[str, Any], wanted: Mapping[str, Sequence[str]], views: Views
    ) -> None:
        self._reading = views
        try:
            self._feed(into, header, wanted, views)
        except BrokenPipeError:  # it has ended already, and says why
            return
        except Exception:  # how a reading that was interrupted ends is the lake's affair
            if not self._stopped.is_set():
                raise
        finally:
            self._reading = None

    def _feed(
        self, into: IO[bytes], header: Mapping[str, Any], wanted: Mapping[str, Sequence[str]], views: Views
    ) -> None:
        into.write(json.dumps(header).encode() + b"\n")
        into.flush()
        for view, columns in wanted.items():
            with views.reader(view, columns) as batches, pa.ipc.new_stream(into, batches.schema) as writer:
                for batch in batches:
                    if self._stopped.is_set():
                        raise BrokenPipeError
                    writer.write_batch(batch)
            into.flush()

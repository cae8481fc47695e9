"""Real processes for tests: started in groups of their own, waited for, and gone afterwards whatever happened."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from tests.drawn import drawn_file

Start = Callable[[Sequence[str], Mapping[str, str], Path, Path], "subprocess.Popen[bytes]"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(true: Callable[[], object], seconds: float, log: Path | None = None) -> None:
    """Until *true* is; a server that does not answer yet is no error."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        with suppress(httpx.HTTPError):
            if true():
                return
        time.sleep(0.2)
    pytest.fail(f"did not happen in {seconds:.0f} s" + (f":\n{log.read_text()[-4000:]}" if log else ""))


def with_migrated_prefect(home: Path) -> None:
    """Prefect's database in a data home that has none yet, as its first start makes it: 8 s of CPU otherwise."""
    database = drawn_file(home / "prefect" / "prefect.db", _migrate_prefect, "prefect.db", version("prefect"))
    database.chmod(0o600)


def _migrate_prefect(database: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"],
        env={**os.environ, "PREFECT_HOME": str(database.parent), "PREFECT_API_URL": "",
             "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{database}"},
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip


@contextmanager
def hold_still() -> Iterator[Start]:
    """Yields what starts a process; those still there at the end are killed with their groups."""
    started: list[subprocess.Popen[bytes]] = []

    def start(
        command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
    ) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, env=dict(environment), cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
        for process in reversed(started):
            with suppress(subprocess.TimeoutExpired):
                process.wait(8)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


def processes_of(darkroom_home: Path) -> list[str]:
    """The commands of every process of this machine that lives in *darkroom_home*."""
    mark = f"DARKROOM_HOME={darkroom_home}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(f"{process.name} {(process / 'cmdline').read_text().replace(chr(0), ' ').strip()}")
        except OSError:  # it has ended, or belongs to somebody else
            continue
    return [command for command in found if command.partition(" ")[2]]  # a zombie has no command

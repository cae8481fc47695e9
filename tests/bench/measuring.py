"""
How a bench measures what a person waits for: whole commands, servers from outside, many clients at once.

Every figure is wall time unless it says otherwise. The load generator shares the machine with what it measures, so read
ratios and medians, and compare within one run.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

READY_SECONDS = 300
_HEADER_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Command:
    """
    One run of a command, as its shell would account for it.

    Args:
        wall_seconds, cpu_seconds: Of the command and of all children it has waited for.
        peak_mb: Resident memory of the largest of these processes.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Latencies:
    """
    Args:
        spans_ms: One a request, from sending it to the last byte of its answer.
        wall_seconds: Of all of them together.
    """

    spans_ms: list[float]
    wall_seconds: float

    @property
    def p50(self) -> float:
        return percentile(self.spans_ms, 50)

    @property
    def p99(self) -> float:
        return percentile(self.spans_ms, 99)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.spans_ms) / self.wall_seconds


def percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * len(ordered)))]


def row(name: str, figure: str, remark: str = "") -> None:
    print(f"{name:<52} {figure:>14}  {remark}", flush=True)


# Starts the command from a small process: Linux counts the memory of whoever forks a process as that process's peak.
_RUNNER = """
import json, os, sys, time
started = time.perf_counter()
quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1)]
_, status, usage = os.wait4(os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet), 0)
print(json.dumps([os.waitstatus_to_exitcode(status), time.perf_counter() - started,
                  usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""


def run_command(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Command:
    """Run *command* to its end, its output thrown away. Exits the bench where the command fails."""
    runner = [sys.executable, "-I", "-S", "-c", _RUNNER, *command]
    exit_code, *figures = json.loads(subprocess.run(runner, env=environment, stdout=subprocess.PIPE, check=True).stdout)
    if exit_code:
        sys.exit(f"{' '.join(command)} ended with exit code {exit_code}")
    return Command(*figures)


def median_command(runs: Sequence[Command]) -> Command:
    """The median of each figure."""
    return Command(
        statistics.median(run.wall_seconds for run in runs),
        statistics.median(run.cpu_seconds for run in runs),
        statistics.median(run.peak_mb for run in runs),
    )


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until *url* is answered, whatever it answers. Exits the bench where the process ends first."""
    give_up = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up:
        if process.poll() is not None:
            sys.exit(f"{process.args!r} ended with exit code {process.returncode}")
        try:
            httpx.get(url, timeout=10, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return
    sys.exit(f"{url} was not answered in {READY_SECONDS} s")


@dataclass(frozen=True, slots=True)
class Server:
    """
    A running API.

    Args:
        ready_seconds: From starting the process to its first answer of GET /healthz.
    """

    url: str
    pid: int
    ready_seconds: float

    @property
    def peak_mb(self) -> float:
        """The most memory it has ever had resident (Linux)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@contextmanager
def api_server(environment: Mapping[str, str]) -> Iterator[Server]:
    """The API as its own process on a free port. *environment* names the home and the signing key."""
    port = free_port()
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "serving.app"],
        env={**os.environ, **environment, "BIND_URL": f"127.0.0.1:{port}"},
    )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/healthz", process)
        yield Server(f"http://127.0.0.1:{port}", process.pid, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait(timeout=15)


def ask(server_url: str, paths: Sequence[str], token: str, *, clients: int, requests: int) -> Latencies:
    """
    *clients* keep-alive connections that ask for *paths* in turn until *requests* were answered in all.

    Exits the bench where an answer is not 200.
    """
    host, port = server_url.removeprefix("http://").split(":")
    messages = [
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode() for path in paths
    ]
    return asyncio.run(_ask(host, int(port), messages, clients, requests))


async def _ask(host: str, port: int, messages: list[bytes], clients: int, requests: int) -> Latencies:
    left = iter(range(requests))
    spans_ms: list[float] = []

    async def one_client() -> None:
        reader, writer = await asyncio.open_connection(host, port, limit=_HEADER_BYTES)
        for number in left:  # shared: whoever is free takes the next one
            sent = time.perf_counter()
            writer.write(messages[number % len(messages)])
            await _read_answer(reader)
            spans_ms.append((time.perf_counter() - sent) * 1000)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one_client() for _ in range(clients)))
    return Latencies(spans_ms, time.perf_counter() - started)


async def _read_answer(reader: asyncio.StreamReader) -> None:
    """To its last byte. A client library would cost more than the server: this reads what our server sends."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        sys.exit(f"the server refused: {head[:300]!r}")
    length = head.partition(b"content-length:")[2].split(b"\r\n")[0]
    if length:
        await reader.readexactly(int(length))
        return
    while size := int(await reader.readline(), 16):  # chunked
        await reader.readexactly(size + 2)
    await reader.readline()

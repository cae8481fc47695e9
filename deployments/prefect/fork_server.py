"""
A process that has imported Prefect and the flows, and forks itself for every flow run.

Starting `python -m prefect.engine` for each run costs seconds of CPU on imports alone; a fork of a process that has
done them costs milliseconds and shares its memory. Single-threaded from beginning to end, so that a fork is safe.
"""

from __future__ import annotations

import json
import os
import runpy
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GRACE_SECONDS = 3.0  # between asking runs to stop and killing them; then as long for the worker


@dataclass
class ForkedRun:
    """One flow run's process, leader of a process group of its own, and the client that stands in for it."""

    pid: int
    client: socket.socket


class ForkServer:
    """
    Args:
        listener: A listening Unix socket; `run_client.py` connects to it.
        companion: A child of this process (the worker); the server ends when it does.
    """

    def __init__(self, listener: socket.socket, companion: int) -> None:
        self._listener = listener
        self._companion = companion
        self._runs: dict[int, ForkedRun] = {}
        self._selector = selectors.DefaultSelector()
        self._wakeup, self._wakeup_sender = socket.socketpair()
        self._stopping_since: float | None = None
        self._companion_exit_code: int | None = None

    def serve(self) -> int:
        """Until the companion has ended and every run with it; returns the companion's exit code."""
        self._listen()
        while self._companion_exit_code is None or self._runs:
            for key, _ in self._selector.select(timeout=0.2 if self._stopping_since else None):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._wakeup:
                    self._wakeup.recv(4096)
                else:
                    self._client_said(key.data)
            self._collect_ended()
            self._go_on_stopping()
        return self._companion_exit_code

    def _listen(self) -> None:
        for end in (self._wakeup, self._wakeup_sender):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wakeup_sender.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to be woken
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        signal.signal(signal.SIGINT, lambda *_: self._stop())
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wakeup, selectors.EVENT_READ)

    def _stop(self) -> None:
        """Ask the runs to end; while they do, the worker and the Prefect server can still be told how they ended."""
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
            for run in self._runs.values():
                _signal(run.pid, signal.SIGTERM)

    def _go_on_stopping(self) -> None:
        if self._stopping_since is None:
            return
        waited = time.monotonic() - self._stopping_since
        if waited > GRACE_SECONDS:
            for run in self._runs.values():
                _signal_group(run.pid, signal.SIGKILL)
        if self._companion_exit_code is None and (not self._runs or waited > GRACE_SECONDS):
            _signal(self._companion, signal.SIGKILL if waited > 2 * GRACE_SECONDS else signal.SIGTERM)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self._stopping_since is not None:
            client.close()
            return
        client.settimeout(5.0)  # a client sends its few kilobytes at once, or is no client of ours
        try:
            request, descriptors = receive_request(client)
        except (OSError, ValueError) as exc:
            print(f"fork server: a request could not be read: {exc}", file=sys.stderr)
            client.close()
            return
        pid = os.fork()
        if pid == 0:
            self._become_run(request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        with suppress(ProcessLookupError, PermissionError):  # the child does it too: whoever is first
            os.setpgid(pid, pid)
        self._runs[pid] = ForkedRun(pid, client)
        self._selector.register(client, selectors.EVENT_READ, self._runs[pid])
        self._tell(self._runs[pid], pid)

    def _become_run(self, request: dict[str, Any], descriptors: list[int]) -> None:
        """In the fork: give up what belongs to the server, then be the process `python -m prefect.engine` would be."""
        code = 1
        try:
            os.setpgid(0, 0)
            _forget_signals()
            self._selector.close()
            for run in self._runs.values():
                run.client.close()
            for end in (self._listener, self._wakeup, self._wakeup_sender):
                end.close()
            os.dup2(descriptors[0], 1)
            os.dup2(descriptors[1], 2)
            code = run_engine(request)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # the server's exit handlers are not ours to run

    def _client_said(self, run: ForkedRun) -> None:
        """A client says nothing after its request; when its end closes it was killed, and the run goes with it."""
        try:
            said = run.client.recv(1)
        except OSError:
            said = b""
        if not said:
            self._selector.unregister(run.client)
            run.client.close()
            _signal_group(run.pid, signal.SIGKILL)

    def _collect_ended(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._companion:
                self._companion_exit_code = os.waitstatus_to_exitcode(status)
                self._stop()
            elif run := self._runs.pop(pid, None):
                self._end(run, os.waitstatus_to_exitcode(status))

    def _end(self, run: ForkedRun, exit_code: int) -> None:
        _signal_group(run.pid, signal.SIGKILL)  # what it left running: an ffmpeg nobody waits for
        if run.client.fileno() == -1:
            return
        self._tell(run, exit_code)
        self._selector.unregister(run.client)
        run.client.close()

    def _tell(self, run: ForkedRun, number: int) -> None:
        with suppress(OSError):  # a client that was killed in this moment is noticed by `_client_said`
            run.client.sendall(b"%d\n" % number)


def receive_request(client: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """
    Four bytes of length with two file descriptors, then JSON: `environment`, `folder`.

    Raises:
        ValueError: Not a request.
        OSError: The client went silent.
    """
    header, descriptors, _, _ = socket.recv_fds(client, 4, 2)
    if len(header) != 4 or len(descriptors) != 2:
        raise ValueError("no length, or no two file descriptors")
    wanted = int.from_bytes(header, "big")
    received = bytearray()
    while len(received) < wanted:
        part = client.recv(wanted - len(received))
        if not part:
            raise ValueError(f"{len(received)} of {wanted} bytes came")
        received += part
    return json.loads(received), descriptors


def run_engine(request: dict[str, Any]) -> int:
    """Prefect's own engine, in this process, with the environment the worker made for it. Returns its exit code."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = ["prefect.engine"]
    sys.modules.pop("prefect.engine", None)  # `runpy` warns about a module that runs twice
    try:
        runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    return 0


def listen_at(path: Path) -> socket.socket:
    """A listening socket only this user can connect to: *path* lies in a folder of mode 0700."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(16)
    return listener


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)

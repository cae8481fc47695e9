"""
The command of one flow run: asks the fork server for a process, stands in for it, and ends as it ends.

Prefect's worker starts this in place of `python -m prefect.engine`, signals it and reads its exit status. It costs
15 ms of CPU; a fresh interpreter that imports Prefect and the flows costs 2 to 3 s. Standard library only, and
run with `-I -S`: every import here is paid once a minute.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from types import FrameType

ENGINE = ["-P", "-m", "deployments.prefect.flow_engine"]


def main(socket_path: str) -> int:
    """Run one flow run to its end. The exit status is the run's; a signal that killed the run kills this too."""
    server = _connect(socket_path)
    if server is None:  # no fork server any more: do it the slow way rather than not at all
        os.execv(sys.executable, [sys.executable, *ENGINE])
    request = json.dumps({"environment": dict(os.environ), "folder": os.getcwd()}).encode()  # noqa: PTH109
    socket.send_fds(server, [len(request).to_bytes(4, "big")], [1, 2])
    server.sendall(request)
    answers = server.makefile("rb")
    run_pid = int(answers.readline() or b"0")
    if not run_pid:
        print("the fork server ended before it started this run", file=sys.stderr)
        return 1
    _pass_on_signals(run_pid)
    status = answers.readline()
    if not status:
        print("the fork server ended while this run was going", file=sys.stderr)
        return 1
    return _end_like(int(status))


def _connect(socket_path: str) -> socket.socket | None:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        server.connect(socket_path)
    except OSError:
        server.close()
        return None
    return server


def _pass_on_signals(run_pid: int) -> None:
    def pass_on(number: int, _frame: FrameType | None) -> None:
        try:
            os.kill(run_pid, number)
        except ProcessLookupError:
            return  # it has just ended; its status is on the way

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, pass_on)


def _end_like(exit_code: int) -> int:
    """Args: exit_code: As `os.waitstatus_to_exitcode` gives it: negative for the signal that killed the run."""
    if exit_code < 0:
        signal.signal(-exit_code, signal.SIG_DFL) if -exit_code != signal.SIGKILL else None
        os.kill(os.getpid(), -exit_code)
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

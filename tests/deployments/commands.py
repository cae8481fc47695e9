"""
`darkroom` commands of tests, each in a process of its own that is forked from one with everything imported.

Importing Prefect, DuckDB and the rest takes two seconds of CPU, as long as most commands run. What is about the start
of a process itself (its folder, its path, signals while it imports) starts one: see test_safe_path, test_interrupts.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import IO, NoReturn

CHECKOUT = Path(__file__).parents[2]


def darkroom(
    *arguments: str, stdin: str | None = None, seconds: float = 300, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command, in this process' folder and environment; text of stdout and stderr."""
    with tempfile.TemporaryDirectory() as folder:
        given, out, err = (Path(folder, name) for name in ("stdin", "stdout", "stderr"))
        given.write_text(stdin or "", encoding="utf-8")
        asked = {
            "arguments": arguments, "environment": {**os.environ, **environment}, "folder": str(Path.cwd()),
            "seconds": seconds, "files": [str(given), str(out), str(err)],
        }  # fmt: skip
        code = _server().run(asked)
        texts = (path.read_text(encoding="utf-8") for path in (out, err))
        return subprocess.CompletedProcess(["darkroom", *arguments], code, *texts)


class CommandServer:
    """The process that forks, and the two pipes to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.deployments.commands"], env=kept, cwd=CHECKOUT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        atexit.register(self._process.kill)

    def run(self, asked: dict[str, object]) -> int:
        """Its exit code; negative: the signal that ended it."""
        with self._lock:
            assert self._process.stdin and self._process.stdout
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        assert answer, "the process that starts commands has ended"
        return int(answer)


_running: dict[int, CommandServer] = {}


def _server() -> CommandServer:
    if os.getpid() not in _running:
        _running[os.getpid()] = CommandServer()
    return _running[os.getpid()]


def _become(asked: dict[str, object]) -> NoReturn:
    """In the fork: the command, from here to the end of the process."""
    arguments, environment, folder, files = (asked[name] for name in ("arguments", "environment", "folder", "files"))
    assert isinstance(environment, dict) and isinstance(files, list) and isinstance(arguments, list)
    for number, path in enumerate(files):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(path, flags, 0o600), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(str(folder))
    os.umask(0o022)
    sys.argv = ["darkroom", *arguments]
    from deployments.cli import app as cli
    from deployments.cli import interrupts

    interrupts.end_at_once()
    code: object = 0
    try:
        cli.main()
    except SystemExit as exc:
        code = exc.code
    except Exception:  # noqa: BLE001 - as Python ends a program that let one through
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(
        code if isinstance(code, int) else int(code is not None)
    )  # threads of the parent are not there to be ended


def _serve() -> None:
    from deployments.cli import app, sql_shell  # noqa: F401

    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in requests:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            _close(requests, answers)
            _become(asked)
        timer = threading.Timer(asked["seconds"], os.kill, (child, 9))
        timer.start()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        timer.cancel()
        print(code, file=answers, flush=True)


def _close(*files: IO[str]) -> None:
    for file in files:
        os.close(file.fileno())


if __name__ == "__main__":
    _serve()

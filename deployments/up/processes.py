"""The processes `darkroom up` looks after: started, watched, restarted, and ended with everything they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from deployments.up import parent_death as tether

LOG_LIMIT_BYTES = 10 * 1024 * 1024
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
STEADY_SECONDS = 60.0  # having run so long, a process that dies is restarted at once


class ManagedProcess:
    """
    One long-lived process, leader of a process group of its own.

    Args:
        command: Run by this interpreter's machine with *environment*; its output goes to *log*.
        death_signal: What it gets when this process is killed (Linux): SIGTERM where it must end others first.
        folder: Its working folder; ours without.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        death_signal: int = signal.SIGKILL,
        folder: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self.restarts = 0
        self._command = [
            sys.executable,
            "-I",
            "-S",
            tether.__file__,
            str(os.getpid()),
            str(int(death_signal)),
            *command,
        ]
        self._environment = dict(environment)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = FIRST_PAUSE_SECONDS
        self._due: float | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def state(self) -> str:
        """For people: running, starting again, or not running."""
        if self.running:
            return "running"
        return "starting again" if self._due is not None else "not running"

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """
        Raises:
            OSError: The log cannot be written.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        bound_log(self.log)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started = time.monotonic()
        self._due = None

    def keep_running(self) -> str | None:
        """Start it again when it has died, after a pause that doubles. Returns what there is to tell, or None."""
        if self._process is None or self.running:
            return None
        now = time.monotonic()
        if self._due is None:
            if now - self._started > STEADY_SECONDS:
                self._pause = FIRST_PAUSE_SECONDS
            self._due = now + self._pause
            ended = f"{self.name} ended ({exit_text(self.exit_code)}); starting it again in {self._pause:.0f} s"
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
            end_group(self._process.pid, signal.SIGKILL)  # what it left behind
            said = self.log_tail(1).strip()
            return f"{ended}. {said + ' ' if said else ''}Log: {self.log}"
        if now >= self._due:
            self.restarts += 1
            self.start()
        return None

    def ask_to_end(self, number: int = signal.SIGTERM) -> None:
        """Signal the process itself: it knows what of its own has to end, and in which order."""
        if self._process is not None and self.running:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def wait(self, timeout_seconds: float) -> bool:
        """Whether it has ended within *timeout_seconds*."""
        if self._process is None:
            return True
        try:
            self._process.wait(max(timeout_seconds, 0.0))
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End it and its whole group now."""
        if self._process is not None:
            end_group(self._process.pid, signal.SIGKILL)
            self.wait(1.0)

    def log_tail(self, lines: int = 15) -> str:
        """The last lines it wrote."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 16_384))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except OSError as exc:
            return f"(its log cannot be read: {exc.strerror})"


def bound_log(log: Path, limit_bytes: int = LOG_LIMIT_BYTES) -> None:
    """
    Keep *log* below *limit_bytes*: the older part goes to `<log>.1`, whose predecessor goes.

    Copied and cut short, not renamed: the process that writes it has it open, for appending.
    """
    try:
        if log.stat().st_size <= limit_bytes:
            return
    except FileNotFoundError:
        return
    log.with_name(f"{log.name}.1").write_bytes(log.read_bytes()[-limit_bytes:])
    os.truncate(log, 0)


def end_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def exit_text(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"exit code {exit_code}"


def descendants(pid: int) -> list[int]:
    """Every process below *pid*, in whatever group or session. Linux; elsewhere an empty list."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # ended in between
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = list(children.get(pid, []))
    for child in found:  # grows while we go through it
        found.extend(children.get(child, []))
    return found

"""`darkroom up`: the Prefect server, the worker and the API of this machine, started, watched and stopped together."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TextIO
from urllib.parse import quote

import httpx

from deployments.prefect.environment import prefect_api_url, prefect_environment, prefect_folder, without_prefect_auth
from deployments.settings import Settings, load_settings
from deployments.up import parent_death as tether
from deployments.up.prefect_monitor import FlowRunStatus, PrefectMonitor
from deployments.up.processes import ManagedProcess, bound_log, descendants, end_group, exit_text
from deployments.up.screen import Screen, open_screen
from tasks.files.private import deny_others

SERVER_START_SECONDS = 180.0  # the first start makes Prefect's database; on a slow disk that takes a while
PATIENCE_SECONDS = 8.0  # then it is said what is waited for
APPLY_SECONDS = 120.0
WORKER_END_SECONDS = 6.5
REST_END_SECONDS = 2.0  # the two and what comes after stay below 10 s
BUSY_LOOK_SECONDS = 2.0
IDLE_LOOK_SECONDS = 20.0  # a look costs the server 20 ms: every two seconds would be a fifth of what idling may cost
LOG_LOOK_SECONDS = 60.0


class UpError(Exception):
    """It cannot start; the message is one line that says what to do."""


def up(
    settings: Settings,
    *,
    schedule: bool = True,
    prefect_port: int | None = None,
    port: int | None = None,
    screen: Callable[[], Screen] = open_screen,
) -> int:
    """
    Start everything, show what happens, stop everything on Ctrl-C, SIGTERM or SIGHUP.

    Args:
        schedule: False plans no runs; what is started by hand runs all the same.
        prefect_port, port: Of the Prefect server and of the API, in place of the settings'.
        screen: Makes the display, once it is clear that there will be something to show.
    Returns:
        Exit code: 0 stopped as asked, 1 it could not start.
    """
    host, api_port = settings.bind[0], port or settings.bind[1]
    supervisor = Supervisor(settings, host, api_port, prefect_port or settings.prefect_port, schedule)
    try:
        with the_only_one(settings.darkroom_home):
            for address, number, option in (
                ("127.0.0.1", supervisor.prefect_port, "--prefect-port"),
                (host, api_port, "--port"),
            ):
                check_port(address, number, option)
            return supervisor.run(screen)
    except UpError as exc:
        print(f"darkroom: {exc}", file=sys.stderr)
        return 1


class Supervisor:
    """The three processes and their life together."""

    def __init__(self, settings: Settings, host: str, port: int, prefect_port: int, schedule: bool) -> None:
        self.prefect_port = prefect_port
        self._prefect_folder = prefect_folder(settings)
        self._prefect_auth = settings.prefect_auth
        self._prefect_auth_file = settings.prefect_auth_file
        self._summaries = bool(settings.summary_contacts)
        self._environment = prefect_environment(settings, prefect_port) | {"BIND_URL": f"{host}:{port}"}
        if not schedule:
            self._environment["PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED"] = "false"
        logs = settings.darkroom_home / "logs"
        python = sys.executable
        self._server = ManagedProcess(
            "Prefect server",
            [python, "-P", "-m", "deployments.prefect.server"],
            self._environment,
            logs / "prefect-server.log",
            folder=self._prefect_folder,  # it reads settings, and imports by name, from where it stands
        )
        self._worker = ManagedProcess(  # told to end by SIGTERM even when we are killed: it has runs to end
            "worker",
            [python, "-P", "-m", "deployments.prefect.worker"],
            self._environment,
            logs / "worker.log",
            signal.SIGTERM,
        )
        self._api = ManagedProcess(
            "API", [python, "-P", "-m", "serving.app"], without_prefect_auth(self._environment), logs / "api.log"
        )
        self._apply_log = logs / "apply.log"
        self._processes = [self._server, self._api, self._worker]
        self._watch = PrefectMonitor(prefect_api_url(settings, prefect_port), settings.prefect_auth)
        self._web = f"http://{'127.0.0.1' if host in {'0.0.0.0', '::'} else host}:{port}"
        self._stopping = threading.Event()
        self._asked_to_stop = 0
        self._runs: list[FlowRunStatus] = []

    def run(self, open_a_screen: Callable[[], Screen]) -> int:
        """Raises: UpError: Something did not come up; what had come up is stopped again."""
        tether.become_subreaper()
        with ExitStack() as stack:
            stack.callback(self._watch.close)
            stack.enter_context(self._signals_caught())
            screen = open_a_screen()
            stack.callback(screen.close)
            stack.callback(self._stop_all, screen)
            self._start_all(screen)
            self._supervise(screen)
        return 0

    def _start_all(self, screen: Screen) -> None:
        self._prefect_folder.mkdir(parents=True, exist_ok=True)
        self._server.start()
        self._api.start()
        screen.note(f"starting; soon there is {self._web}/ to open")
        self._wait_for_server(screen)
        if self._stopping.is_set():
            return
        self._apply()
        if self._stopping.is_set():
            return
        self._worker.start()
        screen.addresses(
            {
                "Photos": f"{self._web}/",
                "API": f"{self._web}/docs",
                "Prefect": self._prefect_address(),
                "Logs": str(self._server.log.parent),
            }
        )
        try:
            self._watch.start_run("full-scan")
            if self._summaries:
                self._watch.start_run("daily-summaries")
        except httpx.HTTPError as exc:
            screen.note(f"the first scan could not be started: {exc}; the schedule will start one")

    def _prefect_address(self) -> str:
        """On a terminal the link that logs a browser in; in a log, which others may read, where the password is."""
        address = f"http://127.0.0.1:{self.prefect_port}"
        if sys.stdout.isatty():
            return login_link(address, self._prefect_auth)
        return f"{address}/ (its password: the line in {self._prefect_auth_file})"

    def _wait_for_server(self, screen: Screen) -> None:
        started = time.monotonic()
        give_up, patience_ends = started + SERVER_START_SECONDS, started + PATIENCE_SECONDS
        while not self._stopping.wait(0.25):
            if not self._server.running:
                ended = exit_text(self._server.exit_code)
                raise UpError(f"the Prefect server did not start ({ended}):\n{self._server.log_tail()}")
            if self._watch.healthy():
                return
            if told := self._api.keep_running():
                screen.note(told)
            if time.monotonic() > patience_ends:
                patience_ends = give_up
                screen.note(f"the Prefect server is not up yet; its log says: {self._server.log_tail(1) or 'nothing'}")
            if time.monotonic() > give_up:
                raise UpError(
                    f"the Prefect server did not answer in {SERVER_START_SECONDS:.0f} s, see {self._server.log}"
                )

    def _apply(self) -> None:
        """Register the deployments, in a process of its own: ours stays small without Prefect in it."""
        with self._apply_log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "deployments.prefect.apply", "--tidy"],
                env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        give_up = time.monotonic() + APPLY_SECONDS
        while process.poll() is None and not self._stopping.wait(0.1) and time.monotonic() < give_up:
            pass
        if process.poll() is None:
            end_group(process.pid, signal.SIGKILL)
            process.wait()
        if process.returncode != 0 and not self._stopping.is_set():
            lines = self._apply_log.read_text(errors="replace").strip().splitlines() or ["it took too long"]
            raise UpError(f"{lines[-1]} (see {self._apply_log})")

    def _supervise(self, screen: Screen) -> None:
        next_look = next_log_look = 0.0
        while not self._stopping.wait(0.5):
            for process in self._processes:
                if told := process.keep_running():
                    screen.note(told)
                    next_look = 0.0
            now = time.monotonic()
            if now >= next_look:
                self._look(screen)
                busy = any(run.live for run in self._runs) or not self._runs
                next_look = now + (BUSY_LOOK_SECONDS if busy else IDLE_LOOK_SECONDS)
            if now >= next_log_look:
                for process in self._processes:
                    bound_log(process.log)
                next_log_look = now + LOG_LOOK_SECONDS

    def _look(self, screen: Screen) -> None:
        try:
            self._runs = self._watch.recent_runs()
        except httpx.HTTPError:  # the server is being started again, which is on the screen
            self._runs = []
        screen.show(self._processes, self._runs)

    def _stop_all(self, screen: Screen) -> None:
        screen.note("stopping …")
        if not self._worker.running:  # it died a moment ago: its runs still end in their own way
            self._worker.kill()
        self._end([self._worker], WORKER_END_SECONDS)  # first, while its runs can still report to the server
        self._end([self._server, self._api], REST_END_SECONDS)
        for pid in descendants(os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _reap()
        screen.note("stopped")

    def _end(self, processes: list[ManagedProcess], within_seconds: float) -> None:
        give_up = time.monotonic() + within_seconds
        for process in processes:
            process.ask_to_end()
        while any(process.running for process in processes) and time.monotonic() < give_up:
            if self._asked_to_stop > 1:
                break
            time.sleep(0.05)
        for process in processes:
            process.kill()

    @contextmanager
    def _signals_caught(self) -> Iterator[None]:
        def stop(_number: int, _frame: FrameType | None) -> None:
            self._asked_to_stop += 1
            self._stopping.set()

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def login_link(address: str, auth: str) -> str:
    """Opened, it logs a browser in to Prefect (deployments/prefect/server.py); what is behind the # stays there."""
    return f"{address}/darkroom-login#{quote(auth, safe=':')}"


@contextmanager
def the_only_one(darkroom_home: Path) -> Iterator[None]:
    """Raises: UpError: Another `darkroom up` runs on this home, or the home cannot be written."""
    lock = darkroom_home / "up.lock"
    try:
        darkroom_home.mkdir(parents=True, exist_ok=True)
        file = lock.open("a+")
    except OSError as exc:
        raise UpError(f"{darkroom_home} cannot be written: {exc.strerror}; set DARKROOM_HOME") from exc
    with file:
        _lock(file, darkroom_home)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _lock(file: TextIO, darkroom_home: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        file.seek(0)
        pid = file.read().strip() or "?"
        raise UpError(
            f"`darkroom up` is already running for {darkroom_home} (process {pid}); stop that one first"
        ) from exc


def check_port(host: str, port: int, option: str) -> None:
    """Raises: UpError: Something listens there already, or may not be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise UpError(f"port {port} on {host}: {exc.strerror}; choose another with {option} PORT") from exc


def _reap() -> None:
    """Collect what was adopted and has ended, so that nothing is left as a zombie of a long-lived caller."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def main() -> None:
    """What `darkroom up` becomes once the libraries are registered."""
    parser = argparse.ArgumentParser(prog="darkroom up")
    parser.add_argument("--no-schedule", action="store_true")
    parser.add_argument("--port", type=int)
    parser.add_argument("--prefect-port", type=int)
    chosen = parser.parse_args()
    deny_others()  # the three processes inherit it
    settings = load_settings()
    sys.exit(up(settings, schedule=not chosen.no_schedule, prefect_port=chosen.prefect_port, port=chosen.port))


if __name__ == "__main__":
    main()

"""A terminal of any size to run our commands in, and what a person sees on it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyte
import pytest


@dataclass
class Terminal:
    """Args: rows, columns: Its size. `screen` is what is on it now; `seen` every different line that ever was."""

    columns: int
    rows: int = 40
    seen: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.screen = pyte.Screen(self.columns, self.rows)
        self._stream = pyte.ByteStream(self.screen)
        self.ours, self._theirs = pty.openpty()
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))

    def start(self, command: Sequence[str], environment: Mapping[str, str], **streams: int) -> subprocess.Popen[bytes]:
        """Args: streams: stdout or stderr, where it is not the terminal."""
        own = {name: value for name, value in environment.items() if name not in {"COLUMNS", "LINES"}}
        given = {"stdin": self._theirs, "stdout": self._theirs, "stderr": self._theirs} | streams
        return subprocess.Popen(command, env={**own, "TERM": "xterm-256color"}, start_new_session=True, **given)  # type: ignore[call-overload,no-any-return]

    def read(self, seconds: float = 0.2) -> None:
        """Take in what comes in this time."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            if not select.select([self.ours], [], [], 0.05)[0]:
                continue
            self.feed(os.read(self.ours, 65_536))

    def feed(self, written: bytes) -> None:
        self._stream.feed(written)
        self.seen.update((line.rstrip(), None) for line in self.screen.display)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display).strip("\n")

    def wait_for(self, true: Callable[[], object], seconds: float = 120) -> None:
        give_up = time.monotonic() + seconds
        while not true():
            if time.monotonic() > give_up:
                pytest.fail(f"did not happen in {seconds:.0f} s; on the terminal:\n{self.text}")
            self.read()

    def close(self) -> None:
        os.close(self.ours)
        os.close(self._theirs)

"""
Running ffmpeg on files nobody vouches for: no shell, no network, no playlists, no names read as options, an end.

The input of every call is built by `safe_input`, which also keeps ffmpeg from choosing a demuxer that opens other
files (HLS, concat, DASH, image sequences …).
"""

from __future__ import annotations

import contextlib
import functools
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from tasks.errors import CorruptMedia, DecoderTimeout, ToolMissing

STDERR_TAIL_BYTES = 16 * 1024
LOOK_EVERY_SECONDS = 1.0  # at a run that somebody watches
MEMORY_LIMIT_BYTES = 1536 * 2**20  # of private memory: a runaway ends here instead of taking the machine along
_DEMUXERS = (
    "mov,matroska,webm,avi,mpeg,mpegts,mpegvideo,m4v,asf,flv,ogg,mxf,dv,h264,hevc,ivf,rm,gif,obu,wtv,nut,mjpeg,amr,"
    "jpegxl_pipe,j2k_pipe,png_pipe,tiff_pipe,webp_pipe,bmp_pipe,psd_pipe,jpeg_pipe"
)


class FfmpegResult(NamedTuple):
    """`log` is the end of what it wrote to stderr, `output` all it wrote to stdout."""

    returncode: int
    output: bytes
    log: str


def find_ffmpeg() -> str | None:
    """The ffmpeg on PATH; None when there is none."""
    return shutil.which("ffmpeg")


@functools.lru_cache(maxsize=8)
def ffmpeg_version(program: str | None = None) -> str:
    """Such as "5.1.6"; "unknown" where it does not say. Asked once a process."""
    found = program or find_ffmpeg()
    if found is None:
        return "unknown"
    asked = subprocess.run([found, "-version"], capture_output=True, timeout=10, check=False, stdin=subprocess.DEVNULL)
    words = asked.stdout.decode("utf-8", "replace").split()
    return words[2] if words[1:2] == ["version"] and len(words) > 2 else "unknown"


def safe_input(path: Path, *options: str) -> list[str]:
    """
    The arguments that open *path* and nothing else.

    Args:
        options: Input options, such as `-ss 3`, which must stand before the `-i`.
    """
    # `file:` keeps names like `-y`, `a:b` and `pipe:0` from being options, protocols or pipes.
    guards = ["-protocol_whitelist", "file", "-format_whitelist", _DEMUXERS]
    return [*guards, *options, "-i", f"file:{os.fspath(path)}"]


def safe_output(path: Path) -> str:
    """How to name a file that ffmpeg shall write."""
    return f"file:{os.fspath(path)}"


def run_ffmpeg(
    args: Sequence[str],
    timeout_seconds: float,
    *,
    path: Path,
    ffmpeg: str | None = None,
    max_output_bytes: int = 64 * 2**20,
    memory_limit_bytes: int | None = MEMORY_LIMIT_BYTES,
    folder: Path | None = None,
    watch: Callable[[bytes], None] | None = None,
) -> FfmpegResult:
    """
    Run ffmpeg (or ffprobe) to its end, or end it with all its children.

    Args:
        args: All but the program's name; the input from `safe_input`.
        path: The original, for error messages.
        ffmpeg: The program; None looks on PATH.
        max_output_bytes: What it may write to stdout.
        memory_limit_bytes: Of private memory, where `prlimit` exists (Linux); None for no limit.
        folder: The one it runs in: muxers that read `%` in names are given bare ones.
        watch: Gets what it writes to stdout (`-progress pipe:1`), and b"" at least once a second in which it writes
            nothing; what it raises ends ffmpeg. Then `output` stays empty.
    Raises:
        ToolMissing: It is not installed.
        DecoderTimeout: It took longer than *timeout_seconds*.
        CorruptMedia: It wrote more to stdout than it may.
    """
    program = ffmpeg or find_ffmpeg()
    if program is None:
        raise ToolMissing("ffmpeg is not installed: apt install ffmpeg, or brew install ffmpeg")
    command = [*_wrappers(memory_limit_bytes), program, *_quiet(program), *args]
    process = _start(command, program, folder)
    try:
        return _collect(process, path, time.monotonic() + timeout_seconds, max_output_bytes, watch)
    finally:
        _end(process)


def _quiet(program: str) -> list[str]:
    return ["-hide_banner"] if Path(program).name.startswith("ffprobe") else ["-nostdin", "-hide_banner"]


def _wrappers(memory_limit_bytes: int | None) -> list[str]:
    """Polite, bounded and never orphaned, by programs that turn into ffmpeg: no code of ours between fork and exec."""
    wrappers: list[str] = []
    if setpriv := shutil.which("setpriv"):  # Linux: when we are killed, so is it
        wrappers += [setpriv, "--pdeathsig", "KILL"]
    if nice := shutil.which("nice"):
        wrappers += [nice, "-n", "10"]
    if memory_limit_bytes and (prlimit := shutil.which("prlimit")):
        wrappers += [prlimit, f"--data={memory_limit_bytes}", "--core=0"]
    return wrappers


def _start(command: list[str], program: str, folder: Path | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            start_new_session=True,  # a group of its own, so that killing it takes its children along
        )
    except OSError as exc:
        raise ToolMissing(f"{program} cannot be started: {exc.strerror}") from exc


def _collect(
    process: subprocess.Popen[bytes],
    path: Path,
    deadline: float,
    max_output_bytes: int,
    watch: Callable[[bytes], None] | None,
) -> FfmpegResult:
    """Read both pipes as they fill, until both are closed."""
    assert process.stdout is not None
    assert process.stderr is not None
    output, log = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, output)
        selector.register(process.stderr, selectors.EVENT_READ, log)
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise DecoderTimeout(path, "ffmpeg did not finish in the time allowed")
            ready = selector.select(min(left, LOOK_EVERY_SECONDS) if watch else left)
            if watch and not ready:
                watch(b"")
            for key, _ in ready:
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    selector.unregister(key.fileobj)
                if watch and key.data is output:
                    watch(chunk)
                else:
                    key.data.extend(chunk)
            del log[:-STDERR_TAIL_BYTES]
            if len(output) > max_output_bytes:
                raise CorruptMedia(path, "ffmpeg produced more than any picture of it could need")
    return FfmpegResult(_wait(process, path, deadline), bytes(output), log.decode("utf-8", "replace"))


def _wait(process: subprocess.Popen[bytes], path: Path, deadline: float) -> int:
    try:
        return process.wait(max(deadline - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired as exc:
        raise DecoderTimeout(path, "ffmpeg did not finish in the time allowed") from exc


def _end(process: subprocess.Popen[bytes]) -> None:
    """Whatever happened: nothing of it runs on, no pipe stays open."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):  # it ended between the two lines
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdout, process.stderr):
        _close(pipe)


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        pipe.close()


def last_complaint(log: str) -> str:
    """The line of ffmpeg's log that says what went wrong, without addresses and repeated prefixes."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line.lower() for word in _TELLING)]
    line = (telling or lines or ["no reason given"])[0]
    return line.partition("] ")[2][:200] if line.startswith("[") else line[:200]


_TELLING = ("error", "invalid", "not found", "could not", "cannot", "unsupported", "not supported", "no such", "failed")

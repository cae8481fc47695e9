"""
One long-lived `exiftool -stay_open` fed file by file, and what is done when it hangs or dies.

Starting exiftool costs 100 ms of Perl; one that stays open reads 130 to 310 files a second. Several files are in
flight at once so that it never waits for us, but each has its own `-execute`: answers can be told apart, and a file
that hangs it is known by name.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import secrets
import select
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tasks.errors import AssetError, CorruptMedia, DecoderTimeout, MediaTooLarge, ToolMissing

PREVIEW_TAGS = ("JpgFromRaw", "JpgFromRaw2", "PreviewImage", "OtherImage", "ThumbnailImage")
_IN_FLIGHT_BYTES = 32_000  # of arguments: a pipe holds 64 KiB, and a blocked write while it blocks on us is a deadlock
_LONGEST_PATH = 4_200
_ANSWER_BYTES = 256 << 20  # an answer larger than this is no metadata and no preview
_READ_BYTES = 1 << 18
# Perl's open() and the argument file both give meaning to some characters; only names without any go in directly.
_PLAIN_NAME = re.compile(rb"/[^\x00-\x1f\x7f|<>]*[^\x00-\x20\x7f|<>]")

TagValue = str | list["TagValue"] | dict[str, "TagValue"] | None
ExifToolTags = dict[str, TagValue]  # keys 'Group1:Tag' or, for what a better tag hides, 'Group1:CopyN:Tag'


class ExifTool:
    """
    A running exiftool; use as a context manager. Not to be shared between threads.

    Args:
        executable: Name or path of the program.
        timeout_seconds: For one file; a slower one becomes `DecoderTimeout` and exiftool is started anew.
    Raises:
        ToolMissing: On entering, when it cannot be started.
    """

    def __init__(self, executable: str = "exiftool", timeout_seconds: float = 10.0) -> None:
        self._executable = executable
        self._timeout_seconds = timeout_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = bytearray()
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self.version = ""

    def __enter__(self) -> Self:
        self._scratch = tempfile.TemporaryDirectory(prefix="darkroom-exiftool-")
        try:
            self._start()
            self.version = self._run_one(["-ver"], self._timeout_seconds).decode("ascii", "replace").strip()
        except (TimeoutError, EOFError) as exc:
            self.close()
            raise ToolMissing(f"{self._executable} starts but does not answer") from exc
        except ToolMissing:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop it; safe to call twice."""
        self._stop()
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def read(self, paths: Sequence[Path], tags: Sequence[str]) -> list[ExifToolTags | AssetError]:
        """
        The values of *tags* in each file, in order.

        Args:
            tags: exiftool arguments such as `-ImageWidth#` (`#`: as a number).
        Returns:
            Per file its tags by 'Group1:Tag' (text, as printed), or the error that it alone ran into.
        """
        options = ["-api", "LargeFileSupport=1", "-j", "-a", "-G1:4", "-struct", *tags]
        answers = self._run_each(paths, options)
        return [
            answer if isinstance(answer, AssetError) else _parse_answer(path, answer)
            for path, answer in zip(paths, answers, strict=True)
        ]

    def extract_previews(self, path: Path) -> list[bytes]:
        """
        Every embedded preview (`PREVIEW_TAGS`) of one file in one call; largest first, none twice.

        Raises:
            AssetError: exiftool hung on it, died on it or could not read it.
        """
        answer = self._run_each([path], ["-j", "-b", "-a", "-G1:4", *(f"-{tag}" for tag in PREVIEW_TAGS)])[0]
        if isinstance(answer, AssetError):
            raise answer
        tags = _parse_answer(path, answer)
        if isinstance(tags, AssetError):
            raise tags
        previews = {_decode_binary(value) for value in tags.values()} - {b""}
        return sorted(previews, key=len, reverse=True)

    def _run_each(self, paths: Sequence[Path], options: list[str]) -> list[bytes | AssetError]:
        results: list[bytes | AssetError] = []
        while len(results) < len(paths):
            results += self._run_until_trouble(paths[len(results) :], options)
        return results

    def _run_until_trouble(self, paths: Sequence[Path], options: list[str]) -> list[bytes | AssetError]:
        """Answers for the first files of *paths*: all of them, or up to and with the one that stopped exiftool."""
        self._start()
        process = self._process
        links: list[Path] = []
        arguments = [os.fsencode(option) for option in options]
        window = max(1, _IN_FLIGHT_BYTES // (sum(len(argument) + 1 for argument in arguments) + _LONGEST_PATH))
        results: list[bytes | AssetError] = []
        try:
            for at, path in enumerate(paths):
                for ahead in paths[:window] if at == 0 else paths[at + window - 1 : at + window]:
                    self._send([*arguments, self._safe_name(ahead, links)])
                results.append(self._answer_for(path, arguments, links))
                if self._process is not process:  # what was in flight went down with it and is sent again
                    break
        finally:
            for link in links:
                link.unlink(missing_ok=True)
        return results

    def _answer_for(self, path: Path, arguments: list[bytes], links: list[Path]) -> bytes | AssetError:
        try:
            return self._receive_or_error(path)
        except EOFError:
            self._stop()
        self._start()  # killed from outside, or by this very file: once more, alone, tells which
        self._send([*arguments, self._safe_name(path, links)])
        try:
            return self._receive_or_error(path)
        except EOFError:
            self._stop()
            return CorruptMedia(path, "exiftool died while reading it")

    def _receive_or_error(self, path: Path) -> bytes | AssetError:
        try:
            return self._receive(self._timeout_seconds)
        except TimeoutError:
            self._stop()
            return DecoderTimeout(path, f"exiftool did not finish within {self._timeout_seconds:g} s")
        except MemoryError:
            self._stop()
            return MediaTooLarge(path, f"exiftool's answer is larger than {_ANSWER_BYTES >> 20} MiB")

    def _safe_name(self, path: Path, links: list[Path]) -> bytes:
        """The name to hand over: never an option, a pipe or two lines; an odd one goes by way of a symlink."""
        name = os.fsencode(path.absolute())
        if _PLAIN_NAME.fullmatch(name):
            return name
        if self._scratch is None:
            raise ValueError("ExifTool is closed")
        suffix = path.suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", path.suffix) else ""
        link = Path(self._scratch.name, secrets.token_hex(8) + suffix)
        link.symlink_to(path.absolute())
        links.append(link)
        return os.fsencode(link)

    def _run_one(self, arguments: list[str], timeout_seconds: float) -> bytes:
        self._send([os.fsencode(argument) for argument in arguments])
        return self._receive(timeout_seconds)

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._stop()
        command = [self._executable, "-config", "", "-stay_open", "True", "-@", "-"]
        try:
            self._process = subprocess.Popen(
                command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as exc:
            raise ToolMissing(f"{self._executable} cannot be started: {exc.strerror}") from exc

    def _stop(self) -> None:
        process, self._process = self._process, None
        self._unread.clear()
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _send(self, arguments: list[bytes]) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return  # the answer to what is not sent is EOFError, in `_receive`
        message = b"\n".join([*arguments, b"-execute", b""])
        try:
            os.write(process.stdin.fileno(), message)
        except BrokenPipeError:
            return  # likewise

    def _receive(self, timeout_seconds: float) -> bytes:
        """What exiftool prints up to its `{ready}` line. TimeoutError, EOFError and MemoryError say why not."""
        process = self._process
        if process is None or process.stdout is None:
            raise EOFError
        marker, deadline = b"{ready}\n", time.monotonic() + timeout_seconds
        searched, pipe = 0, select.poll()
        pipe.register(process.stdout, select.POLLIN)
        while (found := self._unread.find(marker, searched)) < 0:
            searched = max(0, len(self._unread) - len(marker))
            if len(self._unread) > _ANSWER_BYTES:
                raise MemoryError
            if not pipe.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError
            chunk = os.read(process.stdout.fileno(), _READ_BYTES)
            if not chunk:
                raise EOFError
            self._unread += chunk
        answer = bytes(self._unread[:found])
        del self._unread[: found + len(marker)]
        return answer


def _parse_answer(path: Path, answer: bytes) -> ExifToolTags | AssetError:
    """One file's JSON to its tags. No answer at all means that the file could not be opened."""
    try:
        # Numbers stay the text they were printed as: a title of "007" or "1.0" is no number.
        parsed = json.loads(answer or b"[]", parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return CorruptMedia(path, "exiftool's answer cannot be understood")
    if not isinstance(parsed, list) or not parsed or not isinstance(parsed[0], dict):
        return CorruptMedia(path, "exiftool could not read it")
    tags: ExifToolTags = parsed[0]
    tags.pop("SourceFile", None)
    return tags


def _decode_binary(value: TagValue) -> bytes:
    """exiftool's JSON form of bytes: base64 behind a prefix, or plain text where they happen to be ASCII."""
    if not isinstance(value, str) or not value.startswith("base64:"):
        return b""
    try:
        return base64.b64decode(value[7:])
    except binascii.Error:
        return b""

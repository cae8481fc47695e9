"""The four kinds of error, by what happens next: record it, retry it, tell the client, stop the run."""

from __future__ import annotations

import os


class DarkroomError(Exception):
    """The root: everything this program raises on purpose."""


class AssetError(DarkroomError):
    """One file is at fault: it is recorded on the asset and the batch goes on."""

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(reason)
        self.path = os.fspath(path)
        self.reason = reason


class UnsupportedMedia(AssetError):
    """No decoder here recognises the bytes, or there is nothing in them to show."""


class CorruptMedia(AssetError):
    """The format is recognised, the bytes are damaged."""


class MediaTooLarge(AssetError):
    """Decoding would need more memory than we allow one file (decompression bombs end here)."""


class DecoderTimeout(AssetError):
    """The decoder did not finish in the time we allow one file."""


class UnreadableFile(AssetError):
    """The operating system would not let us read it: permission, I/O error, vanished in between."""


class TransientError(DarkroomError):
    """A service is at fault: Prefect retries the batch, the API answers 503, nothing is recorded about the files."""


class StorageUnavailable(TransientError):
    """A disk or bucket refuses to take or give bytes: full, read-only, unmounted."""


class ToolMissing(TransientError):
    """A program this step needs (ffmpeg, exiftool) is not installed; the step waits until it is."""


class RefusedError(DarkroomError):
    """The client is at fault: 4xx, exit code 2."""

    status_code = 400


class InvalidPath(RefusedError):
    """The path leaves the library root, or is no path at all."""


class UnknownLibrary(RefusedError):
    """No library has this id or name."""


class InvalidQuery(RefusedError):
    """A filter, cursor or statement that cannot be understood."""


class NotFound(RefusedError):
    status_code = 404


class Conflict(RefusedError):
    status_code = 409


class IntegrityError(DarkroomError):
    """Something is wrong that going on would make worse: nothing is recorded, the run fails."""


class LibraryLost(IntegrityError):
    """A library's root is absent, empty or another one, or a scan would mark too much of it missing."""

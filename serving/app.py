"""The app: a thin layer over the replica. `python -m serving.app` runs it on BIND_URL."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NoReturn

import structlog
import uvicorn
from fastapi import Depends, FastAPI
from pydantic import ValidationError
from starlette.staticfiles import StaticFiles

from deployments.settings import Settings, load_settings, own_version, settings_problem
from serving.ai.model_services import ModelServices
from serving.auth.api_keys import CurrentKeys
from serving.auth.login_limit import LoginLimit
from serving.auth.permissions import Permission, Permissions, described, required_permissions
from serving.auth.tokens import Authentication, Authenticator, is_open
from serving.backlog_counts import BacklogCounts
from serving.context import Context
from serving.edits.duplicates import NearDuplicates
from serving.errors import answers, install_error_handlers
from serving.faces.service import FaceService
from serving.faces.vectors import FaceVectors
from serving.http_protocol import BoundedHttpProtocol
from serving.known_parameters import refuse_unknown_parameters
from serving.media.preview_2048 import LargePictures
from serving.media.thumbnails import Thumbs
from serving.media.video_making import at_once, video_works
from serving.media.video_work import VideoWork
from serving.metrics import Meter
from serving.middleware import RequestMetricsMiddleware
from serving.replica.replica import Replica
from serving.request_limits import RequestLimits
from serving.routers import (
    accounts,
    changes,
    chat,
    duplicates,
    face_clusters,
    faces,
    favorites,
    image,
    insights,
    knowledge,
    libraries,
    memories,
    operations,
    persons,
    photos,
    places,
    search,
    summaries,
    tags,
    users,
    video,
    web,
)
from serving.search.index import SearchIndex
from serving.search.searcher import Searcher
from serving.trusted_hosts import TrustedHosts, trusted_names
from serving.web.pages import WEB
from sql.lake import Lake, LakeError
from tasks.errors import EmbeddingMismatch
from tasks.files.private import close_to_others, deny_others

log = structlog.get_logger(__name__)

SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "From POST /login"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "From `darkroom key add`"},
}
DESCRIPTION = """
A photo and video library: scanned, thumbnailed and ready to be asked.

**To begin:** `POST /register` makes the first account, `POST /login` gives a token. Send it with everything else as
`Authorization: Bearer <token>`; scripts send a key (`darkroom key add`) as `X-API-Key`. The `library` parameter takes
an id or a name. Errors are `{"detail": "…"}`.
"""


def create_app(settings: Settings, lake: Lake | None = None) -> FastAPI:
    """
    Args:
        lake: An open, migrated lake; None opens the one the settings name, and closes it at the end.
    """
    app = FastAPI(
        title="Darkroom",
        description=DESCRIPTION,
        version=own_version(),
        lifespan=_lifespan(settings, lake),
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    install_error_handlers(app)
    meter = Meter()
    app.state.meter = meter
    app.add_middleware(Thumbs, replica=lambda: _context(app).replica, folder=settings.thumbnails_folder)
    app.add_middleware(Authentication, authority=lambda: _context(app).authority)
    app.add_middleware(RequestLimits)
    app.add_middleware(TrustedHosts, names=trusted_names(settings))
    app.add_middleware(RequestMetricsMiddleware, meter=lambda: meter)
    for module in (
        accounts,
        users,
        libraries,
        search,
        places,
        duplicates,
        photos,
        tags,
        favorites,
        memories,
        changes,
        persons,
        face_clusters,
        faces,
        image,
        video,
        summaries,
        insights,
        knowledge,
        chat,
        operations,
    ):
        app.include_router(module.router, dependencies=[Depends(refuse_unknown_parameters)])
    app.include_router(web.router)  # pages: whatever a link carries along is not theirs to judge
    app.mount("/static/docs", StaticFiles(directory=web.docs_assets()), name="docs-assets")
    app.mount("/static", StaticFiles(directory=WEB / "static"), name="static")
    _document_routes(app)
    return app


def _context(app: FastAPI) -> Context:
    context: Context = app.state.context
    return context


def _lifespan(settings: Settings, given: Lake | None) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        lake = given if given is not None else await asyncio.to_thread(open_lake, settings)
        replica = await asyncio.to_thread(Replica, lake)
        authority = Authenticator(settings.signing_key, lambda: replica.current, CurrentKeys(lake))
        large = LargePictures(lake, replica, settings.thumbnails_folder, at_once=max(1, settings.threads // 2))
        films = VideoWork(lake, replica, video_works(settings), at_once(settings))
        app.state.meter.watch(replica, BacklogCounts(lake, settings))
        searcher = Searcher(SearchIndex(lake))
        near, vectors = NearDuplicates(lake), FaceVectors(lake)
        face_service = FaceService(settings)
        ai = ModelServices(settings, lake)
        app.state.context = Context(
            settings, lake, replica, authority, LoginLimit(), large, films, searcher, near,
            face_service, vectors, app.state.meter, ai,
        )  # fmt: skip
        replica.start()
        searcher.index.start()
        near.start()
        ahead = asyncio.create_task(asyncio.to_thread(_read_ahead, vectors, ai))
        try:
            yield
        finally:
            await ai.close()
            await ahead
            await asyncio.to_thread(films.stop)
            await asyncio.to_thread(face_service.close)
            await asyncio.to_thread(searcher.index.stop)
            await asyncio.to_thread(near.stop)
            await asyncio.to_thread(replica.stop)
            if given is None:
                lake.close()

    return lifespan


def _read_ahead(vectors: FaceVectors, ai: ModelServices) -> None:
    """What the first request would wait for; where it cannot be read, that request says why."""
    try:
        vectors.by_version()
        ai.summaries.current()
    except (LakeError, EmbeddingMismatch) as exc:
        log.warning("start.not_read_ahead", reason=str(exc))


def open_lake(settings: Settings) -> Lake:
    """Raises LakeError."""
    lake = Lake(settings.catalog_url, settings.data_path, threads=2)  # for reading all of it at the start
    lake.migrate()
    return lake


def _document_routes(app: FastAPI) -> None:
    """Say in the OpenAPI document what each route is for and which need the token; the middleware is what refuses."""
    build = app.openapi

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            schema = build()
            schema.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
            for path, item in schema["paths"].items():
                for method, operation in item.items():
                    operation["summary"] = operation["description"].split("\n")[0].split(". ")[0].rstrip(".:")
                    _document_refusals(operation, None if is_open(path) else required_permissions(method.upper(), path))
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document_refusals(operation: dict[str, Any], needs: Permissions | None) -> None:
    """What every route answers to who may not, and to a body that cannot be read."""
    refusals = answers(400)  # a query parameter that it does not have, a body that is no JSON at all
    if needs is not None:
        operation["security"] = [{"token": []}] if Permission.login in needs else [{"token": []}, {"key": []}]
        operation["description"] += f"\n\nNeeds: {described(needs)}."
        refusals |= answers(401, 403)
    for status, refusal in refusals.items():
        operation["responses"].setdefault(str(status), refusal)


def configure_logging(level: str) -> None:
    """One line per event on stderr. No request lines: they would hold file names."""
    number = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Plain tracebacks: the prettier ones print local variables, and passwords are among them.
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=number, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def main() -> None:
    """Run the API until it is told to stop; an error we know is one line, exit code 1 (2 for a wrong setting)."""
    deny_others()
    settings = _settings()
    configure_logging(settings.log_level)
    if closed := close_to_others(settings.private_paths()):
        log.warning("private.closed", paths=[str(path) for path in closed], why="other users could read them")
    if settings.secret_is_short:
        log.warning("secret_key.short", advice="a SECRET_KEY of 32 characters or more cannot be guessed from a token")
    try:
        lake = open_lake(settings)
    except LakeError as exc:
        _complain(str(exc), 1)
    app = create_app(settings, lake)
    gc.collect()
    gc.freeze()  # else one request in a thousand waits 65 ms for 150,000 objects that stay being looked through
    try:
        uvicorn.Server(server_config(app, settings)).run()
    finally:
        lake.close()


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How the API is served: on BIND_URL, within the bounds of serving/http_protocol.py."""
    host, port = settings.bind
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedHttpProtocol,
        ws="none",
        limit_concurrency=settings.max_connections + 1,
        proxy_headers=bool(settings.trusted_proxies),  # by default uvicorn believes whoever is on this machine
        forwarded_allow_ips=settings.trusted_proxies,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def _settings() -> Settings:
    try:
        return load_settings()
    except ValidationError as exc:
        _complain(settings_problem(exc), 2)


def _complain(message: str, code: int) -> NoReturn:
    print(f"darkroom: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()

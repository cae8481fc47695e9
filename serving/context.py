"""What every handler may need, made once when the app starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from deployments.settings import Settings
from serving.ai.model_services import ModelServices
from serving.auth.login_limit import LoginLimit
from serving.auth.tokens import Authenticator, Identity
from serving.edits.duplicates import NearDuplicates
from serving.faces.service import FaceService
from serving.faces.vectors import FaceVectors
from serving.media.preview_2048 import LargePictures
from serving.media.video_work import VideoWork
from serving.metrics import Meter
from serving.replica.replica import Replica
from serving.replica.snapshot import ReplicaSnapshot
from serving.search.searcher import Searcher
from sql.lake import Lake


@dataclass(frozen=True, slots=True)
class Context:
    settings: Settings
    lake: Lake
    replica: Replica
    authority: Authenticator
    login_limit: LoginLimit
    large: LargePictures
    video_work: VideoWork
    search: Searcher
    near: NearDuplicates
    faces: FaceService
    vectors: FaceVectors
    meter: Meter
    ai: ModelServices


# `async`, since FastAPI sends every plain dependency through the thread pool: two hops a request for nothing.
async def context_of(request: Request) -> Context:
    return cast(Context, request.app.state.context)


async def snapshot_of(request: Request) -> ReplicaSnapshot:
    """The replica's state for the length of one request."""
    context: Context = request.app.state.context
    return context.replica.current


async def identity_of(request: Request) -> Identity:
    """Who asks: the account's number, name and role. Only for routes that need a login or a key."""
    return cast(Identity, request.state.identity)


ContextDep = Annotated[Context, Depends(context_of)]
SnapshotDep = Annotated[ReplicaSnapshot, Depends(snapshot_of)]
IdentityDep = Annotated[Identity, Depends(identity_of)]

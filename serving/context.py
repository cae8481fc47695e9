"""What every handler may need, made once when the app starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from deployments.settings import Settings
from serving.ai import Ai
from serving.auth import Authority
from serving.large import LargePictures
from serving.login_limit import LoginLimit
from serving.metrics import Meter
from serving.replica import Replica
from serving.replica_copy import Copy
from serving.video_work import VideoWork
from sql.lake import Lake


@dataclass(frozen=True, slots=True)
class Context:
    settings: Settings
    lake: Lake
    replica: Replica
    authority: Authority
    login_limit: LoginLimit
    large: LargePictures
    video_work: VideoWork
    meter: Meter
    ai: Ai


# `async`, since FastAPI sends every plain dependency through the thread pool: two hops a request for nothing.
async def context_of(request: Request) -> Context:
    return cast(Context, request.app.state.context)


async def copy_of(request: Request) -> Copy:
    """The replica's state for the length of one request."""
    context: Context = request.app.state.context
    return context.replica.current


ContextDep = Annotated[Context, Depends(context_of)]
CopyDep = Annotated[Copy, Depends(copy_of)]

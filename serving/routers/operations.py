"""GET /healthz and GET /metrics: how it is doing."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from serving.context import ContextDep, SnapshotDep
from serving.errors import RETRY_AFTER_SECONDS, answers
from serving.json import json_answer
from serving.schemas.photos import Failures, Health
from sql.lake import LakeError

router = APIRouter(tags=["operations"])


@router.get("/healthz", responses={200: {"model": Health}, 503: {"model": Health, "description": "Not usable"}})
def health(context: ContextDep) -> Response:
    """Whether the catalog can be read. Needs no token."""
    replica = context.replica
    try:
        replica.refresh()
    except LakeError:
        detail = "the catalog cannot be read; the server's log has the reason"
        return JSONResponse(
            {"status": "unavailable", "snapshot": None, "replica_age_s": None, "detail": detail},
            503,
            {"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    age = round(time.monotonic() - replica.checked_at, 3)
    return JSONResponse({"status": "ok", "snapshot": replica.current.snapshot_id, "replica_age_s": age})


@router.get("/failures", responses={200: {"model": Failures}, **answers(401)})
def read_failures(
    copy: SnapshotDep,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 500,
    offset: Annotated[int, Query(ge=0, le=1 << 40)] = 0,
) -> Response:
    """Files that could not be read or shown, and why; the latest asset first."""
    rows = copy.rows("listing/failure_list", row_limit=limit, row_offset=offset)
    total = copy.rows("listing/failure_count")[0]["failures"]
    return json_answer({"failures": rows, "total": total})


@router.get("/metrics", response_class=Response, responses=answers(401))
def metrics(context: ContextDep) -> Response:
    """For Prometheus: assets, backlog and failures by stage, derivatives, the replica, requests and their times."""
    return Response(context.meter.text(), media_type=CONTENT_TYPE_LATEST)

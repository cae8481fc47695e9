"""GET /libraries."""

from __future__ import annotations

from fastapi import APIRouter

from serving.auth.permissions import OWNER
from serving.context import ContextDep, IdentityDep, SnapshotDep
from serving.errors import answers
from serving.schemas.photos import Libraries, Library

router = APIRouter(tags=["libraries"])


@router.get("/libraries", responses=answers(401))
def read_libraries(context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Libraries:
    """The configured roots. Every `library` parameter takes the id or the name."""
    excluded = context.settings.excluded_dirs
    is_owner = who.role == OWNER
    return Libraries(
        libraries=[
            Library(
                id=row["library_id"],
                name=row["name"],
                root_path=row["root_path"] if is_owner else None,
                excluded_dirs=excluded,
            )
            for row in copy.libraries
        ]
    )

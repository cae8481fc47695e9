"""Groups of faces that look like one person and have no name yet."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from serving.context import Context, ContextDep, IdentityDep, SnapshotDep
from serving.edits.edit import edit
from serving.edits.people import assign, chosen_person, faces_by_id
from serving.errors import answers
from serving.faces.queries import faces_of_cluster, person_or_404, some_faces, suggest_for
from serving.replica.snapshot import ReplicaSnapshot
from serving.schemas.faces import (
    MAX_FACE_NUMBER,
    Cluster,
    ClusterPatch,
    Face,
    MergeClusters,
    NameCluster,
    Person,
    SplitCluster,
    Suggestion,
)
from sql.lake import Row, Writer, utc_now
from tasks.errors import Conflict, InvalidQuery, NotFound
from tasks.faces.record import new_numbers
from tasks.faces.tagged import bind_tagged

router = APIRouter(prefix="/faces/clusters", tags=["faces"])

ClusterId = Annotated[int, Path(ge=1, le=MAX_FACE_NUMBER)]
Limit = Annotated[int, Query(ge=1, le=500)]
Offset = Annotated[int, Query(ge=0, le=1 << 40)]


@router.get("", responses=answers(401))
def read_clusters(
    context: ContextDep,
    copy: SnapshotDep,
    min_size: Annotated[int, Query(ge=1, le=10_000, description="Faces without a name in it")] = 2,
    include_ignored: bool = False,
    limit: Limit = 50,
    offset: Offset = 0,
) -> list[Cluster]:
    """Groups to name, the largest first; `suggestion` says whom one looks like."""
    rows = _clusters(copy, min_size=min_size, with_ignored=include_ignored, limit=limit, offset=offset)
    return _shown(context, copy, rows)


@router.get("/{cluster_id}", responses=answers(401, 404))
def read_cluster(cluster_id: ClusterId, copy: SnapshotDep, limit: Limit = 100, offset: Offset = 0) -> list[Face]:
    """The faces without a name in one group."""
    _cluster(copy, cluster_id)
    return [Face(**row) for row in faces_of_cluster(copy, cluster_id, limit, offset)]


@router.post("/{cluster_id}/person", responses=answers(400, 401, 404, 409, 503))
def name_cluster(cluster_id: ClusterId, body: NameCluster, context: ContextDep, who: IdentityDep) -> Person:
    """Name everybody in a group at once: somebody known, or a new person."""
    with edit(context, who, f"named the faces of group {cluster_id}") as writer:
        faces = _nameless(writer, cluster_id)
        person = chosen_person(writer, body.person_id, body.person_name)
        if person is None:
            raise InvalidQuery("say who it is: person_id, or person_name")
        assign(writer, faces, person, who.name)
        bind_tagged(writer, context.faces.min_cosine, [person["name"]])
    return Person(**person_or_404(context.replica.current, person["person_id"]))


@router.patch("/{cluster_id}", responses=answers(401, 404, 409, 503))
def ignore_cluster(cluster_id: ClusterId, body: ClusterPatch, context: ContextDep, who: IdentityDep) -> Cluster:
    """Passers-by: an ignored group is not listed, and takes in who looks like it."""
    verb = "ignored" if body.is_ignored else "no longer ignored"
    with edit(context, who, f"{verb} group {cluster_id} of faces") as writer:
        row = _row(writer, cluster_id)
        writer.replace("face_cluster", [row | {"is_ignored": body.is_ignored}])
    return _shown(context, context.replica.current, [_cluster(context.replica.current, cluster_id)])[0]


@router.post("/{cluster_id}/merge", responses=answers(401, 404, 409, 503))
def merge_clusters(cluster_id: ClusterId, body: MergeClusters, context: ContextDep, who: IdentityDep) -> Cluster:
    """Two groups show one person: this one is gone, its faces are in `into`."""
    with edit(context, who, f"merged group {cluster_id} of faces into {body.into}") as writer:
        source, target = _row(writer, cluster_id), _row(writer, body.into)
        if source["cluster_id"] == target["cluster_id"]:
            raise Conflict("a group cannot be merged into itself")
        if source["model_version"] != target["model_version"]:
            raise Conflict("the groups are of two models, whose faces cannot be compared")
        writer.execute("update face set cluster_id = $target where cluster_id = $source",
                       target=body.into, source=cluster_id)  # fmt: skip
        writer.delete("face_cluster", [source])
        writer.replace("face_cluster", [target | {"by_user": True}])
    copy = context.replica.current
    return _shown(context, copy, [_cluster(copy, body.into)])[0]


@router.post("/{cluster_id}/split", status_code=201, responses=answers(401, 404, 409, 503))
def split_cluster(cluster_id: ClusterId, body: SplitCluster, context: ContextDep, who: IdentityDep) -> Cluster:
    """Some faces of a group are another person's: they become a group of their own."""
    with edit(context, who, f"split group {cluster_id} of faces") as writer:
        row, faces = _row(writer, cluster_id), faces_by_id(writer, body.face_ids)
        if any(face["cluster_id"] != cluster_id for face in faces):
            raise Conflict(f"not all of these faces are in group {cluster_id}")
        number = new_numbers(writer, "face_cluster", 1)
        fresh = row | {"cluster_id": number, "by_user": True, "is_ignored": False, "created_at": utc_now()}
        writer.replace("face_cluster", [row | {"by_user": True}, fresh])
        writer.run("faces/join_groups", faces=[face["face_id"] for face in faces], clusters=[number] * len(faces))
    copy = context.replica.current
    return _shown(context, copy, [_cluster(copy, number)])[0]


def _clusters(
    copy: ReplicaSnapshot,
    *,
    min_size: int = 1,
    with_ignored: bool = True,
    cluster_id: int | None = None,
    limit: int = 1,
    offset: int = 0,
) -> list[Row]:
    return copy.rows(
        "faces/clusters", min_size=min_size, with_ignored=with_ignored, cluster_id=cluster_id, row_limit=limit,
        row_offset=offset,
    )  # fmt: skip


def _cluster(copy: ReplicaSnapshot, cluster_id: int) -> Row:
    """Raises NotFound: There is none, or everybody in it has a name."""
    rows = _clusters(copy, cluster_id=cluster_id)
    if not rows:
        raise NotFound(f"there is no group {cluster_id} of faces without a name")
    return rows[0]


def _shown(context: Context, copy: ReplicaSnapshot, rows: list[Row]) -> list[Cluster]:
    suggested = suggest_for(copy, context.vectors, rows)
    covers = some_faces(copy, [row["cover_face_id"] for row in rows])
    return [
        Cluster(
            **{name: row[name] for name in row if name != "model_version"},
            crop_url=covers[row["cover_face_id"]]["crop_url"],
            suggestion=Suggestion(**suggested[row["id"]]) if row["id"] in suggested else None,
        )
        for row in rows
    ]


def _row(writer: Writer, cluster_id: int) -> Row:
    """Raises NotFound."""
    found = writer.execute("select * from face_cluster where cluster_id = $number", number=cluster_id)
    if not found:
        raise NotFound(f"there is no group {cluster_id} of faces")
    return found[0]


def _nameless(writer: Writer, cluster_id: int) -> list[Row]:
    """Raises NotFound."""
    rows = writer.execute("select * from face where cluster_id = $number and person_id is null", number=cluster_id)
    if not rows:
        raise NotFound(f"there is no group {cluster_id} of faces without a name")
    return rows

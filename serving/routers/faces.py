"""Faces in pictures: read, drawn, corrected, named."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from serving.context import Context, ContextDep, IdentityDep, SnapshotDep
from serving.edits.edit import edit, picture_at
from serving.edits.people import assign, chosen_person, faces_by_id, person_by_id
from serving.errors import answers
from serving.faces.queries import face_by_id, faces_of_picture, some_faces, vector_text
from serving.faces.service import NoFace
from serving.listing.filters import LibraryQuery
from serving.listing.paths import find_asset, library_id_of
from serving.media.face_crops import crop_answer
from serving.replica.snapshot import ReplicaSnapshot
from serving.schemas.faces import (
    MAX_FACE_NUMBER,
    Assignment,
    Bbox,
    Deleted,
    Face,
    FacePatch,
    FaceStats,
    FaceVector,
    NewFace,
    Rejection,
    WhichPhoto,
)
from sql.lake import Row, Writer, utc_now
from tasks.errors import AssetError, InvalidQuery
from tasks.faces.protocol import Box, FoundFace, checked_box
from tasks.faces.reconcile import box_columns
from tasks.faces.record import FaceScan, face_row, new_numbers, record_looks
from tasks.faces.tagged import bind_tagged

router = APIRouter(tags=["faces"])

FaceId = Annotated[int, Path(ge=1, le=MAX_FACE_NUMBER)]
Offset = Annotated[int, Query(ge=0, le=1 << 40)]


@router.get("/faces/stats", responses=answers(400, 401))
def read_stats(context: ContextDep, copy: SnapshotDep, library: LibraryQuery = None) -> FaceStats:
    """How many pictures were looked at for faces, what was found, and by which engine."""
    row = copy.rows("faces/stats", library_id=library_id_of(copy, library))[0]
    return FaceStats(**row, engine=context.faces.choice.name)


@router.get("/faces/embeddings", responses=answers(400, 401, 403))
def read_vectors(
    context: ContextDep,
    copy: SnapshotDep,
    unassigned: Annotated[bool, Query(description="Only faces of nobody yet")] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Offset = 0,
    library: LibraryQuery = None,
) -> list[FaceVector]:
    """Faces with their vectors, by number; page with `offset` until there are fewer than `limit`."""
    rows = context.lake.rows(
        "serving/faces/vectors_page", unassigned=unassigned, library_id=library_id_of(copy, library), row_limit=limit,
        row_offset=offset,
    )  # fmt: skip
    return [
        FaceVector(**row, bbox=Bbox(x=row["x"], y=row["y"], w=row["width"], h=row["height"]))
        for row in ({**row, "embedding": vector_text(row["embedding"])} for row in rows)
    ]


@router.get("/image/faces", responses=answers(400, 401, 404))
def read_faces(
    copy: SnapshotDep,
    path: Annotated[str, Query(max_length=8192, description="Relative to the library")],
    library: LibraryQuery = None,
) -> list[Face]:
    """The faces in one photo, from left to right. Copies of a picture have the same."""
    return _shown(copy, find_asset(copy, path, library))


@router.post("/image/faces", status_code=201, responses=answers(400, 401, 404, 409, 503))
def add_face(body: NewFace, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Face:
    """
    Draw a face that was missed. 422 when none can be recognised in the box, 503 while faces are off: `force` keeps it.
    """
    asset = picture_at(copy, body.path, body.library)
    box = _box(body.bbox)
    seen = _recognise(context, copy, asset, box, force=body.force)
    with edit(context, who, f"drew a face in {asset['path']}") as writer:
        person = chosen_person(writer, body.person_id, body.person_name)
        number = new_numbers(writer, "face", 1)
        row = face_row(asset["content_hash"], "manual", face_id=number, **box_columns(box))
        row |= {"person_id": person["person_id"], "bound_by": "user"} if person else {}
        _write(writer, row, seen)
    return _one(context.replica.current, number)


def _recognise(
    context: Context, copy: ReplicaSnapshot, asset: Row, box: Box, *, force: bool
) -> tuple[str, FoundFace] | None:
    """None: forced. Raises NoFace, FacesOff, FaceServiceUnavailable."""
    if force and not context.faces.choice.is_on:
        return None
    try:
        return context.faces.embed(copy, asset, box)
    except (NoFace, AssetError) as exc:
        if force:
            return None
        raise exc if isinstance(exc, NoFace) else NoFace(f"this picture cannot be looked at: {exc}") from exc


def _write(writer: Writer, row: Row, seen: tuple[str, FoundFace] | None) -> None:
    """The face, and its vector where there is a new one."""
    if seen is None:
        writer.replace("face", [row])
        return
    version, face = seen
    moved = row.get("cluster_id") is not None and row["model_version"] != version
    writer.replace("face", [row | {"model_version": version} | ({"cluster_id": None} if moved else {})])
    assert face.embedding is not None
    vector = {"face_id": row["face_id"], "model_version": version, "embedding": face.embedding.tolist()}
    writer.replace("face_embedding", [vector])


@router.patch("/image/faces/{face_id}", responses=answers(400, 401, 404, 503))
def change_face(face_id: FaceId, body: FacePatch, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Face:
    """
    Move a face's box, or say whose it is.

    A moved box is recognised anew; where no face is seen in it, the box moves and the old vector stays. 503 when the
    service is off or away: then nothing changes.
    """
    known = face_by_id(copy, face_id)
    seen, box = None, None
    if body.bbox is not None:
        box = _box(body.bbox)
        seen = _look_again(context, copy, known, box)
    if body.bbox is None and not body.model_fields_set & {"person_id", "person_name"}:
        raise InvalidQuery("say what to change: bbox, person_id or person_name")
    with edit(context, who, f"changed a face in {known['path'] or 'a picture that is gone'}") as writer:
        row = faces_by_id(writer, [face_id])[0]
        if box is not None:
            _write(writer, row | box_columns(box) | {"source": "manual", "recorded_at": utc_now()}, seen)
        if body.model_fields_set & {"person_id", "person_name"}:
            assign(writer, [row], chosen_person(writer, body.person_id, body.person_name), who.name)
    return _one(context.replica.current, face_id)


def _look_again(context: Context, copy: ReplicaSnapshot, known: Row, box: Box) -> tuple[str, FoundFace] | None:
    """None: the old vector stays. Raises FacesOff, FaceServiceUnavailable."""
    context.faces.engine()
    if known["asset_id"] is None:
        return None
    asset = find_asset(copy, known["path"], str(known["library_id"]))
    try:
        return context.faces.embed(copy, asset, box)
    except (NoFace, AssetError):
        return None


@router.delete("/image/faces/{face_id}", responses=answers(401, 404, 503))
def delete_face(face_id: FaceId, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Deleted:
    """It is no face, or nobody's business. POST /undo brings it back."""
    known = face_by_id(copy, face_id)
    with edit(context, who, f"deleted a face from {known['path'] or 'a picture that is gone'}") as writer:
        rows = faces_by_id(writer, [face_id])
        writer.delete("face", rows)
        writer.delete("face_embedding", [{"face_id": face_id}])
    return Deleted(deleted=face_id)


@router.post("/image/faces/rerun", responses=answers(400, 401, 404, 409, 503))
def look_for_faces(body: WhichPhoto, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> list[Face]:
    """
    Look for faces in one photo anew. What was drawn or named by hand stays, and a face in its old place keeps its name.
    """
    asset = picture_at(copy, body.path, body.library)
    try:
        detection = context.faces.detect(copy, asset)
    except AssetError as exc:
        raise NoFace(f"this picture cannot be looked at: {exc}") from exc
    with edit(context, who, f"looked for faces in {asset['path']}") as writer:
        record_looks(writer, [FaceScan(asset["content_hash"], detection.model_version, detection)])
    return _shown(context.replica.current, asset)


@router.post("/faces/assign", responses=answers(400, 401, 404, 503))
def name_faces(body: Assignment, context: ContextDep, who: IdentityDep) -> list[Face]:
    """Say whose many faces are, in one step; without a person they are nobody's."""
    with edit(context, who, f"named {len(body.face_ids):,} faces") as writer:
        faces = faces_by_id(writer, body.face_ids)
        person = chosen_person(writer, body.person_id, body.person_name)
        assign(writer, faces, person, who.name)
        if person is not None:  # there is more to compare with now
            bind_tagged(writer, context.faces.min_cosine, [person["name"]])
    found = some_faces(context.replica.current, body.face_ids)
    return [Face(**found[number]) for number in dict.fromkeys(body.face_ids)]


@router.post("/faces/{face_id}/reject", responses=answers(401, 404, 503))
def reject_person(face_id: FaceId, body: Rejection, context: ContextDep, who: IdentityDep) -> Face:
    """ "Is this …?" No: neither tags nor likeness will give the face this name again."""
    with edit(context, who, "said whose a face is not") as writer:
        face, person = faces_by_id(writer, [face_id])[0], person_by_id(writer, body.person_id)
        writer.replace("face_rejection", [{
            "face_id": face_id, "person_id": person["person_id"], "rejected_by": who.name, "rejected_at": utc_now(),
        }])  # fmt: skip
        if face["person_id"] == person["person_id"]:
            assign(writer, [face], None, who.name)
    return _one(context.replica.current, face_id)


@router.get("/faces/{face_id}/crop", response_class=Response, responses=answers(401, 404, 503))
def read_crop(
    face_id: FaceId,
    context: ContextDep,
    copy: SnapshotDep,
    request: Request,
    v: Annotated[str, Query(max_length=64, description="As `cover_url` has it: the answer may be kept")] = "",  # noqa: ARG001
) -> Response:
    """The face, as a square JPEG of at most 160 pixels."""
    return crop_answer(request, context, copy, face_by_id(copy, face_id))


def _box(bbox: Bbox) -> Box:
    """Raises InvalidQuery."""
    box = checked_box(bbox.x, bbox.y, bbox.w, bbox.h)
    if box is None:
        raise InvalidQuery("bbox is x, y, w, h between 0 and 1, inside the picture")
    return box


def _shown(copy: ReplicaSnapshot, asset: Row) -> list[Face]:
    return [Face(**row) for row in faces_of_picture(copy, asset)]


def _one(copy: ReplicaSnapshot, face_id: int) -> Face:
    return Face(**face_by_id(copy, face_id))

"""People: named once, found everywhere."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from serving.context import ContextDep, IdentityDep, SnapshotDep
from serving.edits.edit import edit
from serving.edits.people import (
    add_person,
    assign,
    checked_person_name,
    chosen_person,
    faces_by_id,
    find_person,
    merge_persons,
    person_by_id,
    remove_person,
)
from serving.edits.person_names import rename
from serving.errors import answers
from serving.faces.queries import faces_like, faces_of_person, person_or_404, some_faces
from serving.listing.filters import MAX_PHOTOS, PageLimit, PageOffset
from serving.replica.snapshot import ReplicaSnapshot
from serving.schemas.faces import (
    MAX_NUMBER,
    Bootstrap,
    BootstrapCandidate,
    Bootstrapped,
    Deleted,
    Face,
    FaceSuggestion,
    MergePersons,
    NewPerson,
    Person,
    PersonPatch,
    Skipped,
    SplitPerson,
)
from sql.lake import Row, utc_now
from tasks.errors import Conflict, InvalidQuery, NotFound
from tasks.faces.names import looks_like_person, normalized_name
from tasks.faces.record import same_name
from tasks.faces.tagged import bind_tagged

router = APIRouter(tags=["people"])

PersonId = Annotated[int, Path(ge=1, le=MAX_NUMBER)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=1 << 40)]
IncludeIgnored = Annotated[bool, Query(description="Also people somebody ignores")]


@router.get("/persons", responses=answers(401))
def read_people(
    copy: SnapshotDep,
    include_ignored: IncludeIgnored = False,
    limit: PageLimit = MAX_PHOTOS,
    offset: PageOffset = 0,
) -> list[Person]:
    """Everybody, those in most photos first; the ignored are left out."""
    rows = copy.rows("faces/people", person_id=None, with_ignored=include_ignored)
    return [Person(**row) for row in rows[offset : offset + limit]]


@router.post("/persons", status_code=201, responses=answers(400, 401, 409, 503))
def make_person(body: NewPerson, context: ContextDep, who: IdentityDep) -> Person:
    """Add a person. 409 when there is one of this name, in any case. Photos tagged with the name get it at once."""
    with edit(context, who, f"added {' '.join(body.name.split())[:100]}") as writer:
        row = add_person(writer, body.name, notes=body.notes, entity_id=body.entity_id, is_ignored=body.is_ignored)
        bind_tagged(writer, context.faces.min_cosine)
    return _one(context.replica.current, row["person_id"])


@router.get("/persons/{person_id:int}", responses=answers(401, 404))
def read_person(person_id: PersonId, copy: SnapshotDep) -> Person:
    """One person, ignored or not."""
    return _one(copy, person_id)


@router.patch("/persons/{person_id:int}", responses=answers(400, 401, 404, 409, 503))
def change_person(person_id: PersonId, body: PersonPatch, context: ContextDep, copy: SnapshotDep,
                  who: IdentityDep) -> Person:  # fmt: skip
    """Rename, ignore, or choose the face that stands for a person. 409 when another one has the name: merge them."""
    name = person_or_404(copy, person_id)["name"]
    if not body.model_fields_set:
        raise InvalidQuery("say what to change")
    with edit(context, who, f"changed {name}") as writer:
        row = person_by_id(writer, person_id)
        changes = body.model_dump(exclude_unset=True)
        if body.name is not None:
            changes["name"] = checked_person_name(body.name)
            other = find_person(writer, changes["name"])
            if other is not None and other["person_id"] != person_id:
                raise Conflict(f"there is a person called {other['name']} already: merge this one into number "
                               f"{other['person_id']}")  # fmt: skip
            rename(writer, row, changes["name"])
        if body.cover_face_id is not None and faces_by_id(writer, [body.cover_face_id])[0]["person_id"] != person_id:
            raise Conflict(f"face {body.cover_face_id} is not {name}'s")
        for never_null in ("name", "is_ignored"):
            if changes.get(never_null, "") is None:
                changes.pop(never_null)
        writer.replace("person", [row | changes | {"updated_at": utc_now()}])
    return _one(context.replica.current, person_id)


@router.delete("/persons/{person_id:int}", responses=answers(401, 404, 503))
def delete_person(person_id: PersonId, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Deleted:
    """Forget a name; the faces stay, as nobody's. POST /undo brings it back."""
    with edit(context, who, f"deleted {person_or_404(copy, person_id)['name']}") as writer:
        remove_person(writer, person_by_id(writer, person_id))
    return Deleted(deleted=person_id)


@router.get("/persons/{person_id:int}/faces", responses=answers(401, 404))
def read_faces_of(person_id: PersonId, copy: SnapshotDep, limit: Limit = 100, offset: Offset = 0) -> list[Face]:
    """A person's faces, the latest found first. GET /photos?person_ids= lists the photos."""
    person_or_404(copy, person_id)
    return [Face(**row) for row in faces_of_person(copy, person_id, limit, offset)]


@router.get("/persons/{person_id:int}/suggestions", responses=answers(401, 404))
def read_suggestions(person_id: PersonId, context: ContextDep, copy: SnapshotDep,
                     limit: Limit = 50) -> list[FaceSuggestion]:  # fmt: skip
    """ "Is this …?": faces of nobody that look like this person, most alike first."""
    person_or_404(copy, person_id)
    scores: dict[int, float] = {}
    for known in context.vectors.by_version().values():
        scores |= faces_like(copy, known, person_id, limit)
    best = sorted(scores, key=lambda number: (-scores[number], number))[:limit]
    faces = some_faces(copy, best)
    return [
        FaceSuggestion(**faces[number], score=round(scores[number], 4))
        for number in best
        if number in faces and faces[number]["asset_id"] is not None
    ]


@router.post("/persons/{person_id:int}/merge", responses=answers(401, 404, 409, 503))
def merge_person(person_id: PersonId, body: MergePersons, context: ContextDep, copy: SnapshotDep,
                 who: IdentityDep) -> Person:  # fmt: skip
    """Two names for one person: all faces are `into`'s from now on, and this one is gone."""
    source, target = person_or_404(copy, person_id), person_or_404(copy, body.into)
    with edit(context, who, f"merged {source['name']} into {target['name']}") as writer:
        merge_persons(writer, person_by_id(writer, person_id), person_by_id(writer, body.into))
    return _one(context.replica.current, body.into)


@router.post("/persons/{person_id:int}/split", responses=answers(400, 401, 404, 409, 503))
def split_person(person_id: PersonId, body: SplitPerson, context: ContextDep, copy: SnapshotDep,
                 who: IdentityDep) -> Person:  # fmt: skip
    """Some of a person's faces are somebody else's: somebody known, or a new person of the given name."""
    name = person_or_404(copy, person_id)["name"]
    if body.person_id is None and body.person_name is None:
        raise InvalidQuery("say whose they are: person_id, or person_name")
    with edit(context, who, f"split {len(body.face_ids):,} faces from {name}") as writer:
        faces = faces_by_id(writer, body.face_ids)
        if any(face["person_id"] != person_id for face in faces):
            raise Conflict(f"not all of these faces are {name}'s")
        target = chosen_person(writer, body.person_id, body.person_name)
        assert target is not None
        if target["person_id"] == person_id:
            raise Conflict(f"they are {name}'s already")
        assign(writer, faces, target, who.name)
    return _one(context.replica.current, target["person_id"])


@router.get("/tags/people-bootstrap-candidates", responses=answers(401))
def read_candidates(
    context: ContextDep, copy: SnapshotDep, limit: PageLimit = MAX_PHOTOS, offset: PageOffset = 0
) -> list[BootstrapCandidate]:
    """Tags and keywords that may be people's names: the likely ones first, then the ones in most photos."""
    words: dict[str, Row] = {}
    for row in sorted(
        context.lake.rows("serving/faces/bootstrap_words"), key=lambda row: (-row["usage_count"], row["name"])
    ):
        key = normalized_name(row["name"])
        known = words.setdefault(key, {"name": row["name"], "normalized_name": key, "usage_count": 0})
        known["usage_count"] += row["usage_count"]
    people = {same_name(row["name"]) for row in copy.rows("faces/people", person_id=None, with_ignored=True)}
    found = [
        BootstrapCandidate(**word, looks_like_person=looks_like_person(word["name"]), already_exists=key in people)
        for key, word in words.items()
    ]
    found.sort(key=lambda one: (not one.looks_like_person, -one.usage_count, one.normalized_name))
    return found[offset : offset + limit]


@router.post("/persons/bootstrap", responses=answers(400, 401, 409, 503))
def bootstrap_people(body: Bootstrap, context: ContextDep, who: IdentityDep) -> Bootstrapped:
    """Make people of tags' names. Who is there already is skipped; faces on photos with the tag get the name."""
    made: list[int] = []
    skipped: list[Skipped] = []
    with edit(context, who, f"made people of {len(body.names):,} tags") as writer:
        for name in body.names:
            try:
                made.append(int(add_person(writer, name, from_tag=True)["person_id"]))
            except Conflict:
                skipped.append(Skipped(name=name, reason="already exists"))
            except InvalidQuery as exc:
                skipped.append(Skipped(name=name, reason=str(exc)))
        bound = bind_tagged(writer, context.faces.min_cosine) if made else 0
    return Bootstrapped(
        created=[_one(context.replica.current, number) for number in made], skipped=skipped, bound=bound
    )


def _one(copy: ReplicaSnapshot, person_id: int) -> Person:
    """Raises NotFound."""
    rows = copy.rows("faces/people", person_id=person_id, with_ignored=True)
    if not rows:
        raise NotFound(f"there is no person {person_id}")
    return Person(**rows[0])

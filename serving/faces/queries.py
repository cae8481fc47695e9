"""Faces as a client asks for them: from the replica, but for vectors, which lie in the lake."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from serving.faces.vectors import FaceVectors, Known
from serving.replica.snapshot import ReplicaSnapshot, as_list
from sql.lake import Row, statement
from tasks.errors import NotFound
from tasks.faces.bind import Vectors, means

SUGGEST_COSINE = 0.42  # "is this …?": below it the answer is hardly ever yes
EVERYTHING = 1 << 40
_LOOKED_AT = 2_000  # faces at a time, the most alike first: most of them have the name already
_BY_PLACE = "coalesce(face.at_seconds, 0), face.x, face.face_id"
_BY_TIME = "face.recorded_at desc, face.face_id"


def faces_of_picture(copy: ReplicaSnapshot, asset: Row) -> list[Row]:
    """From left to right. Where the picture has several places, it is the one asked for."""
    rows = _faces(copy, "face.content_hash = $content_hash", _BY_PLACE, content_hash=asset["content_hash"])
    place = {name: asset[name] for name in ("asset_id", "path", "library_id")}
    return [row | place for row in rows]


def face_by_id(copy: ReplicaSnapshot, face_id: int) -> Row:
    """Raises NotFound."""
    rows = _faces(copy, "face.face_id = $face_id", _BY_PLACE, face_id=face_id)
    if not rows:
        raise NotFound(f"there is no face {face_id}")
    return rows[0]


def faces_of_person(copy: ReplicaSnapshot, person_id: int, limit: int, offset: int) -> list[Row]:
    return _faces(copy, "face.person_id = $person_id", _BY_TIME, limit=limit, offset=offset, person_id=person_id)


def faces_of_cluster(copy: ReplicaSnapshot, cluster_id: int, limit: int, offset: int) -> list[Row]:
    """Those without a name."""
    part = "face.cluster_id = $cluster_id and face.person_id is null"
    return _faces(copy, part, _BY_TIME, limit=limit, offset=offset, cluster_id=cluster_id)


def some_faces(copy: ReplicaSnapshot, face_ids: list[int]) -> dict[int, Row]:
    rows = _faces(copy, "list_contains($face_ids::bigint[], face.face_id)", _BY_PLACE, face_ids=face_ids)
    return {row["id"]: row for row in rows}


def _faces(
    copy: ReplicaSnapshot, conditions: str, order: str, *, limit: int = EVERYTHING, offset: int = 0, **parameters: Any
) -> list[Row]:
    text = statement("serving/faces/rows").format(conditions=conditions, order=order)
    return copy.select(text, row_limit=limit, row_offset=offset, **parameters)


def person_or_404(copy: ReplicaSnapshot, person_id: int) -> Row:
    rows = copy.rows("faces/people", person_id=person_id, with_ignored=True)
    if not rows:
        raise NotFound(f"there is no person {person_id}")
    return rows[0]


def vector_text(embedding: list[float]) -> str:
    """Base64 of little-endian float32."""
    return base64.b64encode(np.asarray(embedding, "<f4").tobytes()).decode()


def people_means(copy: ReplicaSnapshot, known: Known, person_id: int | None = None) -> tuple[list[int], Vectors]:
    """
    Person numbers and the unit mean of each one's best faces, in one model's vectors; the ignored left out.

    Args:
        person_id: Only this one's.
    """
    rows = copy.rows("faces/best_faces", person_id=person_id)
    whose = {row["face_id"]: row["person_id"] for row in rows}
    places = known.places(list(whose))
    people = np.array([whose[int(number)] for number in known.face_ids[places]], np.int64)
    numbers, centres = means(known.vectors[places], people)
    return [int(number) for number in numbers], centres


def faces_like(copy: ReplicaSnapshot, known: Known, person_id: int, limit: int) -> dict[int, float]:
    """Nameless faces that look like a person, and how much (cosine); the most alike."""
    people, centres = people_means(copy, known, person_id)
    if not people:
        return {}
    scores = known.vectors @ centres[0]
    alike = np.flatnonzero(scores >= SUGGEST_COSINE)
    alike = alike[np.argsort(-scores[alike], kind="stable")]
    found: dict[int, float] = {}
    for start in range(0, len(alike), _LOOKED_AT):
        part = {int(known.face_ids[place]): float(scores[place]) for place in alike[start : start + _LOOKED_AT]}
        may_be = {row["face_id"] for row in copy.rows("faces/may_be", faces=as_list(part), person_id=person_id)}
        found |= {number: score for number, score in part.items() if number in may_be}
        if len(found) >= limit:
            break
    return dict(list(found.items())[:limit])


def suggest_for(copy: ReplicaSnapshot, vectors: FaceVectors, groups: list[Row]) -> dict[int, Row]:
    """Group number to {person_id, person_name, score}: whose faces a group's samples look like."""
    samples = [number for group in groups for number in group["sample_face_ids"]]
    if not samples:
        return {}
    by_version = vectors.by_version()
    names = {row["id"]: row["name"] for row in copy.rows("faces/people", person_id=None, with_ignored=False)}
    rejected = {(row["face_id"], row["person_id"]) for row in copy.select("select * from face_rejection")}
    suggested: dict[int, Row] = {}
    for version in {group["model_version"] for group in groups} & by_version.keys():
        known = by_version[version]
        people, centres = people_means(copy, known)
        if not people:
            continue
        for group in (group for group in groups if group["model_version"] == version):
            places = known.places(group["sample_face_ids"])
            centre = known.vectors[places].mean(axis=0) if len(places) else np.zeros(centres.shape[1], np.float32)
            scores = centres @ (centre / max(float(np.linalg.norm(centre)), 1e-9))
            for index in np.argsort(-scores)[:3]:
                person = people[int(index)]
                refused = any((number, person) in rejected for number in group["sample_face_ids"])
                if scores[index] >= SUGGEST_COSINE and person in names and not refused:
                    suggested[group["id"]] = {
                        "person_id": person, "person_name": names[person], "score": round(float(scores[index]), 4)
                    }  # fmt: skip
                    break
    return suggested

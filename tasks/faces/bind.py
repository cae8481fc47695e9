"""Whose face is it, when a picture carries one person's tag: the nearest vector decides, never the tag alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.faces.protocol import Vector, unit

Vectors = NDArray[np.float32]
MOST_VOTERS = 500  # faces compared with each other to find a person's first


class Candidate(NamedTuple):
    """
    A face on a picture with exactly one person's tag: nobody's, or given this person by the same rule before.

    Args:
        area: Of its box; what decides where nothing else does: the largest face.
        faces: Candidates on the picture: the more, the less its tag says of each.
        is_bound: It has the person's name now. Only where nobody ever named a face of this person.
    """

    face_id: int
    content_hash: str
    person_id: int
    model_version: str
    area: float
    faces: int
    is_bound: bool
    embedding: Vector


@dataclass(slots=True)
class Reference:
    """What is known of one person in one model's vectors."""

    total: NDArray[np.float64]
    count: int = 0

    def add(self, embedding: Vector) -> None:
        self.total = self.total + embedding
        self.count += 1

    @property
    def mean(self) -> Vector | None:
        """Of unit length; None without faces, or where they cancel out."""
        return unit((self.total / self.count).astype(np.float32)) if self.count else None


@dataclass(slots=True)
class References:
    """By person and model version; vectors of two versions never meet."""

    known: dict[tuple[int, str], Reference] = field(default_factory=dict)

    def add(self, person_id: int, model_version: str, embedding: Vector) -> None:
        key = person_id, model_version
        if key not in self.known:
            self.known[key] = Reference(np.zeros(embedding.shape, np.float64))
        self.known[key].add(embedding)

    def mean(self, person_id: int, model_version: str) -> Vector | None:
        reference = self.known.get((person_id, model_version))
        return reference.mean if reference else None


@dataclass(slots=True)
class Binding:
    """
    Args:
        bound: Face numbers to person numbers.
        unbound: Faces that got a name by this rule before, and with what is known now would not.
    """

    bound: dict[int, int] = field(default_factory=dict)
    unbound: list[int] = field(default_factory=list)


def bind_by_tag(candidates: Sequence[Candidate], references: References, min_cosine: float) -> Binding:
    """
    Which faces get the name of their picture's tag.

    A face is bound when its cosine to the mean of that person's faces is at least *min_cosine*, the nearest first.
    Where nobody ever named a face of the person, the one that most other tagged pictures agree with is the first
    reference (`consensus`); it is chosen anew with every picture, so that a wrong first one does not stay. A person
    known only in another model's vectors gets nothing: there is nothing to compare with.
    """
    binding = Binding()
    by_person: dict[tuple[int, str], list[Candidate]] = {}
    for candidate in candidates:
        by_person.setdefault((candidate.person_id, candidate.model_version), []).append(candidate)
    known_in = {*references.known, *(key for key, theirs in by_person.items() if any(one.is_bound for one in theirs))}
    people = {person_id for person_id, _ in known_in}
    for (person_id, version), theirs in by_person.items():
        if person_id in people and (person_id, version) not in known_in:
            continue
        first = references.mean(person_id, version)
        if first is None:
            first = theirs[consensus(theirs, min_cosine)].embedding
            references.add(person_id, version, first)
        bound = _near(theirs, first, person_id, references, min_cosine)
        binding.unbound += [one.face_id for one in theirs if one.is_bound and one.face_id not in bound]
        binding.bound |= {one.face_id: person_id for one in theirs if one.face_id in bound and not one.is_bound}
    return binding


def _near(
    theirs: Sequence[Candidate], first: Vector, person_id: int, references: References, min_cosine: float
) -> set[int]:
    """Faces near the person's mean, which moves with each."""
    bound: set[int] = set()
    for candidate in sorted(theirs, key=lambda one: (-float(one.embedding @ first), one.face_id)):
        mean = references.mean(person_id, candidate.model_version)
        if mean is not None and float(mean @ candidate.embedding) >= min_cosine:
            bound.add(candidate.face_id)
            references.add(person_id, candidate.model_version, candidate.embedding)
    return bound


def consensus(candidates: Sequence[Candidate], min_cosine: float) -> int:
    """
    The face that most other pictures of the tag have one like: a tag is on the picture, and may mean any face of it.

    A picture votes once, for every face like its most similar one, with 1 / its number of faces: portraits decide,
    group pictures help. Where the votes are equal, the sum of the likenesses decides, then the larger face.

    Args:
        candidates: Of one person and one model version; those of the MOST_VOTERS pictures with fewest faces count.
    Returns:
        An index into *candidates*.
    """
    order = sorted(range(len(candidates)), key=lambda i: (candidates[i].faces, candidates[i].content_hash, i))
    chosen = order[:MOST_VOTERS]
    chosen.sort(key=lambda i: candidates[i].content_hash)
    hashes = np.array([candidates[i].content_hash for i in chosen])
    _, starts = np.unique(hashes, return_index=True)
    vectors = np.stack([candidates[i].embedding for i in chosen])
    weight = np.array([1 / max(candidates[chosen[start]].faces, 1) for start in starts])
    likeness = np.maximum.reduceat(vectors @ vectors.T, starts, axis=1)  # of each face to each picture
    votes = ((likeness >= min_cosine) * weight).sum(axis=1)  # its own picture among them
    alike = (likeness * weight).sum(axis=1)

    def rank(row: int) -> tuple[float, bool, float, float, int]:
        one = candidates[chosen[row]]
        return round(float(votes[row]), 6), one.is_bound, round(float(alike[row]), 3), one.area, -one.face_id

    return chosen[max(range(len(chosen)), key=rank)]


def nearest_people(faces: Vectors, people: Vectors, min_cosine: float) -> NDArray[np.int64]:
    """
    Match each face to its most similar person.

    Args:
        faces, people: float32, shapes (n, d) and (m, d); rows of unit length, of one model version.
        min_cosine: Similarity in [-1, 1] below which a face stays nobody's.
    Returns:
        Shape (n,): an index into *people*, or -1.
    """
    if not len(people) or not len(faces):
        return np.full(len(faces), -1, np.int64)
    cosines = faces @ people.T
    best = np.argmax(cosines, axis=1)
    return np.where(cosines[np.arange(len(faces)), best] >= min_cosine, best, -1).astype(np.int64)


def means(vectors: Vectors, groups: NDArray[np.int64]) -> tuple[NDArray[np.int64], Vectors]:
    """
    Args:
        vectors: Shape (n, d). groups: Shape (n,): which person or cluster each belongs to.
    Returns:
        The distinct groups, shape (m,), and the mean of each at unit length, shape (m, d).
    """
    names, places = np.unique(groups, return_inverse=True)
    order = np.argsort(places, kind="stable")
    starts = np.searchsorted(places[order], np.arange(len(names)))
    totals = np.add.reduceat(vectors[order], starts, axis=0) if len(names) else vectors[:0]
    lengths = np.linalg.norm(totals, axis=1, keepdims=True)
    unit_means: Vectors = (totals / np.maximum(lengths, 1e-9)).astype(np.float32)
    return names.astype(np.int64), unit_means


def as_vectors(lists: Sequence[Sequence[float]]) -> Vectors:
    """Rows as Python lists to an array."""
    return np.asarray(lists, np.float32)


def by_label(labels: NDArray[np.int64], numbers: Sequence[int]) -> Mapping[int, list[int]]:
    """Label to the *numbers* that carry it; -1 (noise) left out."""
    groups: dict[int, list[int]] = {}
    for label, number in zip(labels.tolist(), numbers, strict=True):
        if label >= 0:
            groups.setdefault(label, []).append(number)
    return groups

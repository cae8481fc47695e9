"""Whose face is it, when a picture carries one person's tag: the nearest vector decides, never the tag alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.faces.protocol import Vector, unit

Vectors = NDArray[np.float32]


class Candidate(NamedTuple):
    """
    An unnamed face on a picture with exactly one person's tag.

    Args:
        weight: Which of several faces comes first where the person has none yet: the largest.
    """

    face_id: int
    content_hash: str
    person_id: int
    model_version: str
    weight: float
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

    def knows(self, person_id: int) -> bool:
        """In any model's vectors."""
        return any(person == person_id for person, _ in self.known)


def bind_by_tag(candidates: Sequence[Candidate], references: References, min_cosine: float) -> dict[int, int]:
    """
    Face numbers to person numbers.

    A face is bound when its cosine to the mean of that person's faces is at least *min_cosine*; a person without any
    face takes the first (the largest) there is, and that one is the reference of the next. A person known only in
    another model's vectors gets nothing: there is nothing to compare with.
    """
    bound: dict[int, int] = {}
    for candidate in sorted(candidates, key=lambda one: (one.content_hash, -one.weight, one.face_id)):
        mean = references.mean(candidate.person_id, candidate.model_version)
        if mean is None:
            fits = not references.knows(candidate.person_id)
        else:
            fits = float(mean @ candidate.embedding) >= min_cosine
        if fits:
            bound[candidate.face_id] = candidate.person_id
            references.add(candidate.person_id, candidate.model_version, candidate.embedding)
    return bound


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

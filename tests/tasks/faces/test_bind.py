"""Which face a tag means: what most tagged pictures agree on, whatever comes first."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.faces.bind import Candidate, References, bind_by_tag, consensus
from tasks.faces.protocol import EMBEDDING_LENGTH, Vector

MIN_COSINE = 0.4
ADA, VERSION = 7, "buffalo_l-1"


def seen(who: str, picture: int, likeness: float = 0.65) -> Vector:
    """A face of *who* as ArcFace sees it: two pictures of one person have a cosine of about *likeness*."""
    identity = np.random.default_rng(list(who.encode())).normal(size=EMBEDDING_LENGTH)
    noise = np.random.default_rng([*who.encode(), picture]).normal(size=EMBEDDING_LENGTH)
    vector = np.sqrt(likeness) * identity + np.sqrt(1 - likeness) * noise
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def tagged(*pictures: Sequence[str], bound: Sequence[int] = ()) -> list[Candidate]:
    """Pictures with Ada's tag and the faces on each; faces are numbered from 1."""
    found: list[Candidate] = []
    for number, people in enumerate(pictures):
        for place, who in enumerate(people):
            face_id = len(found) + 1
            area = 0.5 if place == 0 else 0.01  # the first is the largest
            found.append(Candidate(face_id, f"{number:03}", ADA, VERSION, area, len(people), face_id in bound,
                                   seen(who, 100 * number + place)))  # fmt: skip
    return found


def names(candidates: list[Candidate], references: References | None = None) -> set[int]:
    return set(bind_by_tag(candidates, references or References(), MIN_COSINE).bound)


def test_first_reference_is_the_face_most_pictures_agree_on_not_the_first_one() -> None:
    assert names(tagged(["stranger"], ["ada"], ["ada"], ["ada"])) == {2, 3, 4}


def test_person_is_found_on_group_pictures_only() -> None:
    pictures = tagged(["a", "b", "ada"], ["c", "ada", "d", "e"], ["f", "ada"])
    assert names(pictures) == {3, 5, 9}


def test_portrait_says_more_than_a_group_with_somebody_who_is_always_there() -> None:
    pictures = tagged(["bob", "ada"], ["bob", "ada"], ["ada"])
    assert names(pictures) == {2, 4, 5}


def test_one_picture_with_several_faces_gives_the_name_to_the_largest() -> None:
    assert names(tagged(["ada", "bob", "cy"])) == {1}


def test_wrong_first_face_loses_its_name_when_more_pictures_come() -> None:
    first = tagged(["stranger"])
    assert names(first) == {1}
    binding = bind_by_tag(tagged(["stranger"], ["ada"], ["ada"], bound=[1]), References(), MIN_COSINE)
    assert (set(binding.bound), binding.unbound) == ({2, 3}, [1])


def test_one_picture_against_one_changes_no_name() -> None:
    binding = bind_by_tag(tagged(["ada"], ["stranger"], bound=[1]), References(), MIN_COSINE)
    assert (binding.bound, binding.unbound) == ({}, [])


def test_what_somebody_said_is_the_reference_whatever_the_pictures_agree_on() -> None:
    references = References()
    references.add(ADA, VERSION, seen("ada", 999))
    assert names(tagged(["bob"], ["bob"], ["ada"]), references) == {3}


def test_person_known_in_another_models_vectors_gets_no_first_face() -> None:
    references = References()
    references.add(ADA, "older", seen("ada", 999))
    assert names(tagged(["ada"], ["ada"]), references) == set()


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 12), st.integers(0, 5), st.randoms(use_true_random=False))
def test_majority_of_portraits_wins_in_any_order(right: int, wrong: int, chance: object) -> None:
    pictures = [["ada"]] * right + [[f"stranger{number}"] for number in range(min(wrong, right - 1))]
    chance.shuffle(pictures)  # type: ignore[attr-defined]
    candidates = tagged(*pictures)
    wanted = {one.face_id for one, who in zip(candidates, pictures, strict=True) if who == ["ada"]}
    assert names(candidates) == wanted


def test_thousands_of_tagged_faces_are_compared_in_bounded_memory() -> None:
    pictures = [["ada", *(f"guest{number}-{seat}" for seat in range(9))] for number in range(400)] + [["ada"]] * 30
    candidates = tagged(*pictures)
    assert candidates[consensus(candidates, MIN_COSINE)].area == 0.5, "hers, which is the first on each"


def test_people_of_the_portraits_are_told_apart_by_their_tags() -> None:
    """The layout of ../shared/faces (14 portraits of 4 people, two groups), with made vectors; each picture tagged."""
    labels = Path(__file__).parents[3].parent / "shared" / "faces" / "labels.csv"
    if not labels.is_file():
        pytest.skip("no ../shared")
    with labels.open() as file:
        portraits = [(row["file"], row["person"]) for row in csv.DictReader(file) if row["person"]]
    people = sorted({person for _, person in portraits})
    candidates, truth = [], {}
    groups = {"couple.jpg": ["p2", "p1"], "selfie-many-people.jpg": ["x", "p1", "p3", "y"]}  # all tagged p1
    pictures = [(file, person, [person]) for file, person in portraits] + [(f, "p1", who) for f, who in groups.items()]
    for number, (file, tag, shown) in enumerate(sorted(pictures)):
        for seat, who in enumerate(shown):
            face_id = len(candidates) + 1
            candidates.append(Candidate(face_id, file, people.index(tag), VERSION, 1 / (seat + 1), len(shown), False,
                                        seen(who, 10 * number + seat, 0.6)))  # fmt: skip
            truth[face_id] = people.index(who) if who == tag else None
    bound = bind_by_tag(candidates, References(), MIN_COSINE).bound
    assert bound == {face_id: person for face_id, person in truth.items() if person is not None}

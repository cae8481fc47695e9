"""The faces' vectors in memory follow the lake, whatever is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from serving.faces.vectors import FaceVectors
from sql.lake import Lake, Row
from tests.lakes import migrated_lake


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with migrated_lake(tmp_path / "lake") as lake:
        yield lake


def vector(face_id: int, version: str = "m-1", seed: int = 0) -> Row:
    random = np.random.default_rng([face_id, seed])
    numbers = random.normal(size=4).astype(np.float32)
    return {"face_id": face_id, "model_version": version, "embedding": (numbers / np.linalg.norm(numbers)).tolist()}


def assert_same(vectors: FaceVectors, lake: Lake) -> None:
    """As one that reads everything anew."""
    found, wanted = vectors.by_version(), FaceVectors(lake).by_version()
    assert found.keys() == wanted.keys()
    for version, known in found.items():
        assert known.face_ids.tolist() == wanted[version].face_ids.tolist() == sorted(known.face_ids.tolist())
        assert np.array_equal(known.vectors, wanted[version].vectors)


def test_vectors_follow_what_is_written(lake: Lake) -> None:
    vectors = FaceVectors(lake)
    assert vectors.by_version() == {}
    with lake.write("found") as writer:
        writer.append("face_embedding", [vector(number) for number in (5, 1, 900, 3)])
    assert vectors.by_version()["m-1"].face_ids.tolist() == [1, 3, 5, 900]
    with lake.write("looked again") as writer:
        writer.replace("face_embedding", [vector(3, seed=1), vector(2), vector(5, "m-2")])
    assert_same(vectors, lake)
    with lake.write("gone") as writer:
        writer.delete("face_embedding", [vector(1), vector(5)])
    assert_same(vectors, lake)
    assert vectors.by_version().keys() == {"m-1"}
    with lake.write("all of them, by another model") as writer:
        writer.replace("face_embedding", [vector(number, "m-3") for number in (2, 3, 900)])
    assert_same(vectors, lake)
    lake.flush()
    with lake.write("more") as writer:
        writer.append("face_embedding", [vector(number, "m-3") for number in range(1000, 1700)])
    assert_same(vectors, lake)


def test_naming_a_face_reads_no_vector_again(lake: Lake) -> None:
    with lake.write("found") as writer:
        writer.append("face_embedding", [vector(number) for number in range(1, 6)])
    vectors = FaceVectors(lake)
    before = vectors.by_version()["m-1"]
    with lake.write("ada: named it") as writer:
        writer.append("face", [{"face_id": 1, "person_id": 7}])
    assert vectors.by_version()["m-1"] is before


def test_places_leave_out_faces_without_a_vector(lake: Lake) -> None:
    with lake.write("found") as writer:
        writer.append("face_embedding", [vector(number) for number in (10, 20, 30)])
    known = FaceVectors(lake).by_version()["m-1"]
    assert known.places([30, 5, 10, 25, 99]).tolist() == [2, 0]
    assert known.places([]).tolist() == []

"""Exact nearest neighbours, with filters and while rows come and go."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from tasks.errors import EmbeddingMismatch
from tasks.models.embed import Vectors
from tasks.vectors.index import VectorIndex, index_of

START = date(2026, 1, 1)


def unit(rng: np.random.Generator, count: int, width: int = 16) -> Vectors:
    raw = rng.standard_normal((count, width)).astype(np.float32)
    found: Vectors = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return found


def table(vectors: Vectors, first_id: int = 1) -> pa.Table:
    count = len(vectors)
    return pa.table(
        {
            "summary_id": pa.array(range(first_id, first_id + count), pa.int64()),
            "contact": [["Ada", "Bob", "Çelik"][number % 3] for number in range(count)],
            "day": pa.array([START + timedelta(days=number % 100) for number in range(count)], pa.date32()),
            "embedding": pa.array(list(vectors), pa.list_(pa.float32())),
        }
    )


@pytest.fixture
def vectors() -> Vectors:
    return unit(np.random.default_rng(7), 1_000)


@pytest.fixture
def index(vectors: Vectors) -> VectorIndex:
    return index_of("model", table(vectors))


def brute(vectors: Vectors, query: Vectors, rows: np.ndarray, top_k: int) -> list[int]:  # type: ignore[type-arg]
    scores = vectors[rows].astype(np.float64) @ query.astype(np.float64)
    return [int(rows[place]) + 1 for place in np.lexsort((rows, -scores))[:top_k]]


@pytest.mark.parametrize("top_k", [1, 5, 999, 1_000, 5_000])
def test_what_is_found_is_what_brute_force_finds(index: VectorIndex, vectors: Vectors, top_k: int) -> None:
    query = unit(np.random.default_rng(8), 1)[0]
    found = [hit.number for hit in index.search(query, top_k)]
    assert found == brute(vectors, query, np.arange(1_000), top_k)


def test_filters_choose_before_the_best_are_taken(index: VectorIndex, vectors: Vectors) -> None:
    query = unit(np.random.default_rng(9), 1)[0]
    day = np.arange(1_000) % 100
    for first, last, contact in ((10, 12, None), (0, 89, None), (50, 50, "bob"), (0, 99, "ÇELIK"), (None, 20, "Ada")):
        chosen = (day >= (first or 0)) & (day <= (last if last is not None else 99))
        if contact:
            chosen &= np.arange(1_000) % 3 == ["ada", "bob", "çelik"].index(contact.casefold())
        found = index.search(
            query,
            7,
            first=None if first is None else START + timedelta(days=first),
            last=START + timedelta(days=last),
            contact=contact,
        )
        assert [hit.number for hit in found] == brute(vectors, query, np.flatnonzero(chosen), 7)


def test_filter_that_nothing_passes_finds_nothing(index: VectorIndex, vectors: Vectors) -> None:
    assert index.search(vectors[0], 5, contact="nobody") == []
    assert index.search(vectors[0], 5, first=date(2030, 1, 1)) == []
    assert index.search(vectors[0], 5, first=date.min, last=date.max)[0].number == 1


def test_equals_are_ordered_by_number_and_never_too_many() -> None:
    same = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (50, 1))
    found = index_of("model", table(same)).search(same[0], 3)
    assert [hit.number for hit in found] == [1, 2, 3] and found[0].score == 1.0


def test_empty_index_finds_nothing_whatever_the_width() -> None:
    empty = index_of("model", table(np.empty((0, 4), dtype=np.float32)))
    assert len(empty) == 0 and empty.search(np.ones(384, dtype=np.float32), 5) == []


def test_query_of_another_width_is_refused(index: VectorIndex) -> None:
    with pytest.raises(EmbeddingMismatch):
        index.search(np.ones(17, dtype=np.float32), 5)


def test_vectors_of_several_widths_are_refused() -> None:
    rows = table(np.ones((2, 4), dtype=np.float32))
    for lengths in ([4, 8], [3, 4], [2, 6]):
        mixed = pa.array([[1.0] * length for length in lengths], pa.list_(pa.float32()))
        with pytest.raises(EmbeddingMismatch):
            index_of("model", rows.set_column(3, "embedding", mixed))


def test_changes_leave_what_a_fresh_index_would_hold(vectors: Vectors) -> None:
    rng = np.random.default_rng(10)
    index = index_of("model", table(vectors[:100]))
    replaced = unit(rng, 10)
    index = index.changed(table(replaced, 21), list(range(21, 31)))  # the same numbers, other vectors
    index = index.changed(table(vectors[100:150], 101), [])  # new ones
    index = index.changed(table(vectors[:0]), [1, 2, 999])  # some that are gone
    assert len(index) == 148
    assert index.search(replaced[4], 1)[0].number == 25
    assert index.search(vectors[149], 1, contact="Bob")[0].number == 150
    assert index.search(vectors[0], 1)[0].number != 1
    other = table(unit(rng, 1), 500).set_column(1, "contact", pa.array(["Dora"]))
    assert [hit.number for hit in index.changed(other, []).search(vectors[3], 9, contact="dora")] == [500]


def test_index_that_lost_everything_takes_the_width_of_what_comes() -> None:
    index = index_of("model", table(np.empty((0, 4), dtype=np.float32)))
    grown = index.changed(table(unit(np.random.default_rng(1), 3, 8)), [])
    assert len(grown) == 3 and grown.vectors.shape == (3, 8)
    assert len(grown.changed(table(np.empty((0, 8), dtype=np.float32)), [1, 2, 3])) == 0


@pytest.fixture
def coded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes from the first row on, as in an index of many."""
    monkeypatch.setattr("tasks.vectors.index.CODED_FROM", 1)


@pytest.mark.usefixtures("coded")
@pytest.mark.parametrize(
    ("top_k", "width"), [(1, 2), (5, 2), (1, 16), (999, 16), (1_000, 16), (5_000, 16), (1, 384), (20, 384)]
)
def test_what_codes_find_is_what_brute_force_finds(top_k: int, width: int) -> None:
    vectors = unit(np.random.default_rng(3), 1_000, width)
    index = index_of("model", table(vectors))
    assert index.codes is not None
    for query in unit(np.random.default_rng(4), 20, width):
        assert [hit.number for hit in index.search(query, top_k)] == brute(vectors, query, np.arange(1_000), top_k)
    chosen = np.flatnonzero(np.arange(1_000) % 3 == 0)
    query = vectors[17]
    found = index.search(query, top_k, contact="ada")
    assert [hit.number for hit in found] == brute(vectors, query, chosen, top_k)


@pytest.mark.usefixtures("coded")
def test_vectors_that_differ_by_less_than_a_code_are_told_apart() -> None:
    rng = np.random.default_rng(5)
    one = unit(rng, 1, 64)
    vectors = one + rng.standard_normal((500, 64)).astype(np.float32) * 1e-4
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = index_of("model", table(vectors))
    assert [hit.number for hit in index.search(vectors[123], 3)] == brute(vectors, vectors[123], np.arange(500), 3)


@pytest.mark.usefixtures("coded")
def test_codes_follow_rows_that_come_and_go() -> None:
    vectors = unit(np.random.default_rng(6), 300)
    index = index_of("model", table(vectors[:100]))
    index = index.changed(table(vectors[100:300], first_id=101), [1, 2, 3]).changed(table(vectors[:0]), [200])
    left = np.array([row for row in range(300) if row not in {0, 1, 2, 199}])
    assert index.codes is not None and len(index.codes.codes) == len(index) == 296
    for query in vectors[:10]:
        assert [hit.number for hit in index.search(query, 5)] == brute(vectors, query, left, 5)


def test_index_grows_into_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.vectors.index.CODED_FROM", 150)
    vectors = unit(np.random.default_rng(6), 200)
    index = index_of("model", table(vectors[:100]))
    assert index.codes is None
    index = index.changed(table(vectors[100:], first_id=101), [])
    assert index.codes is not None
    assert [hit.number for hit in index.search(vectors[0], 4)] == brute(vectors, vectors[0], np.arange(200), 4)

"""Pairs of hashes that are near: all of them, and none that is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.vectors.near_duplicates import DHASH_SLACK, MAX_THRESHOLD, bits_apart, near_pairs


def brute(phash: np.ndarray, dhash: np.ndarray, threshold: int) -> set[tuple[int, int]]:
    return {
        (first, second)
        for second in range(len(phash))
        for first in range(second)
        if bits_apart(phash[first], phash[second]) <= threshold
        and bits_apart(dhash[first], dhash[second]) <= threshold + DHASH_SLACK
    }


def found(phash: np.ndarray, dhash: np.ndarray, threshold: int) -> set[tuple[int, int]]:
    first, second, _, _ = near_pairs(phash, dhash, threshold)
    return {(int(a), int(b)) for a, b in zip(first, second, strict=True)}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, MAX_THRESHOLD), st.integers(0, 60))
def test_bucketed_search_finds_what_comparing_all_with_all_finds(seed: int, threshold: int, count: int) -> None:
    random = np.random.default_rng(seed)
    centres = random.integers(0, 2**64, 6, np.uint64)
    flips = np.bitwise_or.reduce(np.uint64(1) << random.integers(0, 64, (max(count, 1), 6)).astype(np.uint64), axis=1)[
        :count
    ]
    phash = centres[random.integers(0, 6, count)] ^ flips
    dhash = phash ^ np.uint64(0b1011)
    assert found(phash, dhash, threshold) == brute(phash, dhash, threshold)


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_and_one_picture_have_no_pairs(count: int) -> None:
    hashes = np.zeros(count, np.uint64)
    assert found(hashes, hashes, 6) == set()


def test_a_thousand_equal_pictures_hang_together_without_all_their_pairs() -> None:
    hashes = np.full(3_000, 0xDEADBEEF, np.uint64)
    first, second, bits, _ = near_pairs(hashes, hashes, 6)
    assert len(first) < 3_000 * 3_000 / 10
    assert set(np.concatenate([first, second]).tolist()) == set(range(3_000))
    assert not bits.any()


def test_dhash_has_its_say() -> None:
    phash = np.array([5, 5], np.uint64)
    assert found(phash, np.array([0, 2**64 - 1], np.uint64), 6) == set()

"""
Pairs of pictures that look alike, by their 64-bit hashes, without comparing all with all.

Two hashes that differ in at most t bits agree wholly in two of any t + 2 parts that the 64 bits are cut into. So only
pictures with two parts in common are compared. A bucket that is too full (thousands of screenshots) is compared along
its order only: neighbours, not everybody with everybody.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

MAX_THRESHOLD = 10  # bits; beyond it unlike pictures come along
DHASH_SLACK = 8  # bits by which dHash may differ more than pHash: plain skies are noise to it
MOST_COMPARED = 300_000_000  # pairs: some seconds; a lower threshold is taken where it would be more
_FULL = 512  # a bucket of more is compared along its order
_NEIGHBOURS = 64
Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]


def bits_apart(some: Hashes, others: Hashes) -> NDArray[np.uint8]:
    """How many bits differ, element by element."""
    found: NDArray[np.uint8] = np.bitwise_count(some ^ others)
    return found


def near_pairs(phash: Hashes, dhash: Hashes, threshold: int) -> tuple[Indices, Indices, NDArray[np.uint8], int]:
    """
    Pairs at most *threshold* bits of pHash apart (and DHASH_SLACK more of dHash).

    Args:
        phash, dhash: Shape (n,).
        threshold: 0 to MAX_THRESHOLD.
    Returns:
        Two index arrays (the first is the smaller), the bits of pHash between them, and the threshold that was used:
        lower where more than MOST_COMPARED pairs would have had to be compared.
    """
    threshold = _affordable(phash, min(threshold, MAX_THRESHOLD))
    count = np.int64(len(phash))
    sorting = np.lexsort((dhash, phash))  # once: the sorts by key are stable, so buckets stay in this order
    phash, dhash = phash[sorting], dhash[sorting]
    codes = [
        first * count + second
        for parts in combinations(_parts(threshold), 2)
        for first, second in [_alike(phash, dhash, _key(phash, parts), threshold)]
    ]
    pairs = np.unique(np.concatenate([*codes, np.array([], np.int64)]))
    first, second = np.divmod(pairs, max(count, np.int64(1)))
    bits = bits_apart(phash[first], phash[second])
    first, second = sorting[first], sorting[second]
    return np.minimum(first, second), np.maximum(first, second), bits, threshold


def _parts(threshold: int) -> list[tuple[int, int]]:
    """(shift, width) of threshold + 2 parts of 64 bits."""
    edges = np.linspace(0, 64, threshold + 3).round().astype(int).tolist()
    return [(low, high - low) for low, high in pairwise(edges)]


def _key(phash: Hashes, parts: tuple[tuple[int, int], ...]) -> Hashes:
    key = np.zeros(len(phash), np.uint64)
    for shift, width in parts:
        key = (key << np.uint64(width)) | ((phash >> np.uint64(shift)) & np.uint64((1 << width) - 1))
    return key


def _affordable(phash: Hashes, threshold: int) -> int:
    while threshold > 0:
        parts = _parts(threshold)
        combined = len(parts) * (len(parts) - 1) // 2
        sampled = [_compared(_key(phash, pair)) for pair in list(combinations(parts, 2))[:: max(1, combined // 6)]]
        if not sampled or np.mean(sampled) * combined <= MOST_COMPARED:
            break
        threshold -= 1
    return threshold


def _compared(key: Hashes) -> float:
    """How many pairs a key makes us compare."""
    counts = np.unique(key, return_counts=True)[1].astype(np.float64)
    return float(np.where(counts > _FULL, counts * _NEIGHBOURS, counts * (counts - 1) / 2).sum())


def _alike(phash: Hashes, dhash: Hashes, key: Hashes, threshold: int) -> tuple[Indices, Indices]:
    """Pairs with the same key that are near enough; the smaller index first. Both hashes are in order."""
    order = np.argsort(key.astype(np.uint16) if key.max(initial=0) < 1 << 16 else key, kind="stable")
    keys, first_hashes, second_hashes = key[order], phash[order], dhash[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.array([], np.int64)
    counts = np.diff(np.append(starts, len(keys)))
    reach = np.repeat(np.where(counts > _FULL, _NEIGHBOURS, counts), counts)
    at = np.flatnonzero(np.repeat(counts, counts) > 1)
    ends = np.repeat(starts + counts, counts)
    found_first, found_second = [np.array([], np.int64)], [np.array([], np.int64)]
    for step in range(1, len(key)):
        at = at[(at + step < ends[at]) & (step <= reach[at])]
        if not len(at):
            break
        near = (bits_apart(first_hashes[at], first_hashes[at + step]) <= threshold) & (
            bits_apart(second_hashes[at], second_hashes[at + step]) <= threshold + DHASH_SLACK
        )
        found_first.append(order[at[near]])
        found_second.append(order[at[near] + step])
    first, second = np.concatenate(found_first), np.concatenate(found_second)
    return np.minimum(first, second), np.maximum(first, second)

"""
Faces: 100,000 synthetic ones of 4,000 people in 512 dimensions. `python -m tests.bench.faces_bench [faces]`.

A person is a random direction, a face its person's plus noise (cosine to the person about 0.75, to another face of the
same about 0.55, as ArcFace's on good photos); people have 1 to hundreds of faces. F1 is over pairs.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.faces.bind import means, nearest_people
from tasks.faces.cluster import cluster_all, found_groups, join_groups

WIDTH = 512
NEW_FACES = 1_000
PHOTO_FACES = 8


def synthetic(faces: int, people: int, seed: int = 7) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit vectors, and whose each is."""
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, people + 1) ** 0.8
    who = np.concatenate([np.arange(people), random.choice(people, faces - people, p=weights / weights.sum())])
    centres = random.normal(size=(people, WIDTH)).astype(np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    noise = random.normal(size=(faces, WIDTH)).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    spread = random.uniform(0.6, 1.1, size=(faces, 1)).astype(np.float32)
    vectors = centres[who] + spread * noise
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), who.astype(np.int64)


def pairwise_f1(labels: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Over pairs of faces; a face without a group is a group of its own."""
    alone = labels < 0
    labels = labels.copy()
    labels[alone] = labels.max(initial=0) + 1 + np.arange(int(alone.sum()))

    def pairs(*columns: NDArray[np.int64]) -> int:
        counts = np.unique(np.column_stack(columns), axis=0, return_counts=True)[1].astype(np.int64)
        return int((counts * (counts - 1) // 2).sum())

    both, said, true = pairs(labels, truth), pairs(labels), pairs(truth)
    return 2 * both / (said + true) if said + true else 1.0


def timed(work: Callable[[], Any], times: int = 1) -> tuple[float, Any]:
    """Median seconds, and the last result."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), result


def main() -> None:
    faces = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    vectors, who = synthetic(faces + NEW_FACES, max(faces // 25, 10))
    order = np.random.default_rng(1).permutation(len(vectors))
    vectors, who = vectors[order], who[order]
    old, new = slice(0, faces), slice(faces, faces + NEW_FACES)
    numbers, centres = means(vectors[old], who[old])
    nearest, found = timed(lambda: nearest_people(vectors[faces : faces + PHOTO_FACES], centres, 0.4), 50)
    right = float((numbers[found] == who[faces : faces + PHOTO_FACES]).mean())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    full, labels = timed(lambda: cluster_all(vectors[old]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    groups, group_centres = means(vectors[old][labels >= 0], labels[labels >= 0])

    def incremental() -> NDArray[np.int64]:
        joined = join_groups(vectors[new], group_centres)
        fresh = np.flatnonzero(joined < 0)
        result = np.where(joined >= 0, groups[joined], -1)
        founded = found_groups(vectors[new][fresh])
        result[fresh] = np.where(founded >= 0, founded + labels.max() + 1, -1)
        return result

    step, added = timed(incremental, 3)
    whole = np.concatenate([labels, added])
    print(f"{faces:,} faces of {len(numbers):,} people, {WIDTH} dimensions")
    print(f"{'nearest person, a photo of 8 faces':<40}{nearest * 1000:>9.2f} ms   {right:.0%} right   (target 5 ms)")
    print(f"{'1,000 new faces grouped':<40}{step:>9.2f} s    F1 {pairwise_f1(whole, who):.3f}   (target 10 s)")
    print(f"{'all grouped (HDBSCAN in blocks)':<40}{full:>9.1f} s    F1 {pairwise_f1(labels, who[old]):.3f}   "
          f"(target 300 s, F1 0.95)")  # fmt: skip
    print(f"{'memory: peak, before the full pass':<40}{peak:>9.0f} MB   {before:.0f} MB   (target 2,048 MB)")


if __name__ == "__main__":
    main()

"""
Faces of nobody yet, grouped by likeness.

New faces join the groups there are, or found new ones among themselves: nothing known is renamed. The full pass is
HDBSCAN, made possible for 100,000 faces by blocking: a nearest-neighbour graph falls into pieces that cannot share a
person, and HDBSCAN (which needs every pair of its input) runs inside each piece.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tasks.faces.bind import Vectors, means

JOIN_COSINE = 0.5  # a new face to a group's mean
FOUND_COSINE = 0.55  # two new faces to each other
BLOCK_COSINE = 0.4  # below it two faces are hardly ever one person's: pieces of the graph are cut here
MAX_BLOCK = 3_000  # faces that HDBSCAN gets at once: 36 MB of distances, seconds
SAME_PERSON_COSINE = 0.75  # between the means of two groups
TIGHT_COSINE = 0.5  # a piece in which everybody is this close to its mean is one person
NEIGHBOURS = 12
MIN_FACES = 2
PROJECTED = 128  # dimensions the graph is built in: a quarter of the work, and cosines off by hundredths
_SLICE = 384  # rows of cosines at a time: with 100,000 faces 150 MB, and twice that to sort them

Labels = NDArray[np.int64]  # shape (n,); -1 is noise


def join_groups(fresh: Vectors, group_means: Vectors) -> Labels:
    """For each new face the index of the group it belongs to, or -1."""
    labels = np.full(len(fresh), -1, np.int64)
    if len(fresh) and len(group_means):
        for start in range(0, len(fresh), _SLICE):
            cosines = fresh[start : start + _SLICE] @ group_means.T
            best = np.argmax(cosines, axis=1)
            fits = cosines[np.arange(len(best)), best] >= JOIN_COSINE
            labels[start : start + _SLICE] = np.where(fits, best, -1)
    return labels


def found_groups(fresh: Vectors) -> Labels:
    """Groups among faces that belong to none: those as close to the mean as to each other."""
    pieces = _pieces(_graph(fresh, FOUND_COSINE), len(fresh))
    labels = np.full(len(fresh), -1, np.int64)
    next_label = 0
    for piece in _members(pieces):
        for part in _split_loose(fresh, piece):
            if len(part) >= MIN_FACES:
                labels[part] = next_label
                next_label += 1
    return labels


def cluster_all(vectors: Vectors) -> Labels:
    """
    The full pass.

    Args:
        vectors: Shape (n, d), unit length, of one model version.
    """
    labels = np.full(len(vectors), -1, np.int64)
    next_label = 0
    for block in _blocks(vectors):
        within = _cluster_block(vectors[block])
        found = within >= 0
        labels[block[found]] = within[found] + next_label
        next_label += int(within.max(initial=-1)) + 1
    labels = _one_per_person(vectors, labels)
    alone = np.flatnonzero(labels < 0)
    numbers, centres = means(vectors[labels >= 0], labels[labels >= 0])
    joined = join_groups(vectors[alone], centres)
    labels[alone] = np.where(joined >= 0, numbers[joined] if len(numbers) else -1, -1)
    return labels


def _one_per_person(vectors: Vectors, labels: Labels) -> Labels:
    """Groups whose means are all but the same are one: of people with more faces than a block holds."""
    numbers, centres = means(vectors[labels >= 0], labels[labels >= 0])
    graph = _graph(centres, SAME_PERSON_COSINE)
    pieces = _pieces(graph, len(numbers))
    table = np.full(int(labels.max(initial=-1)) + 2, -1, np.int64)
    table[numbers] = pieces
    return table[labels]  # the last entry, for -1, stays -1


def keep_numbers(labels: Labels, before: NDArray[np.int64]) -> dict[int, int]:
    """
    Which old group each new label continues: the pair that shares most faces first, each once.

    Args:
        before: The group each face was in, -1 for none.
    """
    both = (labels >= 0) & (before >= 0)
    pairs, counts = np.unique(np.column_stack([labels[both], before[both]]), axis=0, return_counts=True)
    continued: dict[int, int] = {}
    taken: set[int] = set()
    for index in np.lexsort((pairs[:, 1], -counts)) if len(pairs) else []:
        label, group = int(pairs[index, 0]), int(pairs[index, 1])
        if label not in continued and group not in taken:
            continued[label] = group
            taken.add(group)
    return continued


def _blocks(vectors: Vectors) -> Iterator[NDArray[np.int64]]:
    """Faces that may belong together; pieces too large for HDBSCAN are cut at higher and higher cosines."""
    sources, targets, cosines = _graph(vectors, BLOCK_COSINE)
    waiting = [(np.arange(len(vectors)), BLOCK_COSINE)]
    while waiting:
        members, cosine = waiting.pop()
        inside = np.zeros(len(vectors), bool)
        inside[members] = True
        edges = (cosines >= cosine) & inside[sources] & inside[targets]
        pieces = _pieces((sources[edges], targets[edges], cosines[edges]), len(vectors))
        for piece in _members(np.where(inside, pieces, -1)):
            if len(piece) > MAX_BLOCK and cosine < 0.95:
                waiting.append((piece, cosine + 0.05))
            elif len(piece) >= MIN_FACES:
                yield from _chunks(piece)


def _chunks(piece: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Thousands of all but equal pictures (a burst, a test card): HDBSCAN gets as many as it can take."""
    for start in range(0, len(piece), MAX_BLOCK):
        yield piece[start : start + MAX_BLOCK]


def _cluster_block(vectors: Vectors) -> Labels:
    """One block: one person if all are close to their mean (HDBSCAN would cut it up), else HDBSCAN."""
    if _is_tight(vectors):
        return np.zeros(len(vectors), np.int64)
    from sklearn.cluster import HDBSCAN  # a second to import

    distances = np.sqrt(np.maximum(2 - 2 * np.clip(vectors @ vectors.T, -1, 1), 0)).astype(np.float64)
    np.fill_diagonal(distances, 0)
    model = HDBSCAN(
        min_cluster_size=max(MIN_FACES, 2), min_samples=2, metric="precomputed", algorithm="brute", copy=False,
        cluster_selection_epsilon=float(np.sqrt(2 - 2 * FOUND_COSINE)), allow_single_cluster=True,
    )  # fmt: skip
    labels: Labels = model.fit_predict(distances).astype(np.int64)
    return labels


def _is_tight(vectors: Vectors) -> bool:
    mean = vectors.mean(axis=0)
    length = float(np.linalg.norm(mean))
    return length > 0 and bool((vectors @ (mean / length)).min() >= TIGHT_COSINE)


def _split_loose(vectors: Vectors, piece: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """A chain of likenesses is no group: pieces that are not tight are clustered."""
    if len(piece) < MIN_FACES:
        return
    for part in _chunks(piece):
        labels = _cluster_block(vectors[part])
        for label in range(int(labels.max(initial=-1)) + 1):
            yield part[labels == label]


def _graph(vectors: Vectors, min_cosine: float) -> tuple[Labels, Labels, Vectors]:
    """Each face's NEIGHBOURS nearest: who, whom, cosine; only pairs of at least *min_cosine*."""
    count = len(vectors)
    projected = _projected(vectors)
    wanted = min(NEIGHBOURS, max(count - 1, 0))
    sources, targets, cosines = [], [], []
    for start in range(0, count if wanted else 0, _SLICE):
        part = projected[start : start + _SLICE] @ projected.T
        rows = np.arange(len(part))
        part[rows, rows + start] = -2  # oneself
        near = np.argpartition(part, -wanted, axis=1)[:, -wanted:]
        own = vectors[start : start + _SLICE]
        exact = np.einsum("nkd,nd->nk", vectors[near], own, optimize=True)  # what the projection lost is back
        keep = (exact >= min_cosine).ravel()
        sources.append(np.repeat(rows + start, wanted)[keep])
        targets.append(near.ravel()[keep])
        cosines.append(exact.ravel()[keep])
    if not sources:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
    return np.concatenate(sources), np.concatenate(targets), np.concatenate(cosines)


def _projected(vectors: Vectors) -> Vectors:
    """Unit vectors in fewer dimensions, along the directions in which faces differ most; few faces stay as they are."""
    if len(vectors) <= 4 * PROJECTED or vectors.shape[1] <= PROJECTED:
        return vectors
    sample = vectors[:: max(1, len(vectors) // 20_000)].astype(np.float64)
    _, directions = np.linalg.eigh(sample.T @ sample)
    small = vectors @ directions[:, -PROJECTED:].astype(np.float32)
    lengths = np.linalg.norm(small, axis=1, keepdims=True)
    projected: Vectors = (small / np.maximum(lengths, 1e-9)).astype(np.float32)
    return projected


def _pieces(graph: tuple[Labels, Labels, Vectors], count: int) -> Labels:
    """Connected components of the graph: shape (count,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    sources, targets, cosines = graph
    if not count:
        return np.zeros(0, np.int64)
    matrix = coo_array((np.ones(len(cosines), np.int8), (sources, targets)), shape=(count, count))
    return np.asarray(connected_components(matrix.tocsr(), directed=False)[1], np.int64)


def _members(pieces: Labels) -> Iterator[NDArray[np.int64]]:
    """The faces of each piece; -1 is none."""
    order = np.argsort(pieces, kind="stable")
    bounds = np.flatnonzero(np.diff(pieces[order])) + 1
    for part in np.split(order, bounds):
        if len(part) and pieces[part[0]] >= 0:
            yield part

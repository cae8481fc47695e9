"""Faces of one run: what a batch leaves in the lake, and names and groups for the new faces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from flows.engine.context import FlowContext
from sql.lake import Writer, utc_now
from tasks.asset import Results
from tasks.faces.batch import FaceResults
from tasks.faces.bind import Vectors, by_label, means
from tasks.faces.cluster import cluster_all, found_groups, join_groups, keep_numbers
from tasks.faces.record import new_numbers, record_looks, record_regions
from tasks.faces.tagged import bind_tagged


def record_faces(context: FlowContext, results: Results, message: str) -> None:
    """One commit a batch. A batch of anything else has no faces."""
    assert isinstance(results, FaceResults)
    if results.looks or results.readings or results.rows:
        with context.lake.write(message) as writer:
            if results.looks:
                record_looks(writer, results.looks)
            writer.record(results.rows, results.cleared, context.run_id)
            if results.readings:
                record_regions(writer, results.readings)


def bind_faces(context: FlowContext) -> int:
    """Name faces by their pictures' tags; returns how many."""
    if not context.lake.rows("faces/tag_matches", persons=None):
        return 0
    with context.lake.write("faces named by their tags") as writer:
        return bind_tagged(writer, context.settings.face_autobind_min_cos)


def group_new_faces(context: FlowContext) -> int:
    """Put faces of nobody into the groups there are, or new ones; no face changes its group. Returns how many."""
    fresh = context.lake.table("faces/fresh_vectors")
    grouped = 0
    for version in fresh["model_version"].unique().to_pylist():
        of_version = fresh.filter(pa.compute.equal(fresh["model_version"], version))
        known = context.lake.table("faces/group_samples", model_version=version)
        groups, centres = means(_matrix(known), known["cluster_id"].to_numpy().astype(np.int64))
        grouped += _group(context, version, of_version["face_id"].to_numpy(), _matrix(of_version), groups, centres)
    return grouped


def _group(context: FlowContext, version: str, faces: Any, vectors: Vectors, groups: Any, centres: Vectors) -> int:
    joined = join_groups(vectors, centres)
    assigned = {int(faces[i]): int(groups[joined[i]]) for i in np.flatnonzero(joined >= 0)}
    alone = np.flatnonzero(joined < 0)
    founded = by_label(found_groups(vectors[alone]), [int(number) for number in faces[alone]])
    if not assigned and not founded:
        return 0
    with context.lake.write(f"{len(founded)} new groups of faces") as writer:
        assigned |= _new_groups(writer, version, founded)
        writer.run("faces/join_groups", faces=list(assigned), clusters=list(assigned.values()))
    return len(assigned)


def group_all_faces(context: FlowContext) -> dict[str, int]:
    """
    The full pass over everybody's nameless faces. A group keeps its number where most of its faces stay together;
    groups that somebody merged or split are left alone.
    """
    counts = {"faces": 0, "groups": 0}
    for version in [row["model_version"] for row in context.lake.rows("faces/model_versions")]:
        table = context.lake.table("faces/vectors", model_version=version)
        free = table.filter(pa.compute.and_(table["nameless"], pa.compute.invert(table["by_user"])))
        faces, before = free["face_id"].to_numpy(), free["cluster_id"].to_numpy().astype(np.int64)
        labels = cluster_all(_matrix(free))
        continued = keep_numbers(labels, before)
        groups = by_label(labels, [int(number) for number in faces])
        with context.lake.write(f"{len(faces)} faces in {len(groups)} groups") as writer:
            founded = {label: numbers for label, numbers in groups.items() if label not in continued}
            assigned = _new_groups(writer, version, founded)
            for label, cluster_id in continued.items():
                assigned |= dict.fromkeys(groups[label], cluster_id)
            now = {int(face): assigned.get(int(face)) for face in faces}
            changed = {face: group for (face, group), old in zip(now.items(), before, strict=True)
                       if (group if group is not None else -1) != old}  # fmt: skip
            if changed:
                writer.run("faces/join_groups", faces=list(changed), clusters=list(changed.values()))
        counts["faces"] += len(faces)
        counts["groups"] += len(groups)
    return counts


def _new_groups(writer: Writer, version: str, founded: Any) -> dict[int, int]:
    """Face numbers to the numbers of their new groups."""
    if not founded:
        return {}
    first = new_numbers(writer, "face_cluster", len(founded))
    columns = {"model_version": version, "is_ignored": False, "by_user": False, "created_at": utc_now()}
    assigned: dict[int, int] = {}
    rows = []
    for cluster_id, numbers in enumerate(founded.values(), start=first):
        rows.append({"cluster_id": cluster_id, **columns})
        assigned |= dict.fromkeys(numbers, cluster_id)
    writer.append("face_cluster", rows)
    return assigned


def _matrix(table: pa.Table) -> Vectors:
    """The column of vectors as one array, shape (n, d); without a Python object per number."""
    if not table.num_rows:
        return np.zeros((0, 1), np.float32)
    lists = table["embedding"].combine_chunks()
    flat = lists.flatten().to_numpy(zero_copy_only=False)
    matrix: Vectors = flat.reshape(table.num_rows, -1).astype(np.float32, copy=False)
    return matrix

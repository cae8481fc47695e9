"""What a new look at a picture means for the faces known in it: which are the same, which are new, which are gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tasks.asset import Row
from tasks.faces.protocol import Box, FoundFace
from tasks.faces.regions import NamedBox

SAME_FACE = 0.3  # overlap of two looks at one face: detectors differ in how much forehead they take
Seen = TypeVar("Seen")


@dataclass(slots=True)
class Reconciliation:
    """
    Args:
        kept: Rows of `face`, complete, that stay; with what was seen of them, or None.
        fresh: What was seen for the first time.
        gone: Rows that nothing speaks for any more.
    """

    kept: list[tuple[Row, Any]] = field(default_factory=list)
    fresh: list[Any] = field(default_factory=list)
    gone: list[Row] = field(default_factory=list)


def settle_detection(known: Sequence[Row], found: Sequence[FoundFace], model_version: str) -> Reconciliation:
    """
    A detector's look. Numbers and names stay with the face that is in the same place.

    What somebody drew, named, or wrote into the file stays where it is, seen again or not, and takes the detector's
    vector; what only a detector saw, and this one does not, goes.
    """
    settled = Reconciliation()
    partners = pair(known, found, lambda face: face.box, lambda face: face.at_seconds)
    for row in known:
        seen = partners.get(id(row))
        if seen is None:
            keep = row["source"] != "auto" or row["bound_by"] in {"user", "region"}
            (settled.kept.append((row, None)) if keep else settled.gone.append(row))
            continue
        changed = dict(row)
        if row["source"] == "auto":
            changed |= box_columns(seen.box) | {"at_seconds": seen.at_seconds}
        changed["confidence"] = seen.confidence
        if seen.embedding is not None:
            changed["model_version"] = model_version
        if changed["model_version"] != row["model_version"]:
            changed["cluster_id"] = None  # groups are made of vectors of one version
        settled.kept.append((changed, seen))
    taken = {id(seen) for seen in partners.values()}
    settled.fresh = [face for face in found if id(face) not in taken]
    return settled


def settle_regions(known: Sequence[Row], named: Sequence[NamedBox]) -> Reconciliation:
    """The file's own metadata, read (again). A name somebody gave here outlives what the file says."""
    settled = Reconciliation()
    partners = pair(known, named, lambda region: region.box, lambda _: None)
    for row in known:
        region = partners.get(id(row))
        if region is not None:
            changed = dict(row)
            if row["source"] == "region":
                changed |= box_columns(region.box)
            settled.kept.append((changed, region))
        elif row["source"] == "region" and row["bound_by"] != "user":
            if row["model_version"] is None:
                settled.gone.append(row)
            else:  # a detector saw it too
                settled.kept.append((row | {"source": "auto", "region_name": None, **_unbound(row)}, None))
        else:
            settled.kept.append((row | {"region_name": None, **_unbound(row)}, None))
    taken = {id(region) for region in partners.values()}
    settled.fresh = [region for region in named if id(region) not in taken]
    return settled


def pair(
    known: Sequence[Row],
    seen: Sequence[Seen],
    box_of: Callable[[Seen], Box],
    seconds_of: Callable[[Seen], float | None],
) -> Mapping[int, Seen]:
    """`id` of a row to what was seen of it: the best overlaps first, each row and each sight once."""
    scores = []
    for row_number, row in enumerate(known):
        box = box_of_row(row)
        for number, one in enumerate(seen):
            if row["at_seconds"] is not None and seconds_of(one) not in {None, row["at_seconds"]}:
                continue
            other = box_of(one)
            overlap = box.overlap(other)
            if overlap >= SAME_FACE or (box.contains_centre_of(other) and other.contains_centre_of(box)):
                scores.append((-overlap, row_number, number))
    partners: dict[int, Seen] = {}
    used: set[int] = set()
    for _, row_number, number in sorted(scores):
        if id(known[row_number]) not in partners and number not in used:
            partners[id(known[row_number])] = seen[number]
            used.add(number)
    return partners


def box_of_row(row: Row) -> Box:
    return Box(row["x"], row["y"], row["width"], row["height"])


def box_columns(box: Box) -> Row:
    return {"x": box.x, "y": box.y, "width": box.width, "height": box.height}


def _unbound(row: Row) -> Row:
    """The file no longer says who it is."""
    return {"person_id": None, "bound_by": None} if row["bound_by"] == "region" else {}

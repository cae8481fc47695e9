"""Looks at pictures to rows: what the flow and the API do alike, inside one write transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tasks.asset import Row, utc_now
from tasks.faces.protocol import Detection, FoundFace
from tasks.faces.reconcile import Reconciliation, box_columns, settle_detection, settle_regions
from tasks.faces.regions import REGIONS_RECIPE, NamedBox

UNKNOWN_VERSION = "unknown"  # of a failure before any answer named the model


class Rows(Protocol):
    """The lake inside a write transaction (`sql.lake.Writer`)."""

    def run(self, name: str, **parameters: Any) -> list[Row]: ...

    def replace(self, table: str, rows: Sequence[Row]) -> None: ...

    def delete(self, table: str, rows: Sequence[Row]) -> None: ...


@dataclass(frozen=True, slots=True)
class FaceScan:
    """One picture, looked at by an engine: *detection*, or the *problem* it is given up for."""

    content_hash: str
    model_version: str | None
    detection: Detection | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ReadRegions:
    """One picture whose metadata were read."""

    content_hash: str
    sidecar_version: str
    named: tuple[NamedBox, ...]
    problem: str | None = None


def record_looks(rows: Rows, looks: Sequence[FaceScan]) -> int:
    """
    Faces and scans of pictures an engine has looked at; replaces what an earlier look of it found.

    Returns:
        How many faces there are in them that were not known.
    """
    known = _known_faces(rows, [look.content_hash for look in looks])
    changes = _Changes()
    for look in looks:
        if look.detection is not None:
            settled = settle_detection(
                known.get(look.content_hash, []), look.detection.faces, look.detection.model_version
            )
            changes.take_detection(look.content_hash, settled, look.detection.model_version)
    changes.write(rows)
    rows.run("faces/forget_failures", hashes=[look.content_hash for look in looks])
    taken = [look.content_hash for look in looks if look.detection is not None]
    rows.run("faces/forget_refusals", hashes=taken)
    rows.run("faces/forget_ledger", hashes=taken)
    rows.replace("face_scan", [_scan_row(look) for look in looks])
    return len(changes.fresh)


def record_regions(rows: Rows, readings: Sequence[ReadRegions]) -> int:
    """Named boxes and the persons they name; returns how many boxes were not known."""
    known = _known_faces(rows, [reading.content_hash for reading in readings])
    settled = [
        (reading.content_hash, settle_regions(known.get(reading.content_hash, []), reading.named))
        for reading in readings
    ]
    persons = persons_named(rows, [name for _, one in settled for name in _names_to_give(one)])
    changes = _Changes()
    for content_hash, one in settled:
        changes.take_regions(content_hash, one, persons)
    changes.write(rows)
    rows.replace("face_scan", [
        {
            "content_hash": reading.content_hash, "model_version": REGIONS_RECIPE,
            "status": "failed" if reading.problem else "detected" if reading.named else "no_faces",
            "message": reading.problem, "sidecar_version": reading.sidecar_version, "recorded_at": utc_now(),
        }
        for reading in readings
    ])  # fmt: skip
    return len(changes.fresh)


def _names_to_give(settled: Reconciliation) -> list[str]:
    kept = [region.name for row, region in settled.kept if region is not None and not _was_named(row, region.name)]
    return [*kept, *(region.name for region in settled.fresh)]


def _was_named(row: Row, name: str) -> bool:
    """The file's name was heeded before, or a user's counts: who it is since then (renamed, merged, nobody) stays."""
    heeded = row["region_name"] is not None and same_name(row["region_name"]) == same_name(name)
    return heeded or row["bound_by"] == "user"


def persons_named(rows: Rows, names: Sequence[str], *, from_tag: bool = False) -> dict[str, int]:
    """
    Person numbers by `same_name`, of *names*; who is missing is added.

    A name that a person had once means that person still. One that somebody deleted is left out: it means nobody.
    """
    wanted = {same_name(name): name for name in reversed(names)}
    if not wanted:
        return {}
    known = {same_name(row["name"]): int(row["person_id"]) for row in rows.run("faces/person_names")}
    once = {row["name_key"]: row["person_id"] for row in rows.run("faces/person_aliases", keys=list(wanted))}
    forgotten = {key for key, person_id in once.items() if person_id is None} - known.keys()
    known = {key: int(person_id) for key, person_id in once.items() if person_id is not None} | known
    missing = [name for key, name in wanted.items() if key not in known and key not in forgotten]
    first = new_numbers(rows, "person", len(missing)) if missing else 0
    fresh = [person_row(first + number, name, from_tag=from_tag) for number, name in enumerate(missing)]
    rows.replace("person", fresh)
    return {key: known[key] for key in wanted if key in known} | {
        same_name(row["name"]): row["person_id"] for row in fresh
    }


def person_row(person_id: int, name: str, *, from_tag: bool = False, **columns: Any) -> Row:
    now = utc_now()
    return {"person_id": person_id, "name": name, "notes": None, "entity_id": None, "cover_face_id": None,
            "created_from_tag": from_tag, "is_ignored": False, "created_at": now, "updated_at": now,
            **columns}  # fmt: skip


def same_name(name: str) -> str:
    """Equal for names of one person: in any case, with any spacing."""
    return " ".join(name.split()).casefold()


def new_numbers(rows: Rows, kind: str, count: int) -> int:
    """The first of *count* numbers that were never given before."""
    found = rows.run("faces/last_number", kind=kind)
    first = int(found[0]["last"]) + 1 if found else 1
    rows.replace("face_number", [{"kind": kind, "last": first + count - 1}])
    return first


def face_row(content_hash: str, source: str, **columns: Any) -> Row:
    """A row of `face` without its number."""
    empty = dict.fromkeys(("model_version", "confidence", "region_name", "person_id", "bound_by", "cluster_id",
                           "at_seconds"))  # fmt: skip
    return {"content_hash": content_hash, "source": source, **empty, "recorded_at": utc_now(), **columns}


class _Changes:
    """Rows to write, gathered over many pictures: the lake is asked once for numbers, and written once per table."""

    def __init__(self) -> None:
        self.kept: list[Row] = []
        self.fresh: list[tuple[Row, FoundFace | None]] = []
        self.gone: list[Row] = []
        self.vectors: list[Row] = []

    def take_detection(self, content_hash: str, settled: Reconciliation, model_version: str) -> None:
        now = utc_now()
        for row, seen in settled.kept:
            if seen is not None:
                self.kept.append(row | {"recorded_at": now})
                self._vector(row["face_id"], seen, model_version)
        for face in settled.fresh:
            version = model_version if face.embedding is not None else None
            row = face_row(content_hash, "auto", **box_columns(face.box), model_version=version,
                           confidence=face.confidence, at_seconds=face.at_seconds)  # fmt: skip
            self.fresh.append((row, face))
        self.gone += settled.gone

    def take_regions(self, content_hash: str, settled: Reconciliation, persons: dict[str, int]) -> None:
        for row, region in settled.kept:
            changed = row
            if region is not None and not _was_named(row, region.name):
                changed = _renamed(row, region.name, persons)
            if region is not None:
                changed = changed | {"region_name": region.name}
            self.kept.append(changed | {"recorded_at": utc_now()})
        for region in settled.fresh:
            row = face_row(content_hash, "region", **box_columns(region.box), region_name=region.name,
                           **_bound(region.name, persons))  # fmt: skip
            self.fresh.append((row, None))
        self.gone += settled.gone

    def write(self, rows: Rows) -> None:
        first = new_numbers(rows, "face", len(self.fresh)) if self.fresh else 0
        numbered = []
        for number, (row, face) in enumerate(self.fresh, start=first):
            numbered.append(row | {"face_id": number})
            if face is not None and row["model_version"] is not None:
                self._vector(number, face, row["model_version"])
        rows.delete("face", self.gone)
        rows.delete("face_embedding", [{"face_id": row["face_id"]} for row in self.gone])
        rows.replace("face", self.kept + numbered)
        rows.replace("face_embedding", self.vectors)

    def _vector(self, face_id: int, face: FoundFace, model_version: str) -> None:
        if face.embedding is not None:
            self.vectors.append(
                {"face_id": face_id, "model_version": model_version, "embedding": face.embedding.tolist()}
            )


def _bound(name: str, persons: dict[str, int]) -> Row:
    """Whose a face is that the file gives this name; nobody's where the name was forgotten."""
    person_id = persons.get(same_name(name))
    return {"person_id": person_id, "bound_by": None if person_id is None else "region"}


def _renamed(row: Row, name: str, persons: dict[str, int]) -> Row:
    """A known face that the file gives another name than before; a forgotten one takes back only what a file said."""
    bound = _bound(name, persons)
    return row if bound["person_id"] is None and row["bound_by"] != "region" else row | bound


def _known_faces(rows: Rows, hashes: Sequence[str]) -> dict[str, list[Row]]:
    known: dict[str, list[Row]] = {}
    for row in rows.run("faces/known_faces", hashes=list(hashes)) if hashes else []:
        known.setdefault(row["content_hash"], []).append(row)
    return known


def _scan_row(look: FaceScan) -> Row:
    status = "failed" if look.detection is None else "detected" if look.detection.faces else "no_faces"
    version = look.detection.model_version if look.detection else look.model_version
    return {"content_hash": look.content_hash, "model_version": version or UNKNOWN_VERSION, "status": status,
            "message": look.problem, "sidecar_version": None, "recorded_at": utc_now()}  # fmt: skip

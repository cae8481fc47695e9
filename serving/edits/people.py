"""Edits of faces and people, inside one write transaction: what is asked for, checked against what is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from serving.edits.edit import checked_text
from serving.edits.person_names import faces_of_name, forget_names, merge_names, name_is_taken
from serving.schemas.faces import MAX_NAME_CHARACTERS
from sql.lake import Row, Writer, utc_now
from tasks.errors import Conflict, InvalidQuery, NotFound
from tasks.faces.record import new_numbers, person_row, same_name


def checked_person_name(text: str) -> str:
    """As it is kept. Raises InvalidQuery: Empty, too long, or with control characters."""
    name = checked_text(text, most=MAX_NAME_CHARACTERS, what="a person's name")
    if not name:
        raise InvalidQuery("a person needs a name")
    return name


def person_by_id(writer: Writer, person_id: int) -> Row:
    """Raises NotFound."""
    found = writer.execute("select * from person where person_id = $person_id", person_id=person_id)
    if not found:
        raise NotFound(f"there is no person {person_id}")
    return found[0]


def find_person(writer: Writer, name: str) -> Row | None:
    """Whoever has this name, in any case and spacing."""
    wanted = same_name(name)
    return next((row for row in writer.execute("select * from person") if same_name(row["name"]) == wanted), None)


def add_person(writer: Writer, name: str, **columns: Any) -> Row:
    """Raises Conflict: Somebody has this name. InvalidQuery."""
    name = checked_person_name(name)
    if known := find_person(writer, name):
        raise Conflict(f"there is a person called {known['name']} already, number {known['person_id']}")
    row = person_row(new_numbers(writer, "person", 1), name, **columns)
    writer.append("person", [row])
    if name_is_taken(writer, name):
        faces_of_name(writer, row)
    return row


def chosen_person(writer: Writer, person_id: int | None, name: str | None) -> Row | None:
    """Whom a client means: a number, or a name, which is made where it is new; None for nobody. Raises NotFound."""
    if person_id is not None:
        return person_by_id(writer, person_id)
    if name is None:
        return None
    name = checked_person_name(name)
    return find_person(writer, name) or add_person(writer, name)


def faces_by_id(writer: Writer, face_ids: Sequence[int]) -> list[Row]:
    """All of them. Raises NotFound: One is not there."""
    wanted = list(dict.fromkeys(face_ids))
    found = writer.execute(
        "select * from face where face_id in (select unnest($faces::bigint[])) order by face_id", faces=wanted
    )
    if len(found) < len(wanted):
        missing = next(iter(set(wanted) - {row["face_id"] for row in found}))
        raise NotFound(f"there is no face {missing}")
    return found


def assign(writer: Writer, faces: Sequence[Row], person: Row | None, who: str) -> None:
    """
    Say whose faces these are. That is somebody's word: no tag, model or metadata overrules it.

    Taking a name away remembers that it was wrong, so that nothing gives it again.
    """
    wrong = [
        {"face_id": face["face_id"], "person_id": face["person_id"], "rejected_by": who, "rejected_at": utc_now()}
        for face in faces
        if face["person_id"] is not None and (person is None or face["person_id"] != person["person_id"])
    ]
    writer.replace("face_rejection", wrong)
    if person is not None:
        writer.delete("face_rejection", [
            {"face_id": face["face_id"], "person_id": person["person_id"]} for face in faces
        ])  # fmt: skip
    writer.execute(
        "update face set person_id = $person_id, bound_by = 'user' "
        "where face_id in (select unnest($faces::bigint[]))",
        person_id=person["person_id"] if person else None, faces=[face["face_id"] for face in faces],
    )  # fmt: skip


def merge_persons(writer: Writer, source: Row, target: Row) -> None:
    """
    Everything of *source* is *target*'s; notes and cover only where the target has none.

    Whoever was not the one is not the other either: both ones' rejections stay, but of faces that are now theirs.

    Raises:
        Conflict: They are the same.
    """
    if source["person_id"] == target["person_id"]:
        raise Conflict("a person cannot be merged into itself")
    numbers = {"source": source["person_id"], "target": target["person_id"]}
    writer.execute("update face set person_id = $target where person_id = $source", **numbers)
    writer.run("faces/merge_rejections", **numbers)
    writer.run("faces/drop_merged_rejections", **numbers)
    merge_names(writer, source, target)
    kept = {name: target[name] or source[name] for name in ("notes", "entity_id", "cover_face_id")}
    writer.delete("person", [{"person_id": source["person_id"]}])
    writer.replace("person", [target | kept | {"updated_at": utc_now()}])


def remove_person(writer: Writer, person: Row) -> None:
    """The name is gone; the faces stay, as nobody's."""
    number = person["person_id"]
    writer.execute("update face set person_id = null, bound_by = null where person_id = $number", number=number)
    writer.execute("delete from face_rejection where person_id = $number", number=number)
    forget_names(writer, person)
    writer.delete("person", [{"person_id": number}])

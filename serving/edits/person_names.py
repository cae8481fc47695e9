"""
Names that files still say after somebody renamed, merged or deleted the person they meant.

Metadata are read again and again, and new photos with the old name keep arriving: without this each would bring the
person back. Part of the edit that changes the name, so POST /undo takes it back as well.
"""

from __future__ import annotations

from sql.lake import Row, Writer, utc_now
from tasks.faces.record import same_name


def name_now_means(writer: Writer, name: str, person_id: int | None) -> None:
    """Metadata that say *name* mean this person from now on; None: nobody, and nobody is made of it."""
    writer.replace("person_alias", [{"name_key": same_name(name), "person_id": person_id, "recorded_at": utc_now()}])


def name_is_taken(writer: Writer, name: str) -> bool:
    """Somebody has this very name now. Returns whether it was a forgotten one."""
    key = same_name(name)
    known = writer.run("faces/person_aliases", keys=[key])
    writer.delete("person_alias", [{"name_key": key}])
    return bool(known) and known[0]["person_id"] is None


def rename(writer: Writer, person: Row, name: str) -> None:
    """What the person was called until now still means them."""
    if same_name(person["name"]) == same_name(name):
        return
    name_now_means(writer, person["name"], person["person_id"])
    if name_is_taken(writer, name):
        faces_of_name(writer, person | {"name": name})


def merge_names(writer: Writer, source: Row, target: Row) -> None:
    """All names of *source* mean *target*."""
    writer.execute(
        "update person_alias set person_id = $target where person_id = $source",
        source=source["person_id"], target=target["person_id"],
    )  # fmt: skip
    name_now_means(writer, source["name"], target["person_id"])


def forget_names(writer: Writer, person: Row) -> None:
    """None of a deleted person's names makes anybody again, until somebody adds a person of that name by hand."""
    writer.run("faces/forget_name", person_id=person["person_id"])
    name_now_means(writer, person["name"], None)


def faces_of_name(writer: Writer, person: Row) -> None:
    """A forgotten person is back: the faces that files give this name are theirs again, but those somebody decided."""
    wanted = same_name(person["name"])
    faces = [row for row in writer.run("faces/forgotten_faces") if same_name(row["region_name"]) == wanted]
    writer.replace("face", [row | {"person_id": person["person_id"], "bound_by": "region"} for row in faces])

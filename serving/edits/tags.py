"""Tags: words people give to pictures. Their names are unique in any case, their numbers are what filters take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa

from serving.edits.edit import checked_text
from sql.lake import Row, Writer, utc_now
from tasks.errors import Conflict, InvalidQuery, NotFound

MAX_NAME_CHARACTERS = 100


def checked_name(text: str) -> str:
    """The name as it is kept. Raises InvalidQuery: Empty, too long, or with control characters."""
    name = checked_text(text, most=MAX_NAME_CHARACTERS, what="the name of a tag")
    if not name:
        raise InvalidQuery("a tag needs a name")
    return name


def find_by_name(tags: Iterable[Row], name: str) -> Row | None:
    wanted = name.casefold()
    return next((tag for tag in tags if tag["name"].casefold() == wanted), None)


def shown(tag: Row) -> Row:
    """As clients see it: id, name, created_time (epoch seconds)."""
    return {"id": tag["tag_id"], "name": tag["name"], "created_time": tag["created_time"]}


@dataclass
class Tags:
    """
    The tags as one write transaction sees them.

    Args:
        writer: Of that transaction: everything here is committed with it, or not at all.
        who: Name of the account, kept with each tag given.
    """

    writer: Writer
    who: str
    _known: list[Row] = field(init=False)

    def __post_init__(self) -> None:
        self._known = self.writer.execute(
            "select tag_id, name, created_at, floor(epoch(created_at))::bigint as created_time from tag"
        )

    def by_id(self, tag_id: int) -> Row:
        """Raises NotFound."""
        for tag in self._known:
            if tag["tag_id"] == tag_id:
                return tag
        raise NotFound(f"there is no tag {tag_id}")

    def named(self, word: int | str) -> Row:
        """The tag of this number or name. Raises NotFound, InvalidQuery."""
        if isinstance(word, int):
            return self.by_id(word)
        tag = find_by_name(self._known, checked_name(word))
        if tag is None:
            raise NotFound(f"there is no tag called {word[:MAX_NAME_CHARACTERS]}")
        return tag

    def made(self, word: int | str) -> tuple[Row, bool]:
        """
        The tag of this number or name, made if the name is new; and whether it was.

        Raises:
            NotFound, InvalidQuery.
        """
        if isinstance(word, int):
            return self.by_id(word), False
        name = checked_name(word)
        if known := find_by_name(self._known, name):
            return known, False
        now = utc_now()
        row = {"tag_id": self._new_number(), "name": name, "created_at": now}
        self.writer.append("tag", [row])
        tag = self.writer.execute(
            "select *, floor(epoch(created_at))::bigint as created_time from tag where tag_id = $id", id=row["tag_id"]
        )[0]
        self._known.append(tag)
        return tag, True

    def _new_number(self) -> int:
        given = self.writer.execute("select max(last) as last from tag_number")[0]["last"] or 0
        number = max(self.writer.next_id("tag", "tag_id"), given + 1)
        self.writer.execute("delete from tag_number")
        self.writer.append("tag_number", [{"last": number}])
        return number

    def give(self, tag: Row, pictures: pa.Table) -> int:
        """To how many of *pictures* (one column, `content_hash`) it is new."""
        with self.writer.using("picked", pictures):
            added = self.writer.run(
                "serving/edits/add_tag", tag_id=tag["tag_id"], added_by=self.who, added_at=utc_now()
            )
        return _affected(added)

    def take(self, tag: Row, pictures: pa.Table) -> int:
        """From how many of *pictures* it was taken."""
        with self.writer.using("picked", pictures):
            return _affected(self.writer.run("serving/edits/remove_tag", tag_id=tag["tag_id"]))

    def replace(self, tags: list[Row], pictures: pa.Table) -> tuple[int, int]:
        """*pictures* have these tags and no others; how many were given and taken."""
        wanted = {tag["tag_id"] for tag in tags}
        with self.writer.using("picked", pictures):
            present = self.writer.execute("select distinct tag_id from photo_tag semi join picked using (content_hash)")
        unwanted = [row for row in present if row["tag_id"] not in wanted]
        return sum(self.give(tag, pictures) for tag in tags), sum(self.take(row, pictures) for row in unwanted)

    def rename(self, tag: Row, name: str) -> Row:
        """Raises InvalidQuery. Conflict: Another tag has this name: merge them."""
        name = checked_name(name)
        other = find_by_name(self._known, name)
        if other is not None and other["tag_id"] != tag["tag_id"]:
            raise Conflict(f"there is a tag called {other['name']} already: merge this one into it")
        self.writer.execute("update tag set name = $name where tag_id = $tag_id", name=name, tag_id=tag["tag_id"])
        return {**tag, "name": name}

    def remove(self, tag: Row) -> None:
        """The tag, from all pictures."""
        for table in ("photo_tag", "tag"):
            self.writer.execute(f"delete from {table} where tag_id = $tag_id", tag_id=tag["tag_id"])

    def merge(self, tag: Row, into: Row) -> int:
        """What has *tag* has *into* instead; *tag* is gone. How many pictures got a tag they lacked."""
        if tag["tag_id"] == into["tag_id"]:
            raise Conflict("a tag cannot be merged into itself")
        rows = self.writer.execute("select content_hash from photo_tag where tag_id = $id", id=tag["tag_id"])
        moved = self.give(
            into, pa.table({"content_hash": pa.array([row["content_hash"] for row in rows], pa.string())})
        )
        self.remove(tag)
        return moved


def _affected(answer: list[Row]) -> int:
    """What an insert or delete answers with."""
    return int(next(iter(answer[0].values()))) if answer else 0

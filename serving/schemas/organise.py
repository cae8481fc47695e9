"""Shapes of the routes that organise: tags, favourites, notes, memories, changes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from serving.schemas.photos import Photo, UtcTime

MAX_NUMBER = (1 << 31) - 1
TagNumber = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
TagName = Annotated[str, Field(min_length=1, max_length=400, examples=["summer"])]
Place = Annotated[str | None, Field(None, max_length=8192, examples=["2012/summer/ladybug.jpg"])]
Library = Annotated[str | int | None, Field(None, description="Id or name; absent: the first that has the path")]


class PhotoRef(BaseModel):
    """A photo, by its path; `file_name` is the Image API's word for the same."""

    path: Place = None
    file_name: Place = None
    library: Library = None

    @property
    def place(self) -> str | None:
        return self.path if self.path is not None else self.file_name


class Tag(BaseModel):
    id: int
    name: str = Field(examples=["summer"])
    created_time: int = Field(description="Epoch seconds")


class CountedTag(BaseModel):
    count: int = Field(description="Photos that have it")
    tag: Tag


class TagOnPhoto(PhotoRef):
    tag_name: TagName


class TagBatch(PhotoRef):
    """Photos, and what becomes of their tags. `tag_ids` replaces what they have; `add` and `remove` change it."""

    paths: list[str] = Field(default_factory=list, max_length=5000, description="Several photos at once")
    tag_ids: list[TagNumber] | None = Field(None, max_length=1000, description="Exactly these from now on")
    add: list[TagNumber | TagName] = Field(default_factory=list, max_length=100, description="Numbers or names")
    remove: list[TagNumber | TagName] = Field(default_factory=list, max_length=100, description="Numbers or names")

    @property
    def places(self) -> list[str]:
        return [*self.paths, *([self.place] if self.place else [])]


class BatchResult(BaseModel):
    photos: int = Field(description="Different pictures that were named; copies of one count once")
    added: int
    removed: int


class NewTag(BaseModel):
    name: TagName


class MergeInto(BaseModel):
    into: TagNumber = Field(description="Number of the tag that stays")


class Merged(BaseModel):
    tag: Tag
    moved: int = Field(description="Pictures that did not have it before")


class Favorite(BaseModel):
    path: str
    library_id: int
    favorite: bool


class RatingOf(PhotoRef):
    rating: Annotated[int, Field(ge=0, le=5)] | None = Field(description="0 for none; null: as the file says")


class DescriptionOf(PhotoRef):
    description: str | None = Field(max_length=20_000, description="null: as the file says")


class Note(BaseModel):
    path: str
    library_id: int
    rating: int | None
    description: str | None
    rating_is_set: bool = Field(description="By a user; else it is what the file says")
    description_is_set: bool


class Memory(Photo):
    created: int | None = Field(description="When it was taken: epoch seconds, UTC where the zone is known")
    modified: int = Field(description="Of the file, epoch seconds")
    year: int


class Memories(BaseModel):
    items: list[Memory] = Field(description="Newest year first, in the order of the day within a year")
    total: int = Field(description="More than there are items where `limit` was reached")
    date: str = Field(description="The day that was asked for, in the client's time zone")
    years: dict[str, int] = Field(description="How many of each year", examples=[{"2012": 14}])


class Change(BaseModel):
    snapshot_id: int = Field(description="For POST /undo")
    time: UtcTime = Field(description="UTC")
    who: str | None
    what: str = Field(examples=["tagged 3 photos with summer"])
    kinds: list[str] = Field(description="tag, photo_tag, favorite, photo_note, person, face: what was edited")
    photos: list[dict[str, Any]] = Field(description="{path, library_id, asset_id}; the first 100")
    tags: list[dict[str, Any]] = Field(description="{id, name}")
    persons: list[dict[str, Any]] = Field(description="{id, name}")
    rows: int = Field(description="How many rows it added, changed or took away")


class Changes(BaseModel):
    changes: list[Change] = Field(description="Newest first")
    newest: int = Field(description="The newest snapshot: send it as `since` next time")
    has_more: bool


class UndoOf(BaseModel):
    snapshot_id: int = Field(ge=0, lt=1 << 63)


class Undone(BaseModel):
    snapshot_id: int = Field(description="Of the undo itself; undoing that does it again")
    undone: int
    what: str
    rows: int

"""The shapes of requests and answers about faces and people."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from serving.schemas.photos import UtcTime

MAX_NUMBER = (1 << 31) - 1
MAX_FACE_NUMBER = (1 << 53) - 1  # as far as JSON numbers are exact
MAX_NAME_CHARACTERS = 200
MAX_NOTES_CHARACTERS = 10_000
MAX_FACES_AT_ONCE = 10_000

PersonNumber = Annotated[int, Field(ge=1, le=MAX_NUMBER, examples=[3])]
FaceNumber = Annotated[int, Field(ge=1, le=MAX_FACE_NUMBER, examples=[17])]
Name = Annotated[str, Field(max_length=1000, examples=["Marie Curie"])]
Share = Annotated[float, Field(ge=-1, le=2, allow_inf_nan=False)]


class Bbox(BaseModel):
    """Left, top, width and height; 0 to 1 of the upright picture."""

    x: Share = Field(examples=[0.31])
    y: Share = Field(examples=[0.2])
    w: Share = Field(gt=0, examples=[0.12])
    h: Share = Field(gt=0, examples=[0.2])


class Face(BaseModel):
    id: int
    bbox: Bbox
    confidence: float | None = Field(
        description="The detector's, 0 to 1; null for what was drawn or read from metadata"
    )
    source: str = Field(description="auto, manual, or region: from the file's own metadata")
    person_id: int | None
    person_name: str | None
    bound_by: str | None = Field(description="Who said so: auto, user, region")
    model_version: str | None = Field(description="Of its vector; null without one")
    cluster_id: int | None = Field(description="Group of faces that look like one person")
    at_seconds: float | None = Field(description="Videos: where in the preview clip")
    asset_id: int | None
    path: str | None
    library_id: int | None
    crop_url: str = Field(description="A square JPEG of it")


class FaceVector(BaseModel):
    id: int
    content_hash: str
    bbox: Bbox
    confidence: float | None
    source: str
    person_id: int | None
    cluster_id: int | None
    model_version: str = Field(description="Vectors of two versions cannot be compared")
    embedding: str = Field(description="Base64 of little-endian float32, unit length")


class FaceStats(BaseModel):
    total_photos: int = Field(description="Different pictures, copies counted once; without videos")
    scanned: int
    with_faces: int
    no_faces: int
    failed: int
    faces: int
    unassigned: int = Field(description="Faces of nobody yet")
    persons: int
    engine: str = Field(description="apollo, local or off")


class NewFace(BaseModel):
    path: str = Field(max_length=8192)
    library: str | int | None = None
    bbox: Bbox
    person_id: PersonNumber | None = None
    person_name: Name | None = Field(None, description="Made where there is nobody of this name")
    force: bool = Field(False, description="Keep the box though no face can be recognised in it, or faces are off")


class FacePatch(BaseModel):
    """What is left out stays; `person_id: null` says that it is nobody known."""

    bbox: Bbox | None = None
    person_id: PersonNumber | None = None
    person_name: Name | None = None


class WhichPhoto(BaseModel):
    path: str = Field(max_length=8192)
    library: str | int | None = None


class Assignment(BaseModel):
    face_ids: list[FaceNumber] = Field(min_length=1, max_length=MAX_FACES_AT_ONCE)
    person_id: PersonNumber | None = None
    person_name: Name | None = None


class Rejection(BaseModel):
    person_id: PersonNumber


class Deleted(BaseModel):
    deleted: int = Field(description="The number of what is gone")


class Suggestion(BaseModel):
    person_id: int
    person_name: str
    score: float = Field(description="Cosine to the mean of that person's faces")


class Cluster(BaseModel):
    id: int
    size: int = Field(description="Faces without a name in it")
    photo_count: int
    cover_face_id: int
    sample_face_ids: list[int]
    crop_url: str
    is_ignored: bool
    suggestion: Suggestion | None = Field(description="Is this …?")


class NameCluster(BaseModel):
    person_id: PersonNumber | None = None
    person_name: Name | None = None


class ClusterPatch(BaseModel):
    is_ignored: bool


class MergeClusters(BaseModel):
    into: Annotated[int, Field(ge=1, le=MAX_FACE_NUMBER)]


class SplitCluster(BaseModel):
    face_ids: list[FaceNumber] = Field(min_length=1, max_length=MAX_FACES_AT_ONCE)


class NewPerson(BaseModel):
    name: Name
    notes: str | None = Field(None, max_length=MAX_NOTES_CHARACTERS)
    entity_id: PersonNumber | None = None
    is_ignored: bool = False


class PersonPatch(BaseModel):
    """What is left out stays."""

    name: Name | None = None
    notes: str | None = Field(None, max_length=MAX_NOTES_CHARACTERS)
    entity_id: PersonNumber | None = None
    cover_face_id: FaceNumber | None = None
    is_ignored: bool | None = None


class Person(BaseModel):
    id: int
    name: str
    notes: str | None
    entity_id: int | None
    cover_face_id: int | None
    cover_url: str | None
    created_from_tag: bool
    is_ignored: bool
    face_count: int
    photo_count: int
    created_at: UtcTime = Field(description="UTC")
    updated_at: UtcTime = Field(description="UTC")


class MergePersons(BaseModel):
    into: PersonNumber


class SplitPerson(BaseModel):
    face_ids: list[FaceNumber] = Field(min_length=1, max_length=MAX_FACES_AT_ONCE)
    person_id: PersonNumber | None = Field(None, description="Whose they are; absent: somebody new")
    person_name: Name | None = None


class BootstrapCandidate(BaseModel):
    name: str = Field(description="As it is mostly written")
    normalized_name: str
    usage_count: int
    looks_like_person: bool
    already_exists: bool


class Bootstrap(BaseModel):
    names: list[Name] = Field(max_length=1000)


class Skipped(BaseModel):
    name: str
    reason: str


class Bootstrapped(BaseModel):
    created: list[Person]
    skipped: list[Skipped]
    bound: int = Field(description="Faces that got a name by their photos' tags")


class FaceSuggestion(Face):
    score: float = Field(description="Cosine to the mean of the person's faces")

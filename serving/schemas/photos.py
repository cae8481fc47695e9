"""The shapes of requests and answers. Answers of many rows are written as JSON by the replica; these document them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# The lake keeps UTC without a zone; an answer says so, as RFC 3339 has it.
UtcTime = Annotated[datetime, AfterValidator(lambda moment: moment.replace(tzinfo=UTC))]
Name = Annotated[str, Field(max_length=200, examples=["ada"])]
Password = Annotated[str, Field(max_length=1024, examples=["correct horse battery"])]


class Registration(BaseModel):
    username: Name
    password: Password
    confirmation: Password


class Login(BaseModel):
    username: Name
    password: Password


class Token(BaseModel):
    token: str = Field(description="For `Authorization: Bearer …`", examples=["eyJhbGciOiJIUzI1NiJ9…"])


class Registered(Token):
    username: str


class Session(BaseModel):
    username: str
    role: str = Field(description="owner or viewer")


class Library(BaseModel):
    id: int
    name: str = Field(examples=["Pictures"])
    root_path: str | None = Field(examples=["/home/ada/Pictures"], description="Null for viewers")
    excluded_dirs: list[str] = Field(description="Left out of memories")


class Libraries(BaseModel):
    libraries: list[Library]


class Photo(BaseModel):
    """One photo, RAW or video."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "asset_id": 17,
                "library_id": 1,
                "library": "Pictures",
                "path": "2012/summer/ladybug.jpg",
                "file_name": "ladybug.jpg",
                "media_type": "photo",
                "mime_type": "image/jpeg",
                "size_bytes": 2_483_112,
                "modified_at": "2012-07-03T10:11:12Z",
                "content_hash": "3f" * 32,
                "width": 4000,
                "height": 3000,
                "taken_at": "2012-07-03T12:11:12",
                "order_at": "2012-07-03T12:11:12",
                "taken_at_utc": "2012-07-03T10:11:12Z",
                "camera_make": "Canon",
                "camera_model": "Canon EOS 450D",
                "lens_model": None,
                "latitude": 47.1,
                "longitude": 8.5,
                "place": "Baar, Zug, Switzerland",
                "hidden": None,
                "duration_s": None,
                "motion_video": False,
                "live_video": None,
                "rating": 4,
                "favorite": True,
                "tag_ids": [1, 4],
                "thumbhash": "1QcSHQRnh493V4dIh4eXh1h4kJUI",
                "thumb_url": f"/thumb/17/{'3f' * 32}.jpg?v=4711",
                "clip_url": None,
                "stream_url": None,
            }
        }
    )

    asset_id: int
    library_id: int
    library: str
    path: str = Field(description="Relative to the library, forward slashes")
    file_name: str
    media_type: str = Field(description="photo, raw or video")
    mime_type: str = Field(description="By content, not by name")
    size_bytes: int
    modified_at: str = Field(description="UTC")
    content_hash: str | None = Field(description="BLAKE3; null until the file was read")
    width: int | None = Field(description="Pixels, upright")
    height: int | None
    taken_at: str | None = Field(description="Local wall time, no zone")
    taken_at_utc: str | None
    order_at: str = Field(
        description="Where it stands in the timeline: `taken_at`, else the file's time if it can be when it was taken, "
        "else 0001-01-01T00:00:00, behind all others"
    )
    camera_make: str | None
    camera_model: str | None
    lens_model: str | None
    latitude: float | None
    longitude: float | None
    place: str | None = Field(description="Where it was taken: own name, town, city, region, country, as far as known")
    hidden: str | None = Field(description="user or duplicate; null: it is shown")
    duration_s: float | None
    motion_video: bool = Field(description="A motion photo: a video is embedded")
    live_video: int | None = Field(description="A Live Photo: asset_id of its video, which lists leave out")
    rating: int | None = Field(description="0 to 5 (-1: rejected): what a user set, else what the file says")
    favorite: bool = Field(description="One of your favourites")
    tag_ids: list[int] = Field(description="GET /tags has the names")
    thumbhash: str | None = Field(description="ThumbHash placeholder, base64")
    thumb_url: str | None = Field(description="May be kept for ever; null until there is a thumbnail")
    clip_url: str | None = Field(description="Short MP4 of a video, motion or Live Photo; null until made")
    stream_url: str | None = Field(description="HLS playlist of a video; null until made: POST /video/generate")


class Folder(BaseModel):
    library_id: int
    library: str
    path: str = Field(examples=["2012/summer"])
    name: str = Field(examples=["summer"])
    count: int = Field(description="Photos in it and below it")
    cover_asset_id: int | None
    cover_url: str | None
    cover_thumbhash: str | None


class PhotoPage(BaseModel):
    photos: list[Photo]
    dirs: list[Folder] = Field(description="Folders directly inside `path`, 10,000 at most; on a first page only")
    total_count: int | None = Field(description="Of all pages; null on pages asked for with `cursor`")
    has_more: bool
    next_offset: int | None
    next_cursor: str | None = Field(
        description="Send it as `cursor`: quick however deep, and stable while files arrive"
    )


class Month(BaseModel):
    month: str = Field(examples=["2012-07"], description="0001-01 holds what has no date")
    count: int


class Months(BaseModel):
    months: list[Month] = Field(description="Newest first")
    total_count: int


class ExifPhoto(BaseModel):
    file_path: str
    library_id: int
    library_name: str
    camera_model: str | None
    width: int | None
    height: int | None
    gps_latitude: float | None
    gps_longitude: float | None
    date_taken: int = Field(description="Epoch seconds: UTC where the zone is known, else of the wall time")


class ExifPhotos(BaseModel):
    photos: list[ExifPhoto]
    total: int = Field(description="Of all pages")
    has_more: bool
    next_offset: int | None = Field(description="Send it as `offset`")


class GpsPhoto(BaseModel):
    asset_id: int
    path: str
    library_id: int
    lat: float
    lon: float
    date_taken: int | None


class GpsPhotos(BaseModel):
    photos: list[GpsPhoto]
    total: int = Field(description="Of all pages")
    has_more: bool
    next_offset: int | None = Field(description="Send it as `offset`")


class Gps(BaseModel):
    lat: float | None
    lon: float | None
    alt: float | None


class Exif(BaseModel):
    camera_make: str | None
    camera_model: str | None
    lens_model: str | None
    width: int | None
    height: int | None
    orientation: int | None
    gps: Gps | None
    focal_length: float | None = Field(description="Millimetres")
    aperture: float | None = Field(description="f-number")
    shutter_speed: str | None = Field(examples=["1/250"])
    iso: int | None
    date_taken: int | None = Field(description="Epoch seconds, as in /photos/exif")


class Failure(BaseModel):
    stage: str
    error_class: str
    message: str


class FailedFile(Failure):
    asset_id: int
    library: str
    path: str


class Failures(BaseModel):
    failures: list[FailedFile]
    total: int


class ImageMetadata(BaseModel):
    created: int | None = Field(description="Epoch seconds; null where the file system does not say")
    modified: int = Field(description="Epoch seconds")
    size: int = Field(description="Bytes")
    exif: Exif | None = Field(description="Null until the metadata were read")
    filename_date: int | None = Field(description="Date in the file name, epoch seconds of that wall time")
    asset: dict[str, Any] = Field(description="Every column of v_assets")
    failures: list[Failure]


class Uploaded(BaseModel):
    asset_id: int
    library: str
    path: str
    content_hash: str
    media_type: str
    size_bytes: int


class Health(BaseModel):
    status: str = Field(examples=["ok"])
    snapshot: int | None
    replica_age_s: float | None
    detail: str | None = None

"""The shapes of what is asked and answered about videos."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from serving.listing.paths import MAX_PATH_CHARACTERS

MAX_STATUS_PATHS = 1000

Path = Annotated[str, Field(max_length=MAX_PATH_CHARACTERS, examples=["2019/boat.mp4"])]


class StreamRequest(BaseModel):
    path: Path
    library: str | int | None = Field(None, description="Id or name; absent: the first that has it")


class Stream(BaseModel):
    playlist_url: str = Field(description="For a player", examples=[f"/video/hls/{'3f' * 32}/playlist.m3u8"])
    content_hash: str
    ready: bool = Field(description="False while it is being made: ask again")
    playlist: str = Field(description="The same for GET /video/stream", examples=[f"3f/{'3f' * 32}/playlist.m3u8"])


class StreamStats(BaseModel):
    total: int = Field(description="Videos: the sum of the other four")
    with_playlist: int
    pending: int
    unsupported: int = Field(description="Those that could not be decoded; GET /failures says why")
    hashless_videos: int = Field(description="Not read yet")


class ClipsRequest(BaseModel):
    paths: list[Path] = Field(max_length=MAX_STATUS_PATHS)
    library: str | int | None = Field(None, description="Id or name; absent: the first that has each")


class Clip(BaseModel):
    path: str
    status: Literal["pending", "processing", "complete", "failed"] = Field(
        description="pending: not begun, GET /video/preview begins it. failed also where there is no such video"
    )
    preview_url: str | None = Field(description="Null until complete")


class Clips(BaseModel):
    previews: list[Clip] = Field(description="In the order asked for")


class Processing(BaseModel):
    status: Literal["processing"]
    path: str


class Refusal(BaseModel):
    """What every route answers to a query parameter that it does not have."""

    detail: str


class ClipError(BaseModel):
    error: str = Field(examples=["Video not found"])

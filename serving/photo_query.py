"""What a client asks of the timeline, as conditions on the replica. One row of the answer is one photo."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from serving.cursor import SORTS, Cursor, Sort
from serving.paths import checked_path
from serving.replica_copy import Copy, Reader
from sql.lake import statement
from tasks.errors import InvalidQuery

MEDIA_TYPES = {"photo": ("photo",), "image": ("photo", "raw"), "raw": ("raw",), "video": ("video",), "all": ()}
_EARTH_KM = 6371.0088
_KM_PER_DEGREE = 111.19
_MONTHS = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2]))(?:/(\d{4}-(?:0[1-9]|1[0-2])))?")


@dataclass
class Conditions:
    """Parts of a `where`, and their parameters. The parts are fixed texts; whatever a client sends is a parameter."""

    parts: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    selective: bool = False  # something other than library and time: how many match is not known beforehand
    with_live_videos: bool = False  # also the videos of Live Photos, which a list shows as part of their stills

    def add(self, part: str, *, selective: bool = True, **parameters: Any) -> None:
        self.parts.append(part)
        self.parameters.update(parameters)
        self.selective = self.selective or selective

    @property
    def text(self) -> str:
        shown = [] if self.with_live_videos else ["timeline.live_video_of is null"]
        return " and ".join([*shown, *self.parts]) or "true"

    def library(self, library_id: int | None) -> None:
        if library_id is not None:
            self.add("timeline.library_id = $library_id", selective=False, library_id=library_id)

    def folder(self, path: str | None, *, recursive: bool) -> None:
        """Photos in the folder, or anywhere below it."""
        prefix = folder_prefix(path)
        if prefix:
            self.add("starts_with(timeline.path, $prefix)", prefix=prefix)
        if not recursive:
            self.add("not contains(substr(timeline.path, $prefix_length + 1), '/')", prefix_length=len(prefix))

    def media_type(self, text: str | None) -> None:
        if not text:
            return
        kinds: list[str] = []
        for word in text.lower().split(","):
            if word.strip() not in MEDIA_TYPES:
                raise InvalidQuery(f"media_type is one or more of {', '.join(MEDIA_TYPES)}, not {word.strip()[:50]!r}")
            if word.strip() == "all":
                return
            kinds += MEDIA_TYPES[word.strip()]
        self.add("list_contains($media_types, timeline.media_type)", media_types=kinds)

    def camera(self, text: str | None) -> None:
        if text:
            self.add(
                "contains(lower(concat_ws(' ', timeline.camera_make, timeline.camera_model)), lower($camera))",
                camera=text,
            )

    def lens(self, text: str | None) -> None:
        if text:
            self.add("contains(lower(timeline.lens_model), lower($lens))", lens=text)

    def dates(self, date_from: str | None, date_to: str | None) -> None:
        """Both ends included. Epoch seconds are compared in UTC where a zone is known, ISO texts with the wall time."""
        low, high = parsed_date(date_from, end=False), parsed_date(date_to, end=True)
        if low and high and low.wall == high.wall and low.moment > high.moment:
            raise InvalidQuery("date_from lies after date_to")
        for name, date, operator in (("date_from", low, ">="), ("date_to", high, "<=")):
            if date:
                column = "timeline.taken_at" if date.wall else "coalesce(timeline.taken_at_utc, timeline.taken_at)"
                self.parts.append(f"{column} {operator} ${name}")
                self.parameters[name] = date.moment
                self.selective = True

    def month(self, text: str | None) -> None:
        """A month of the timeline, or first/last; a photo without a date stands at its file's time."""
        if not text:
            return
        first, last = parsed_months(text)
        self.add(
            "timeline.order_at >= $first_month and timeline.order_at < $last_month + interval 1 month",
            selective=False,
            first_month=datetime.fromisoformat(f"{first}-01"),
            last_month=datetime.fromisoformat(f"{last}-01"),
        )

    def near(self, latitude: float | None, longitude: float | None, radius_km: float | None) -> None:
        """Within *radius_km* (default 1) of a position, on a sphere."""
        if latitude is None and longitude is None and radius_km is None:
            return
        if latitude is None or longitude is None:
            raise InvalidQuery("gps_lat and gps_lon belong together")
        radius = 1.0 if radius_km is None else radius_km
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and 0 < radius <= 20_040):
            raise InvalidQuery("gps_lat is -90 to 90, gps_lon -180 to 180, radius_km above 0 and at most 20040")
        self.add(
            f"abs(timeline.latitude - $gps_lat) <= $radius_km / {_KM_PER_DEGREE} * 1.01 and "
            f"2 * {_EARTH_KM} * asin(least(1, sqrt(pow(sin(radians(timeline.latitude - $gps_lat) / 2), 2) + "
            "cos(radians($gps_lat)) * cos(radians(timeline.latitude)) * "
            "pow(sin(radians(timeline.longitude - $gps_lon) / 2), 2)))) <= $radius_km",
            gps_lat=latitude, gps_lon=longitude, radius_km=radius,
        )  # fmt: skip

    def tags(self, tag_ids: str | None, exclude_tag_ids: str | None, mode: str | None) -> None:
        """There are no tags yet: asking for one finds nothing, excluding one excludes nothing."""
        if mode and mode.lower() not in {"any", "all"}:
            raise InvalidQuery(f"tag_filter_mode is Any or All, not {mode[:50]!r}")
        _numbers("exclude_tag_ids", exclude_tag_ids)
        if _numbers("tag_ids", tag_ids):
            self.add("false")


@dataclass(frozen=True, slots=True)
class AskedDate:
    moment: datetime
    wall: bool  # a wall time, not a point in time


def parsed_date(text: str | None, *, end: bool) -> AskedDate | None:
    """
    Args:
        text: Epoch seconds, or an ISO date or time; as the *end* of a range a date includes its day.
    Raises:
        InvalidQuery.
    """
    if text is None or text == "":
        return None
    try:
        if re.fullmatch(r"-?\d{1,12}(\.\d+)?", text) and not re.fullmatch(r"\d{8}", text):
            moment, wall = datetime(1970, 1, 1) + timedelta(seconds=float(text)), False
        else:
            moment = datetime.fromisoformat(text)
            wall = moment.tzinfo is None
            moment = moment if wall else moment.astimezone(UTC).replace(tzinfo=None)
        if end and not moment.microsecond:  # all of the day or second that was named
            named = timedelta(days=1) if wall and len(text) <= 10 else timedelta(seconds=1)
            moment += named - timedelta(microseconds=1)
    except (ValueError, OverflowError) as exc:
        raise InvalidQuery(f"not a date (epoch seconds, or YYYY-MM-DD[THH:MM:SS]): {text[:50]!r}") from exc
    return AskedDate(moment, wall)


def parsed_months(text: str) -> tuple[str, str]:
    """`YYYY-MM` or `YYYY-MM/YYYY-MM`. Raises InvalidQuery."""
    found = _MONTHS.fullmatch(text)
    if not found or found[1] < "0001" or (found[2] or found[1]) < found[1]:
        raise InvalidQuery(f"month is YYYY-MM, or first/last: not {text[:50]!r}")
    return found[1], found[2] or found[1]


def _numbers(name: str, text: str | None) -> list[int]:
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    if not all(re.fullmatch(r"\d{1,18}", word) for word in words):
        raise InvalidQuery(f"{name} is a comma-separated list of numbers")
    return [int(word) for word in words]


def folder_prefix(path: str | None) -> str:
    """What the paths inside a folder begin with: '' for the root. Raises InvalidPath."""
    folder = checked_path(path or "", folder=True)
    return f"{folder}/" if folder else ""


@dataclass(frozen=True, slots=True)
class Page:
    """Photos as JSON texts, and where the next page begins (None: there is none)."""

    photos: list[str]
    next_cursor: str | None


def read_page(
    copy: Copy,
    reader: Reader,
    conditions: Conditions,
    sort: Sort,
    *,
    limit: int,
    offset: int = 0,
    cursor: Cursor | None = None,
    library_id: int | None = None,
) -> Page:
    """
    One page of photos.

    Where only library and time limit it, a bound on time is found from the months' counts first, so that the query
    reads a sliver of the timeline; should it be too tight (the copy has just changed), it is asked again without.
    """
    if sort.name == "taken_at" and not conditions.selective:
        start = cursor.moment if cursor else None
        bound = copy.bound(start, limit + offset + 1, library_id, newest_first=sort.descending)
        if bound is not None:
            page = _query(reader, conditions, sort, limit, offset, cursor, bound)
            if page.next_cursor or "first_month" in conditions.parameters:
                return page
    return _query(reader, conditions, sort, limit, offset, cursor, None)


def _query(
    reader: Reader,
    conditions: Conditions,
    sort: Sort,
    limit: int,
    offset: int,
    cursor: Cursor | None,
    bound: str | None,
) -> Page:
    parts, parameters = [conditions.text], dict(conditions.parameters)
    key, beyond = SORTS[sort.name], "<" if sort.descending else ">"
    if cursor:
        parts.append(f"{key} {beyond}= $after_key and ({key} {beyond} $after_key or asset_id {beyond} $after_id)")
        parameters.update(after_key=cursor.value, after_id=cursor.asset_id)
    if bound is not None:
        parts.append(f"order_at {'>=' if sort.descending else '<'} $bound::timestamp")
        parameters["bound"] = bound
    text = statement("serving/photo_page").format(
        sort_key=key, conditions=" and ".join(parts), direction="desc" if sort.descending else "asc"
    )
    rows = reader.tuples(text, {**parameters, "row_limit": limit + 1, "row_offset": offset})
    if len(rows) <= limit:
        return Page([photo for _, _, photo in rows], None)
    sort_key, asset_id, _ = rows[limit - 1]
    return Page([photo for _, _, photo in rows[:limit]], Cursor(sort, sort_key, asset_id).encoded())


def count(reader: Reader, conditions: Conditions) -> int:
    return int(reader.value(f"select count(*) from timeline where {conditions.text}", conditions.parameters))

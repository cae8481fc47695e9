"""What a client asks of the timeline, as conditions on the replica. One row of the answer is one photo."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from serving.listing.cursor import SORTS, Cursor, Sort
from serving.listing.paths import checked_path
from serving.replica.snapshot import Reader, ReplicaSnapshot, as_list, next_month
from sql.lake import Row, statement
from tasks.errors import InvalidQuery

MEDIA_TYPES = {"photo": ("photo",), "image": ("photo", "raw"), "raw": ("raw",), "video": ("video",), "all": ()}
Hidden = Literal["left out", "but duplicates", "only", "too"]
_HIDDEN: dict[Hidden, str] = {
    "left out": "timeline.hidden_because is null",
    "but duplicates": "(timeline.hidden_because is null or timeline.hidden_because = 'duplicate')",
    "only": "timeline.hidden_because is not null",
    "too": "true",
}
NEAR_PHOTOS = 60_000  # half a row group
MOST_COUNTED = 5_000  # photos of a filter that few pass
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
    hidden: Hidden = "left out"
    without_broken: bool = False  # a count of the months leaves them out too
    asker: int | None = None  # account_id of who asks: whose favourites `favorite` tells of

    def add(self, part: str, *, selective: bool = True, **parameters: Any) -> None:
        self.parts.append(part)
        self.parameters.update(parameters)
        self.selective = self.selective or selective

    @property
    def text(self) -> str:
        shown = [] if self.with_live_videos else ["timeline.live_video_of is null"]
        return " and ".join([*shown, _HIDDEN[self.hidden], *self.parts])

    def visibility(self, hidden: bool | None, include_duplicates: bool | None) -> None:
        """Only what somebody hid, or also the copies that are hidden in favour of another."""
        if hidden:
            self.hidden = "only"
        elif include_duplicates:
            self.hidden = "but duplicates"
        self.selective = self.selective or self.hidden != "left out"

    def brokenness(self, wanted: bool | None) -> None:
        """Only what could not be read or shown, or only the others."""
        if wanted is not None:
            self.add("timeline.broken" if wanted else "not timeline.broken", selective=wanted)
            self.without_broken = not wanted

    def counted(self, month: Row) -> int:
        """How many photos of a row of `ReplicaSnapshot.months` these conditions let pass, if they are not selective."""
        return int(month["photos"]) - (int(month["broken"]) if self.without_broken else 0)

    def edge(self, *, newest_first: bool) -> datetime | None:
        """Where the months that were asked for begin, in the order of the pages."""
        month = self.parameters.get("last_month" if newest_first else "first_month")
        return next_month(month) if month and newest_first else month

    def size(self, least: int | None, most: int | None) -> None:
        """Bytes, both ends included."""
        for name, limit, operator in (("min_size", least, ">="), ("max_size", most, "<=")):
            if limit is not None:
                self.add(f"timeline.size_bytes {operator} ${name}")
                self.parameters[name] = limit

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
        if not is_circle(latitude, longitude, radius):
            raise InvalidQuery("gps_lat is -90 to 90, gps_lon -180 to 180, radius_km above 0 and at most 20040")
        self.add(near_part("gps"), gps_lat=latitude, gps_lon=longitude, gps_km=radius)

    def box(self, text: str | None) -> None:
        """Inside `west,south,east,north`; with west above east it crosses the antimeridian. Raises InvalidQuery."""
        if not text:
            return
        try:
            west, south, east, north = (float(word) for word in text.split(","))
        except ValueError as exc:
            raise InvalidQuery(f"bbox is west,south,east,north in degrees, not {text[:80]!r}") from exc
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise InvalidQuery("bbox is west,south,east,north: degrees of -180 to 180 and -90 to 90, south below north")
        sides = "timeline.longitude between $west and $east"
        if west > east:
            sides = "(timeline.longitude >= $west or timeline.longitude <= $east)"
        elif west == -180:  # 180 degrees east is the same line
            sides = "(timeline.longitude <= $east and timeline.longitude >= $west or timeline.longitude >= 180)"
        self.add(f"timeline.latitude between $south and $north and {sides}",
                 west=west, south=south, east=east, north=north)  # fmt: skip

    def tags(self, tag_ids: str | None, exclude_tag_ids: str | None, mode: str | None) -> None:
        """
        Photos with any (or all) of some tags, and with none of others. A tag that is gone is on no photo.

        Args:
            tag_ids, exclude_tag_ids: Comma lists.
            mode: Any (the default) or All; of *tag_ids* only.
        """
        if mode and mode.lower() not in {"any", "all"}:
            raise InvalidQuery(f"tag_filter_mode is Any or All, not {mode[:50]!r}")
        wanted = as_list(_numbers("tag_ids", tag_ids))
        unwanted = as_list(_numbers("exclude_tag_ids", exclude_tag_ids))
        function = "list_has_all" if mode and mode.lower() == "all" else "list_has_any"
        tests = []
        if wanted != "[]":
            tests.append(f"{function}(tag_ids, $tags::bigint[])")
            self.parameters["tags"] = wanted
        if unwanted != "[]":
            tests.append("not list_has_any(tag_ids, $no_tags::bigint[])")
            self.parameters["no_tags"] = unwanted
        if tests:
            self.add(f"timeline.tag_key in (select tag_key from tag_set where {' and '.join(tests)})")

    def people(self, person_ids: str | None, mode: str | None) -> None:
        """
        Photos that show any (or all) of some people.

        Args:
            person_ids: Comma list. mode: Any (the default) or All.
        """
        if mode and mode.lower() not in {"any", "all"}:
            raise InvalidQuery(f"person_filter_mode is Any or All, not {mode[:50]!r}")
        numbers = _numbers("person_ids", person_ids)
        shown = "timeline.content_hash in (select content_hash from face where {})"
        if numbers and mode and mode.lower() == "all":
            for position, number in enumerate(numbers):
                self.parameters[f"person_{position}"] = number
                self.add(shown.format(f"person_id = $person_{position}"))
        elif numbers:
            self.add(shown.format("list_contains($person_ids::bigint[], person_id)"), person_ids=numbers)

    def favorites(self, wanted: bool | None) -> None:
        """The favourites of who asks, or what is none of them."""
        if wanted is None:
            return
        liked = "list_contains(timeline.favorite_of, $asker)"
        part = liked if wanted else f"(timeline.favorite_of is null or not {liked})"
        self.add(part, asker=-1 if self.asker is None else self.asker)

    def ratings(self, least: int | None, most: int | None) -> None:
        """Both ends included; a photo without a rating counts as 0."""
        for name, limit, operator in (("min_rating", least, ">="), ("max_rating", most, "<=")):
            if limit is not None:
                self.add(f"coalesce(timeline.rating, 0) {operator} ${name}")
                self.parameters[name] = limit


def is_circle(latitude: float, longitude: float, radius_km: float) -> bool:
    """Whether these are a position and a radius on the earth; NaN is neither."""
    return -90 <= latitude <= 90 and -180 <= longitude <= 180 and 0 < radius_km <= 20_040


def near_part(name: str) -> str:
    """Within `$<name>_km` of `$<name>_lat`, `$<name>_lon`, on a sphere: across the antimeridian and the poles too."""
    return (
        f"timeline.latitude between ${name}_lat - ${name}_km / {_KM_PER_DEGREE} * 1.01 "
        f"and ${name}_lat + ${name}_km / {_KM_PER_DEGREE} * 1.01 and "
        f"2 * {_EARTH_KM} * asin(least(1, sqrt(pow(sin(radians(timeline.latitude - ${name}_lat) / 2), 2) + "
        f"cos(radians(${name}_lat)) * cos(radians(timeline.latitude)) * "
        f"pow(sin(radians(timeline.longitude - ${name}_lon) / 2), 2)))) <= ${name}_km"
    )


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
    if not all(re.fullmatch(r"[0-9]{1,18}", word) for word in words):
        raise InvalidQuery(f"{name} is a comma-separated list of numbers")
    return [int(word) for word in dict.fromkeys(words)]


def folder_prefix(path: str | None) -> str:
    """What the paths inside a folder begin with: '' for the root. Raises InvalidPath."""
    folder = checked_path(path or "", folder=True)
    return f"{folder}/" if folder else ""


@dataclass(frozen=True, slots=True)
class Page:
    """
    Photos as JSON texts, and where the next page begins (None: there is none).

    Args:
        total: Of all pages, where finding this one told it.
    """

    photos: list[str]
    next_cursor: str | None
    total: int | None = None


def read_page(
    copy: ReplicaSnapshot,
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
    reads a sliver of the timeline; should it be too tight (a month ends there, the copy has just changed), it is asked
    again without.
    Another filter is tried on the photos nearest to the page first. When they do not fill it, few photos match.
    """
    if sort.name == "taken_at" and not conditions.selective:
        start = cursor.moment if cursor else conditions.edge(newest_first=sort.descending)
        bound = copy.bound(start, limit + offset + 1, library_id, newest_first=sort.descending)
        if bound is not None:
            page = _query(reader, conditions, sort, limit, offset, cursor, bound)
            if page.next_cursor:
                return page
    if sort.name == "taken_at" and conditions.selective and not offset:
        start = cursor.moment if cursor else conditions.edge(newest_first=sort.descending)
        bound = copy.bound(start, NEAR_PHOTOS, library_id, newest_first=sort.descending)
        if bound is not None:
            page = _query(reader, conditions, sort, limit, 0, cursor, bound)
            if page.next_cursor:
                return page
        return _sparse_page(reader, conditions, sort, limit, cursor)
    return _query(reader, conditions, sort, limit, offset, cursor, None)


def _sparse_page(reader: Reader, conditions: Conditions, sort: Sort, limit: int, cursor: Cursor | None) -> Page:
    """
    A page of a filter that few photos pass, and where that costs nothing more, how many do.

    Which they are is found first (18 ms of a million), then those alone are read.
    """
    parts, parameters = _placed(conditions, sort, cursor)
    direction = "desc" if sort.descending else "asc"
    found = reader.tuples(
        f"select asset_id, order_at::varchar from timeline where {' and '.join(parts)} "
        f"order by order_at {direction}, asset_id {direction} limit {max(MOST_COUNTED, limit + 1)}",
        parameters,
    )
    shown = found[:limit]
    photos = read_chosen(reader, [asset_id for asset_id, _ in shown], sort, asker=conditions.asker)
    following = Cursor(sort, shown[-1][1], shown[-1][0]).encoded() if len(found) > limit else None
    return Page(photos, following, None if cursor or len(found) >= MOST_COUNTED else len(found))


def _placed(conditions: Conditions, sort: Sort, cursor: Cursor | None) -> tuple[list[str], dict[str, Any]]:
    """The conditions with that of coming after a cursor, and the parameters of both."""
    if cursor is None:
        return [conditions.text], dict(conditions.parameters)
    key, beyond = SORTS[sort.name], "<" if sort.descending else ">"
    after = f"{key} {beyond}= $after_key and ({key} {beyond} $after_key or asset_id {beyond} $after_id)"
    parameters = {**conditions.parameters, "after_key": cursor.value, "after_id": cursor.asset_id}
    return [conditions.text, after], parameters


def _query(
    reader: Reader,
    conditions: Conditions,
    sort: Sort,
    limit: int,
    offset: int,
    cursor: Cursor | None,
    bound: str | None,
) -> Page:
    parts, parameters = _placed(conditions, sort, cursor)
    if bound is not None:
        parts.append(f"order_at {'>=' if sort.descending else '<'} $bound::timestamp")
        parameters["bound"] = bound
    text = statement("serving/listing/photo_page").format(
        sort_key=SORTS[sort.name],
        conditions=" and ".join(parts),
        direction="desc" if sort.descending else "asc",
        photo=statement("serving/listing/photo_fields"),
    )
    parameters |= {"asker": -1 if conditions.asker is None else conditions.asker}
    rows = reader.tuples(text, {**parameters, "row_limit": limit + 1, "row_offset": offset})
    photos = [photo for _, _, photo in rows[:limit]]
    if len(rows) <= limit:
        return Page(photos, None)
    sort_key, asset_id, _ = rows[limit - 1]
    return Page(photos, Cursor(sort, sort_key, asset_id).encoded())


def read_chosen(reader: Reader, asset_ids: Sequence[int], sort: Sort, *, asker: int | None) -> list[str]:
    """Photos by their numbers, as JSON texts in order; also hidden ones."""
    if not asset_ids:
        return []
    text = statement("serving/listing/chosen_photos").format(
        sort_key=SORTS[sort.name],
        asset_ids=", ".join(str(int(number)) for number in asset_ids),
        photo=statement("serving/listing/photo_fields"),
    )
    rows = reader.tuples(text, {"asker": -1 if asker is None else asker})
    return [photo for _, _, photo in sorted(rows, key=lambda row: row[:2], reverse=sort.descending)]


def count(reader: Reader, conditions: Conditions) -> int:
    return int(reader.value(f"select count(*) from timeline where {conditions.text}", conditions.parameters))

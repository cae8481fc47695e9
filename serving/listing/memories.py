"""Which days of all years a memory is made of, and the conditions that find their photos."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from serving.listing.timeline import Conditions

WEEK_EACH_WAY = 3  # days before and after: seven in all, whatever day of the week it is
_LOCAL_AT = (
    "case when timeline.only_utc then timeline.taken_at + to_minutes($offset_minutes) else timeline.taken_at end"
)
MEMORY_YEAR = f"year({_LOCAL_AT} + to_days($across_days))"


class Span(StrEnum):
    day = "day"
    week = "week"
    month = "month"


def client_today(offset_minutes: int | None, now: datetime | None = None) -> date:
    """
    The day it is for the client.

    Args:
        offset_minutes: Minutes that its clock is ahead of UTC; None: this machine's own time zone.
        now: UTC with its zone; None: our clock.
    """
    now = now or datetime.now(UTC)
    if offset_minutes is None:
        return now.astimezone().date()
    return (now + timedelta(minutes=offset_minutes)).date()


def capture_days(day: date, span: Span) -> list[int]:
    """
    Month and day (704: 4 July) of every day of the year that belongs to the span around *day*.

    A week goes over New Year; in years without a 29 February it is remembered on the 28th.
    """
    if span is Span.month:
        return [day.month * 100 + number for number in range(1, 32)]
    reach = WEEK_EACH_WAY if span is Span.week else 0
    ordinals = range(max(1, day.toordinal() - reach), min(date.max.toordinal(), day.toordinal() + reach) + 1)
    days = [date.fromordinal(ordinal) for ordinal in ordinals]
    found = [one.month * 100 + one.day for one in days]
    if any((one.month, one.day) == (2, 28) and not _is_leap(one.year) for one in days):
        found.append(229)
    return found


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def taken_on(conditions: Conditions, day: date, span: Span, offset_minutes: int) -> None:
    """
    Photos taken in the span of any year up to that of *day*.

    A photo's day is that of the clock on the wall where it was taken. Where only UTC is known (films without a zone),
    it is the client's. The days around one New Year belong to one year.
    """
    across = {1: WEEK_EACH_WAY, 12: -WEEK_EACH_WAY}.get(day.month, 0) if span is Span.week else 0
    conditions.add(
        f"timeline.capture_day is not null and case when timeline.only_utc then list_contains($capture_days, "
        f"(month({_LOCAL_AT}) * 100 + day({_LOCAL_AT}))::smallint) "
        f"else list_contains($capture_days, timeline.capture_day) end and {MEMORY_YEAR} <= $this_year",
        capture_days=capture_days(day, span),
        offset_minutes=offset_minutes,
        across_days=across,
        this_year=day.year,
    )


def outside(conditions: Conditions, excluded_dirs: list[str]) -> None:
    """
    Leave out what `EXCLUDED_DIRS` names (contracts 1.6, row 7; `is_excluded` in deployments/settings.py says the same).

    `/sub/path` is a folder from the root and all below it, a bare `name` any one part of a path; `a/b` matches nothing.
    """
    for number, entry in enumerate(entry for entry in excluded_dirs if entry.startswith("/") or "/" not in entry):
        rooted = entry.startswith("/")
        test = "starts_with" if rooted else "contains"
        conditions.add(f"not {test}('/' || timeline.path || '/', $excluded_{number})")
        conditions.parameters[f"excluded_{number}"] = f"{entry.rstrip('/')}/" if rooted else f"/{entry}/"

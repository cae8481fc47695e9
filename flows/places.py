"""Places: where each photo with a position was taken, in words."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import structlog
from prefect import flow

from deployments.backlogs import known_places
from flows.drains import run_drain, show_drains
from flows.house import House, open_house
from flows.personal_places import refresh_places
from flows.runners import drain_runner
from sql.lake import utc_now
from tasks.errors import TransientError
from tasks.places.batch import PlacedAsset, name_places, places_recipe
from tasks.places.nominatim import SECONDS_BETWEEN, ask_nominatim

log = structlog.get_logger(__name__)

BATCH_PHOTOS = 10_000  # a second of work
ASKED_PER_RUN = 300  # of Nominatim: five minutes
ANSWERS_PER_COMMIT = 10


@flow(flow_run_name="places {library}", task_runner=drain_runner())
def places(library: str = "all", limit: int = 200_000) -> dict[str, Any]:
    """Name the places that have no words yet: the user's own first, then Nominatim's, then the gazetteer's."""
    house = open_house()
    refresh_places(house)
    own = known_places(house.lake, house.settings)
    work = partial(name_places, places=own, recipe=places_recipe(own, nominatim=bool(house.settings.nominatim_url)))

    def run() -> Any:
        return run_drain(
            house, "places", work, library=library, limit=limit, batch_files=BATCH_PHOTOS, batch_bytes=1 << 62,
            row_type=PlacedAsset,
        )  # fmt: skip

    reports = [run()]
    asked = ask_for_places(house)
    if asked:
        reports.append(run())
    numbers = show_drains(house, "places", library, *reports)
    numbers["places"] = sum(report.done for report in reports)
    return {**numbers, "asked": asked}


def ask_for_places(house: House, at_most: int = ASKED_PER_RUN) -> int:
    """
    Ask Nominatim, where one is named, for positions nobody asked for; one request a second over all processes.

    Returns:
        How many answers came; none are lost when it stops answering, and the offline names stay meanwhile.
    """
    url = house.settings.nominatim_url
    if not url:
        return 0
    with house.lake.exclusive("nominatim") as alone:
        if not alone:
            return 0
        wanted = house.lake.rows("places/unasked", row_limit=at_most)
        answers: list[dict[str, Any]] = []
        for position in wanted:
            _wait_for_our_turn(house, answers)
            answer = _answer(url, position["latitude"], position["longitude"])
            if answer is None:
                break
            answers.append(answer)
            if len(answers) % ANSWERS_PER_COMMIT == 0:
                _record(house, answers[-ANSWERS_PER_COMMIT:])
        _record(house, answers[len(answers) - len(answers) % ANSWERS_PER_COMMIT :])
        return len(answers)


def _wait_for_our_turn(house: House, answers: list[dict[str, Any]]) -> None:
    """The lake knows when the process before us asked last."""
    last = answers[-1]["asked_at"] if answers else house.lake.rows("places/last_asked")[0]["asked_at"]
    if last is not None:
        time.sleep(min(SECONDS_BETWEEN, max(0.0, SECONDS_BETWEEN - (utc_now() - last).total_seconds())))


def _answer(url: str, latitude: float, longitude: float) -> dict[str, Any] | None:
    try:
        place = ask_nominatim(url, latitude, longitude, "Darkroom (self-hosted photo library)")
    except TransientError as exc:
        log.warning("places.nominatim_unavailable", reason=str(exc))
        return None
    return {
        "latitude": latitude,
        "longitude": longitude,
        "country_code": place.country_code,
        "country": place.country,
        "region": place.region,
        "city": place.city,
        "asked_at": utc_now(),
    }


def _record(house: House, answers: list[dict[str, Any]]) -> None:
    if answers:
        with house.lake.write(f"{len(answers)} answers of Nominatim") as writer:
            writer.replace("nominatim_answer", answers)

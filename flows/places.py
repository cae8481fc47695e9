"""Places: where each photo with a position was taken, in words."""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from prefect import flow

from deployments.backlogs import known_places
from flows.engine.context import FlowContext, open_context
from flows.engine.drain_runs import run_drain, show_drains
from flows.engine.reporting import end_run
from flows.engine.runners import drain_runner
from flows.engine.triggers import DRAIN_HOOKS
from flows.work.personal_places import refresh_places
from sql.lake import utc_now
from tasks.places.batch import PlacedAsset, name_places, places_recipe
from tasks.places.nominatim import SECONDS_BETWEEN, NominatimBusy, NominatimUnavailable, ask_nominatim

log = structlog.get_logger(__name__)

BATCH_PHOTOS = 10_000  # a second of work
ASKED_PER_RUN = 300  # of Nominatim: five minutes
ANSWERS_PER_COMMIT = 10
REFUSED_IN_A_ROW = 3  # then it is not the positions


@flow(flow_run_name="places {library}", task_runner=drain_runner(), **DRAIN_HOOKS)
def places(library: str = "all", limit: int = 200_000) -> dict[str, Any]:
    """Name the places that have no words yet: the user's own first, then Nominatim's, then the gazetteer's."""
    context = open_context()
    refresh_places(context)
    own = known_places(context.lake, context.settings)
    work = partial(name_places, places=own, recipe=places_recipe(own, nominatim=bool(context.settings.nominatim_url)))

    def run() -> Any:
        return run_drain(
            context, "places", work, library=library, limit=limit, batch_files=BATCH_PHOTOS, batch_bytes=1 << 62,
            row_type=PlacedAsset,
        )  # fmt: skip

    reports = [run()]
    asked = ask_for_places(context)
    if asked:
        reports.append(run())
    numbers = show_drains(context, "places", library, *reports)
    numbers["places"] = sum(report.done for report in reports)
    return end_run({**numbers, "asked": asked})


def ask_for_places(context: FlowContext, at_most: int = ASKED_PER_RUN) -> int:
    """
    Ask Nominatim, where one is named, for positions nobody asked for; one request a second over all processes.

    A position it refuses keeps no other waiting: it is asked for again after all others.

    Returns:
        How many answers came; none are lost when it stops answering, and the offline names stay meanwhile.
    """
    url = context.settings.nominatim_url
    if not url:
        return 0
    with context.lake.exclusive("nominatim") as alone:
        if not alone:
            return 0
        wanted = context.lake.rows("places/unasked", row_limit=at_most)
        answers: list[dict[str, Any]] = []
        refused: list[dict[str, Any]] = []
        in_a_row = 0
        asked_at = context.lake.rows("places/last_asked")[0]["asked_at"]
        for position in wanted:
            _wait_for_our_turn(asked_at)
            try:
                answer = _answer(url, position["latitude"], position["longitude"])
            except NominatimUnavailable as exc:
                log.warning("places.nominatim_unavailable", reason=str(exc))
                if isinstance(exc, NominatimBusy):
                    break
                asked_at = utc_now()
                refused.append({**_key(position), "refusals": position["refusals"] + 1, "refused_at": asked_at})
                in_a_row += 1
                if in_a_row == REFUSED_IN_A_ROW:
                    break
                continue
            in_a_row, asked_at = 0, answer["asked_at"]
            answers.append(answer)
            if len(answers) % ANSWERS_PER_COMMIT == 0:
                _record(context, answers[-ANSWERS_PER_COMMIT:])
        _record(context, answers[len(answers) - len(answers) % ANSWERS_PER_COMMIT :])
        if refused:
            with context.lake.write(f"Nominatim refused {len(refused)} positions") as writer:
                writer.replace("nominatim_refusal", refused)
        return len(answers)


def _key(position: dict[str, Any]) -> dict[str, Any]:
    return {"latitude": position["latitude"], "longitude": position["longitude"]}


def _wait_for_our_turn(last: datetime | None) -> None:
    """The lake knows when the process before us asked last."""
    if last is not None:
        time.sleep(min(SECONDS_BETWEEN, max(0.0, SECONDS_BETWEEN - (utc_now() - last).total_seconds())))


def _answer(url: str, latitude: float, longitude: float) -> dict[str, Any]:
    place = ask_nominatim(url, latitude, longitude, "Darkroom (self-hosted photo library)")
    return {
        "latitude": latitude,
        "longitude": longitude,
        "country_code": place.country_code,
        "country": place.country,
        "region": place.region,
        "city": place.city,
        "asked_at": utc_now(),
    }


def _record(context: FlowContext, answers: list[dict[str, Any]]) -> None:
    if answers:
        with context.lake.write(f"{len(answers)} answers of Nominatim") as writer:
            writer.replace("nominatim_answer", answers)

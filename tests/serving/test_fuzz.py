"""
Every route of our own OpenAPI document, with every id, path, cursor, filter and body a client could send: answered or
refused, never a 500, and every answer of the shape and type that is documented.

`FUZZ_EXAMPLES` asks for more; the default takes about a minute and is the same every time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deployments.settings import Settings
from serving.app import create_app
from serving.auth.tokens import is_open
from tests.serving.fuzz_world import World, fuzz_world
from tests.serving.routes import routes_of

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "6"))
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# 5xx that a route documents for a service that is off or busy; anything else is a bug of ours.
EXPECTED = {503}
MEANINGFUL = 0.7  # of the values that could name something do
SEND_SECONDS = 30
MAX_ADDRESS = 60_000  # of a request line, as the HTTP server takes it


def document() -> dict[str, Any]:
    return create_app(Settings(_env_file=None)).openapi()  # type: ignore[call-arg]


SCHEMA = schemathesis.openapi.from_dict(document())
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
HIT: dict[str, set[int]] = {}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with fuzz_world(tmp_path_factory.mktemp("fuzz")) as world:
        yield world


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_any_request_is_answered_as_documented(
    world: World, session: requests.Session, label: str, mode: GenerationMode
) -> None:
    operation = OPERATIONS[label]
    known = world.known_for(label) if mode is GenerationMode.POSITIVE else world.known

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode), chance=st.randoms(use_true_random=False))
    def check(case: schemathesis.Case, chance: Any) -> None:
        for values in (case.path_parameters, case.query, case.body):
            make_meaningful(values, known, chance)
        send_and_check(world, session, case)

    try:
        check()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing about it can be wrong: it has no parameters


def make_meaningful(values: Any, known: dict[str, list[Any]], chance: Any) -> None:
    """Put names of what is there in the place of some of the random ones, or nearly all would be 404."""
    if isinstance(values, list):
        for value in values:
            make_meaningful(value, known, chance)
    if not isinstance(values, dict):
        return
    for name, value in values.items():
        if name in known and chance.random() < MEANINGFUL:
            choice = chance.choice([one for one in known[name] if type(one) is type(value)] or known[name])
            values[name] = [choice] if isinstance(value, list) else choice
        else:
            make_meaningful(value, known, chance)


def send_and_check(world: World, session: requests.Session, case: schemathesis.Case) -> None:
    answer = case.call(
        base_url=world.url, session=session, headers=world.headers(), allow_redirects=False, timeout=SEND_SECONDS
    )
    if len(answer.request.url) > MAX_ADDRESS:
        assert 400 <= answer.status_code < 500  # the HTTP parser's own refusal: it never reaches a route
        return
    HIT.setdefault(case.operation.label, set()).add(answer.status_code)
    if answer.status_code not in EXPECTED:
        case.validate_response(answer, checks=[not_a_server_error])
    case.validate_response(answer, checks=CHECKS)


# What its good answer needs, no request can bring along: a browser's own page, an installation without accounts.
CLOSED_HERE = {"POST /register", "POST /session", "DELETE /session"}
AT_THE_DOOR = {401, 403, 405, 422}
# No model server runs here; what they answer with one is the business of test_chat.py and test_insights.py.
NEEDS_A_MODEL = re.compile(r"(POST|DELETE) /insights|GET /insights(/chat/history)?$|POST /chat|GET /chat/history")


def test_every_route_was_asked_and_its_own_code_answered() -> None:
    """Runs last: which routes no request reached."""
    if not HIT:
        pytest.skip("the fuzzing was not selected")
    assert not set(OPERATIONS) - set(HIT), "never asked"
    assert {label for label, statuses in HIT.items() if statuses <= AT_THE_DOOR} <= CLOSED_HERE, "refused at the door"
    good = {label for label, statuses in HIT.items() if any(200 <= status < 400 for status in statuses)}
    possible = {label for label in HIT if not NEEDS_A_MODEL.match(label)}
    assert len(good & possible) >= 0.8 * len(possible), f"only refusals from {sorted(possible - good)}"


def test_every_route_is_documented_or_a_page() -> None:
    app = create_app(Settings(_env_file=None))  # type: ignore[call-arg]
    described = {(method.upper(), path) for path, item in SCHEMA.raw_schema["paths"].items() for method in item}
    hidden = {(method, _plain(path)) for method, path in routes_of(app)} - described
    assert all(method == "GET" and is_open(path) for method, path in hidden), f"document these: {sorted(hidden)}"


def _plain(path: str) -> str:
    """As the document writes it: without converters."""
    return re.sub(r":\w+}", "}", path)

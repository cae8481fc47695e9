"""The query language: what is understood, and what is refused with its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.search.query import Part, parsed_filter, parsed_query
from tasks.errors import InvalidQuery


def understood(text: str) -> list[tuple[str, tuple[str, ...], bool, bool]]:
    return [(part.key, part.values, part.phrase, part.negated) for part in parsed_query(text)]


def test_words_phrases_and_filters_are_told_apart() -> None:
    assert understood('camera:nikon "lady bug" -tag:x garden') == [
        ("camera", ("nikon",), False, False),
        ("", ("lady bug",), True, False),
        ("tag", ("x",), False, True),
        ("", ("garden",), False, False),
    ]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("camera:nikon,canon", ("nikon", "canon")),
        ('camera:"nikon d90",canon', ("nikon d90", "canon")),
        ('CAMERA:"a, b"', ("a, b",)),
        ("camera:“nikon d90”", ("nikon d90",)),
    ],
)
def test_commas_mean_any_of_them(text: str, values: tuple[str, ...]) -> None:
    assert understood(text) == [("camera", values, False, False)]


def test_a_place_keeps_its_commas() -> None:
    assert understood("near:47.1,8.5,10km") == [("near", ("47.1,8.5,10km",), False, False)]


def test_a_position_is_that_of_the_part() -> None:
    assert [part.position for part in parsed_query('ab  -"c d" tag:x')] == [1, 5, 12]


@pytest.mark.parametrize("text", ["", "   ", "\t\n", '""', '" "'])
def test_nothing_asks_for_nothing(text: str) -> None:
    assert parsed_query(text) == []


@pytest.mark.parametrize("text", ["-", "- -", "a - b"])
def test_a_dash_alone_is_a_word(text: str) -> None:
    assert all(not part.negated for part in parsed_query(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('a "b', "character 3: this quotation mark is never closed"),
        ("a shutter:3", "character 3: there is no filter 'shutter'"),
        ("camera:", "character 1: camera: needs a value"),
        ("x camera: nikon", "character 3: camera: needs a value"),
        ('camera:""', "character 1: camera: needs a value"),
        ("a" * 2001, "at most 2000 characters"),
        ("a " * 61, "at most 60 parts"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InvalidQuery, match=said):
        parsed_query(text)


def test_a_filter_as_a_parameter_may_hold_blanks() -> None:
    assert parsed_filter("camera", "Nikon D90, canon") == Part("camera", ("Nikon D90", "canon"), False, False, 1)
    assert parsed_filter("tag", "-summer").negated
    assert parsed_filter("near", "-33.9,18.4").values == ("-33.9,18.4",)
    for text in ('"a" b', '"a', ",", "-"):
        with pytest.raises(InvalidQuery):
            parsed_filter("tag", text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        parts = parsed_query(text)
    except InvalidQuery:
        return
    assert all(part.values for part in parts)

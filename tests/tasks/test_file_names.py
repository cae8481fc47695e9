"""File names: bytes on disk, Unicode everywhere else, nothing lost on the way there and back."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.files.names import to_os_name, to_text


@given(st.binary(max_size=40))
def test_any_bytes_survive_the_way_through_valid_unicode(raw: bytes) -> None:
    text = to_text(os.fsdecode(raw))
    text.encode("utf-8")  # would raise for a lone surrogate
    assert os.fsencode(to_os_name(text)) == raw


@pytest.mark.parametrize("name", ["plain.jpg", "Ärger.jpg", "日本.jpg", "e\u0301.jpg", "\U0001f40d.jpg"])
def test_valid_names_stay_as_they_are(name: str) -> None:
    assert to_text(name) == name
    assert to_os_name(name) == name


@given(st.lists(st.binary(max_size=6), min_size=2, max_size=2, unique=True))
def test_two_names_never_become_one(pair: list[bytes]) -> None:
    first, second = (to_text(os.fsdecode(raw)) for raw in pair)
    assert first != second

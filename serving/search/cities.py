"""Cities by every name they have: a search for *Londres* finds what was taken in London."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import duckdb

Fold = Callable[[list[str]], list[tuple[str, list[str]]]]
_BETWEEN = "\x1f"  # names: no search crosses it


@dataclass(frozen=True, slots=True)
class CityNames:
    """
    Args:
        version: Of the rows it was read from.
        words: City number to its names as the index spells them, each between blanks and separators.
        names: City number to what it is called first.
    """

    version: tuple[object, ...] = ()
    words: tuple[tuple[int, str], ...] = ()
    names: tuple[tuple[int, str], ...] = ()

    def beginning_with(self, word: str) -> list[int]:
        """Cities with a name that has a word beginning so."""
        return [city_id for city_id, text in self.words if f" {word}" in text]

    def with_phrase(self, words: Sequence[str]) -> list[int]:
        """Cities with a name in which these words stand beside each other, whole."""
        wanted = f" {' '.join(words)} "
        return [city_id for city_id, text in self.words if wanted in text] if words else []

    def like(self, value: str) -> list[int]:
        """Cities with a name that holds *value*, folded; `*` stands for anything, and then it is the whole name."""
        if "*" not in value:
            return [city_id for city_id, text in self.words if value in text]
        parts = (re.escape(part) for part in value.split("*"))
        pattern = re.compile(f"{_BETWEEN} {f'[^{_BETWEEN}]*'.join(parts)} {_BETWEEN}")
        return [city_id for city_id, text in self.words if pattern.search(text)]


def read_city_names(source: duckdb.DuckDBPyConnection, known: CityNames, fold: Fold) -> CityNames:
    """The names in the lake; *known*, where they are the same still."""
    version = source.execute("select count(*), max(recorded_at) from lake.major_city").fetchall()[0]
    if version == known.version:
        return known
    rows = source.execute("select city_id, name, names from lake.major_city order by population desc").fetchall()
    words = tuple((city_id, _folded([name, *others], fold)) for city_id, name, others in rows)
    return CityNames(version, words, tuple((city_id, name) for city_id, name, _ in rows))


def _folded(names: Iterable[str], fold: Fold) -> str:
    each = dict.fromkeys(" ".join(words) or folded for folded, words in fold(list(names)))
    return _BETWEEN + _BETWEEN.join(f" {name} " for name in each) + _BETWEEN

"""Exact search over vectors in memory: a product with all of them, or with the few that can be among the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.errors import EmbeddingMismatch
from tasks.models.embed import Vectors
from tasks.vectors.codes import Codes, codes_of

_GATHER_BELOW = 0.25  # of the rows: where fewer pass the filters, only these are multiplied
_GATHER_BELOW_CODED = 0.05
CODED_FROM = 50_000  # rows: below, one product with all of them is as quick
_EPOCH = date(1970, 1, 1)


class Hit(NamedTuple):
    """number: of the row's owner, such as a summary_id. score: cosine, -1 to 1."""

    number: int
    score: float


@dataclass(frozen=True)
class VectorIndex:
    """
    Rows of one embedding model, each with a number, a day and a contact.

    Args:
        vectors: float32, shape (n, width), rows of unit length.
        numbers: int64, shape (n,). days: int32 days since 1970. contacts: int32 indices into *names*.
    """

    model: str
    vectors: Vectors
    numbers: NDArray[np.int64]
    days: NDArray[np.int32]
    contacts: NDArray[np.int32]
    names: tuple[str, ...]
    codes: Codes | None = None  # of the same vectors, where there are many

    def __len__(self) -> int:
        return len(self.numbers)

    def search(
        self,
        query: Vectors,
        top_k: int,
        *,
        first: date | None = None,
        last: date | None = None,
        contact: str | None = None,
    ) -> list[Hit]:
        """
        The *top_k* closest rows that pass the filters, the best first; equals by number.

        Args:
            query: float32, shape (width,), of unit length, by the same model.
            first, last: Days, both in. contact: as it is written, but for upper and lower case.
        Raises:
            EmbeddingMismatch: The widths differ.
        """
        if not len(self):
            return []
        if query.shape != (self.vectors.shape[1],):
            raise EmbeddingMismatch(f"{self.model}: a query of {query.shape} for rows of {self.vectors.shape[1]}")
        allowed = self._allowed(first, last, contact)
        if allowed is None:
            return self._among(query, None, 0, len(self), top_k)
        rows = np.flatnonzero(allowed)
        if not len(rows):
            return []
        start, end = int(rows[0]), int(rows[-1]) + 1  # rows come in the order of their days: a range of days is a slice
        if len(rows) < (_GATHER_BELOW_CODED if self.codes else _GATHER_BELOW) * (end - start):
            return self._best(self.vectors[rows] @ query, rows, top_k)
        return self._among(query, rows, start, end, top_k)

    def _among(self, query: Vectors, rows: NDArray[np.int64] | None, start: int, end: int, top_k: int) -> list[Hit]:
        """The best of *rows*, which lie from *start* to before *end*; None: of all there."""
        if self.codes is None or top_k >= end - start:
            scores = self.vectors[start:end] @ query
            return self._best(scores if rows is None else scores[rows - start], rows, top_k)
        near, off = self.codes.scores(query, start, end)
        if rows is not None:
            near = near[rows - start]
        wanted = min(top_k, len(near))
        least = np.partition(near, len(near) - wanted)[len(near) - wanted]
        places = np.flatnonzero(near >= least - 2 * off)
        can_be = places + start if rows is None else rows[places]
        return self._best(self.vectors[can_be] @ query, can_be, top_k)

    def _allowed(self, first: date | None, last: date | None, contact: str | None) -> NDArray[np.bool_] | None:
        """Which rows pass; None for all."""
        parts: list[NDArray[np.bool_]] = []
        if first is not None:
            parts.append(self.days >= (first - _EPOCH).days)
        if last is not None:
            parts.append(self.days <= (last - _EPOCH).days)
        if contact is not None:
            meant = [number for number, name in enumerate(self.names) if name.casefold() == contact.casefold()]
            parts.append(np.isin(self.contacts, meant))
        return np.logical_and.reduce(parts) if parts else None

    def _best(self, scores: NDArray[np.float32], rows: NDArray[np.int64] | None, top_k: int) -> list[Hit]:
        wanted = min(top_k, len(scores))
        if not wanted:
            return []
        # The partition alone would pick any of those that are equal to the last one.
        least = np.partition(scores, len(scores) - wanted)[len(scores) - wanted]
        places = np.flatnonzero(scores >= least)
        numbers = self.numbers[places if rows is None else rows[places]]
        order = np.lexsort((numbers, -scores[places]))[:wanted]
        return [Hit(int(numbers[place]), float(scores[places[place]])) for place in order]

    def changed(self, rows: pa.Table, gone: Sequence[int]) -> VectorIndex:
        """With *rows* (see `index_of`) in place of what was there under their numbers, and without *gone*."""
        newer = index_of(self.model, rows)
        stays = ~np.isin(self.numbers, np.concatenate([newer.numbers, np.asarray(gone, dtype=np.int64)]))
        names = tuple(dict.fromkeys((*self.names, *newer.names)))
        renamed = np.array([names.index(name) for name in newer.names], dtype=np.int32)
        kept = self.vectors[stays] if not stays.all() else self.vectors
        if len(newer) and len(self) and newer.vectors.shape[1] != self.vectors.shape[1]:
            raise EmbeddingMismatch(f"{self.model} has vectors of two widths")
        codes = self.codes.kept(stays) if self.codes else None
        return VectorIndex(
            self.model,
            np.concatenate([kept, newer.vectors])
            if len(newer) and len(kept)
            else (newer.vectors if len(newer) else kept),
            np.concatenate([self.numbers[stays], newer.numbers]),
            np.concatenate([self.days[stays], newer.days]),
            np.concatenate([self.contacts[stays], renamed[newer.contacts] if len(newer) else newer.contacts]),
            names,
            codes.with_more(newer.vectors) if codes and len(newer) else codes,
        ).coded()

    def coded(self) -> VectorIndex:
        """With codes, once there are rows enough for them."""
        return replace(self, codes=codes_of(self.vectors)) if self.codes is None and len(self) >= CODED_FROM else self


def index_of(model: str, rows: pa.Table) -> VectorIndex:
    """
    Args:
        rows: Columns summary_id, contact, day and embedding (a list of floats of unit length), by one model.
    Raises:
        EmbeddingMismatch: The vectors have several widths.
    """
    count = rows.num_rows
    embeddings = rows["embedding"].combine_chunks()
    values = embeddings.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    if count and len(values) % count:
        raise EmbeddingMismatch(f"{model} has vectors of several widths")
    width = len(values) // count if count else 0
    if count and embeddings.value_lengths().unique().to_pylist() != [width]:
        raise EmbeddingMismatch(f"{model} has vectors of several widths")
    contacts = rows["contact"].combine_chunks().dictionary_encode()
    return VectorIndex(
        model,
        values.reshape(count, width),
        rows["summary_id"].to_numpy().astype(np.int64),
        rows["day"].cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int32),
        contacts.indices.to_numpy(zero_copy_only=False).astype(np.int32),
        tuple(contacts.dictionary.to_pylist()),
    ).coded()

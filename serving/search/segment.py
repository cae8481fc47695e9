"""A part of the search index: an inverted index over some assets, in arrays that never change."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sql.lake import statement

Mask = NDArray[np.bool_]
_LAST = "\U0010ffff"  # sorts behind everything that may follow a prefix
_SHOWN_FIELDS = ("camera", "lens", "tag", "keyword", "person", "place", "city", "region", "country", "folder")


@dataclass(frozen=True)
class Segment:
    """
    Args:
        asset_ids: int64, shape (n,): newest first. A document is a position in it.
        order_us: int64, shape (n,): where each stands in the timeline, microseconds since 1970.
        terms: t strings in order (sql/serving/search/terms.sql).
        offsets: int64, shape (t + 1,), into *postings*; postings: int32, documents of each term, ascending.
        dead: shape (n,): replaced by a document of a later segment.
        spellings: Terms of whole values as they were written.
    """

    asset_ids: NDArray[np.int64]
    order_us: NDArray[np.int64]
    terms: pa.StringArray
    offsets: NDArray[np.int64]
    postings: NDArray[np.int32]
    dead: Mask
    spellings: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.asset_ids)

    @property
    def live(self) -> Mask:
        return ~self.dead

    def without(self, asset_ids: NDArray[np.int64]) -> Segment:
        """The same with these assets dead."""
        return replace(self, dead=self.dead | np.isin(self.asset_ids, asset_ids))

    def beginning_with(self, prefix: str) -> tuple[int, int]:
        """The range of terms that begin with *prefix*."""
        return self._first(prefix), self._first(prefix + _LAST)

    def holding(self, prefix: str, pattern: str) -> NDArray[np.int64]:
        """Terms that begin with *prefix*; what follows matches *pattern* as in SQL's `like`, a backslash escapes."""
        low, high = self.beginning_with(prefix)
        rests = pc.utf8_slice_codeunits(self.terms.slice(low, high - low), len(prefix))
        return low + np.flatnonzero(pc.match_like(rests, pattern).to_numpy(zero_copy_only=False))

    def with_range(self, low: int, high: int) -> Mask:
        """Documents with any of a range of terms."""
        found = np.zeros(len(self), np.bool_)
        found[self.postings[self.offsets[low] : self.offsets[high]]] = True
        return found

    def with_terms(self, terms: NDArray[np.int64]) -> Mask:
        found = np.zeros(len(self), np.bool_)
        for term in terms:
            found[self.postings[self.offsets[term] : self.offsets[term + 1]]] = True
        return found

    def with_term(self, term: str) -> Mask:
        low = self._first(term)
        known = low < len(self.terms) and self.terms[low].as_py() == term
        return self.with_range(low, low + 1 if known else low)

    def counts(self, low: int, high: int) -> NDArray[np.int64]:
        """How many documents each of a range of terms has, dead ones among them."""
        return np.diff(self.offsets[low : high + 1])

    def _first(self, text: str) -> int:
        return bisect_left(_Texts(self.terms), text)


@dataclass(frozen=True, slots=True)
class _Texts:
    """An Arrow array as the sequence of `str` that `bisect` needs."""

    terms: pa.StringArray

    def __len__(self) -> int:
        return len(self.terms)

    def __getitem__(self, index: int) -> str:
        return str(self.terms[index].as_py())


def build_segment(connection: duckdb.DuckDBPyConnection, docs: pa.Table, texts: pa.Table) -> Segment:
    """
    Args:
        connection: Of `scratch_connection`.
        docs: asset_id, order_us: newest first.
        texts: asset_id, field, text.
    """
    count = docs.num_rows
    connection.register("doc_rows", docs.append_column("doc", pa.array(np.arange(count, dtype=np.int32))))
    connection.register("text_rows", texts)
    connection.execute(
        "create or replace temp table texts as select doc, field, text from text_rows join doc_rows using (asset_id)"
    )
    index = connection.execute(statement("serving/search/terms")).to_arrow_table().combine_chunks()
    spelled = connection.execute(statement("serving/search/spellings"), {"fields": _SHOWN_FIELDS}).fetchall()
    connection.execute("drop table texts")
    connection.unregister("doc_rows")
    connection.unregister("text_rows")
    lists = _only_chunk(index["docs"], pa.list_(pa.int32()))
    return Segment(
        asset_ids=docs["asset_id"].to_numpy().astype(np.int64),
        order_us=docs["order_us"].to_numpy().astype(np.int64),
        terms=_only_chunk(index["term"], pa.string()),
        offsets=lists.offsets.to_numpy().astype(np.int64),
        postings=lists.values.to_numpy().astype(np.int32),
        dead=np.zeros(count, np.bool_),
        spellings=dict(spelled),
    )


def _only_chunk(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], kind)


def scratch_connection(threads: int = 2) -> duckdb.DuckDBPyConnection:
    """A database of its own where words are taken apart."""
    connection = duckdb.connect(config={"threads": threads, "autoinstall_known_extensions": "false"})
    connection.execute(statement("serving/search/fold"))
    return connection

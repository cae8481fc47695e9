"""
Search over daily summaries: 384 dimensions at 100,000 and 1,000,000 days, exact.

    python -m tests.bench.summaries_bench [--rows 100000 1000000] [--times 30]

Every answer is checked against a float64 product over all rows, sorted in full.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from tasks.models.embed import MiniLm, Vectors
from tasks.vectors.index import VectorIndex, index_of

WIDTH = 384
TOP_K = 10
SLICE = 100_000
GOALS_MS = {100_000: 20, 1_000_000: 60}
START = date(2000, 1, 1)


def made_up(rows: int) -> pa.Table:
    """Summaries of 50 contacts over as many days as it takes; built slice by slice to spare memory."""
    rng = np.random.default_rng(1)
    flat = np.empty((rows, WIDTH), dtype=np.float32)
    for start in range(0, rows, SLICE):
        part = flat[start : start + SLICE]
        part[:] = rng.standard_normal(part.shape, dtype=np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    numbers = np.arange(rows, dtype=np.int64)
    offsets = np.arange(0, (rows + 1) * WIDTH, WIDTH, dtype=np.int64)
    return pa.table(
        {
            "summary_id": numbers,
            "contact": pa.DictionaryArray.from_arrays(
                pa.array((numbers % 50).astype(np.int32)), pa.array([f"Contact {n}" for n in range(50)])
            ).cast(pa.string()),
            "day": pa.array(((START - date(1970, 1, 1)).days + numbers // 50).astype(np.int32)).cast(pa.date32()),
            "embedding": pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(flat.reshape(-1))),
        }
    )


def queries(times: int) -> Vectors:
    raw = np.random.default_rng(2).standard_normal((times, WIDTH)).astype(np.float32)
    found: Vectors = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return found


def brute(index: VectorIndex, query: Vectors, chosen: np.ndarray | None = None) -> list[int]:  # type: ignore[type-arg]
    scores = np.empty(len(index))
    for start in range(0, len(index), SLICE):
        scores[start : start + SLICE] = index.vectors[start : start + SLICE].astype(np.float64) @ query
    if chosen is not None:
        scores[~chosen] = -np.inf
    return [int(number) for number in np.argsort(-scores, kind="stable")[:TOP_K]]


def median_ms(search: Callable[[Vectors], object], asked: Vectors) -> tuple[float, float]:
    search(asked[0])
    spans = []
    for query in asked:
        started = time.perf_counter()
        search(query)
        spans.append((time.perf_counter() - started) * 1_000)
    return statistics.median(spans), max(spans)


def bench(rows: int, times: int) -> None:
    started = time.perf_counter()
    index = index_of("bench", made_up(rows))
    built = time.perf_counter() - started
    asked = queries(times)
    last = START + timedelta(days=rows // 50)
    year = last - timedelta(days=365)
    in_year = index.days >= (year - date(1970, 1, 1)).days
    cases: dict[str, tuple[Callable[[Vectors], object], np.ndarray | None]] = {  # type: ignore[type-arg]
        "all": (lambda query: index.search(query, TOP_K), None),
        "last year": (lambda query: index.search(query, TOP_K, first=year), in_year),
        "one contact": (lambda query: index.search(query, TOP_K, contact="contact 7"), index.contacts == 7),
        "half of all days": (
            lambda query: index.search(query, TOP_K, last=START + timedelta(days=rows // 100 - 1)),
            index.days <= (START - date(1970, 1, 1)).days + rows // 100 - 1,
        ),
    }
    for name, (search, chosen) in cases.items():
        middle, worst = median_ms(search, asked)
        right = all([hit.number for hit in search(query)] == brute(index, query, chosen) for query in asked[:3])  # type: ignore[attr-defined]
        goal = f"goal {GOALS_MS[rows]} ms" if rows in GOALS_MS else ""
        print(f"{rows:>9,} {name:<18} median {middle:7.2f} ms  worst {worst:7.2f} ms  {goal:<12} "
              f"{'as brute force' if right else 'WRONG'}", flush=True)  # fmt: skip
    coded = index.codes.codes.nbytes if index.codes else 0
    print(f"{rows:>9,} memory {index.vectors.nbytes / 1e6:,.0f} MB of vectors, {coded / 1e6:,.0f} MB of codes; "
          f"made and indexed in {built:.1f} s")  # fmt: skip


def bench_query() -> None:
    model = MiniLm()
    started = time.perf_counter()
    model.embed_here(["where did we swim?"])
    first = time.perf_counter() - started
    spans = []
    for number in range(20):
        started = time.perf_counter()
        model.embed_here([f"where did we swim in summer {number}?"])
        spans.append((time.perf_counter() - started) * 1_000)
    print(f"one query to a vector: median {statistics.median(spans):.1f} ms; the first, with imports, {first:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--times", type=int, default=30)
    options = parser.parse_args()
    for rows in options.rows:
        bench(rows, options.times)
    bench_query()


if __name__ == "__main__":
    main()

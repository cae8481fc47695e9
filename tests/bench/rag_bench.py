"""
Is the right day found? 60 questions over 300 daily summaries, by the embedding model that comes with Darkroom.

    python -m tests.bench.rag_bench [--verbose]

The days and questions are a made-up diary (tests/bench/rag/), the questions in other words than the days. Goal: the day
is among the first five for 90 of 100 questions.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

import pyarrow as pa

from tasks.messages.summaries import embedding_text
from tasks.models.embed import MiniLm
from tasks.vectors.index import index_of

FOLDER = Path(__file__).parent / "rag"
TOP_K = 5
GOAL = 0.9


def lines_of(name: str) -> list[list[str]]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return [[part.strip() for part in line.split(" | ")] for line in text.splitlines() if not line.startswith("#")]


def ranks() -> list[tuple[str, str, int]]:
    """Each question, the day that answers it, and that day's place in the answer (0: not among the first 50)."""
    days, questions = lines_of("days.txt"), lines_of("questions.txt")
    model = MiniLm()
    table = pa.table(
        {
            "summary_id": pa.array(range(len(days)), pa.int64()),
            "contact": [contact for _, contact, _ in days],
            "day": [date.fromisoformat(day) for day, _, _ in days],
            "embedding": pa.array(
                list(model.embed_here([embedding_text(c, date.fromisoformat(day), text) for day, c, text in days])),
                pa.list_(pa.float32()),
            ),
        }
    )
    index = index_of(model.model, table)
    found = []
    for (day, question), vector in zip(questions, model.embed_here([text for _, text in questions]), strict=True):
        hits = [days[hit.number][0] for hit in index.search(vector, 50)]
        found.append((question, day, hits.index(day) + 1 if day in hits else 0))
    return found


def recall(found: list[tuple[str, str, int]], top_k: int) -> float:
    return sum(1 <= rank <= top_k for _, _, rank in found) / len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--verbose", action="store_true", help="also the questions whose day is not among the first five"
    )
    options = parser.parse_args()
    found = ranks()
    print(f"{len(found)} questions over {len(lines_of('days.txt'))} days, all-MiniLM-L6-v2")
    for top_k in (1, 3, 5, 10):
        goal = f"  goal {GOAL:.2f}" if top_k == TOP_K else ""
        print(f"recall@{top_k:<2} {recall(found, top_k):.3f}{goal}")
    print(f"mean reciprocal rank {sum(1 / rank for _, _, rank in found if rank) / len(found):.3f}")
    if options.verbose:
        for question, day, rank in found:
            if not 1 <= rank <= TOP_K:
                print(f"  {day}  place {rank or '> 50'}: {question}")


if __name__ == "__main__":
    main()

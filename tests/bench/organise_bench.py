"""
What the library is organised by, at 1,000,000 assets: one function a question, asked of the replica in this process.

    python -m tests.bench.organise_bench [--assets 1000000] [--times 300]

Rows are made up. Half of the pictures have a common tag, a quarter another, one in a hundred a third, one in ten
thousand a rare one; every figure is for the page *and* the count beside it, as GET /photos answers them. The first row
is a loop of Python alone: what is above its median is the machine's doing: a shared one is away for 35 ms now and then.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from serving.cursor import Cursor, Sort
from serving.memories import MEMORY_YEAR, Span, taken_on
from serving.photo_query import Conditions, count, read_page
from serving.replica import Replica
from serving.replica_copy import Copy
from sql.lake import Lake, statement
from tests.bench.serving_bench import fill

PAGE = 100
ONE_IN = {1: 2, 2: 4, 3: 100, 4: 10_000, 5: 1_000}  # tag: how many pictures there are to one that has it
NEWEST = Sort("taken_at", True)


def tag_pictures(lake: Lake) -> None:
    with lake.write("made up") as writer:
        for tag_id, one_in in ONE_IN.items():
            writer.execute(f"insert into tag values ({tag_id}, 'tag {tag_id}', now()::timestamp)")
            writer.execute(f"""insert into photo_tag by name select content_hash, {tag_id} as tag_id
                from fingerprint where hash(asset_id, {tag_id}) % {one_in} = 0""")


def timeline(copy: Copy) -> Iterator[tuple[str, Callable[[], object]]]:
    def page(cursor: Cursor | None) -> None:
        with copy.reading() as reader:
            read_page(copy, reader, Conditions(), NEWEST, limit=PAGE, cursor=cursor)

    def after() -> Cursor:
        with copy.reading() as reader:
            rows = reader.tuples(
                "select order_at::varchar, asset_id from timeline order by order_at desc limit 1 offset 500000"
            )
        return Cursor(NEWEST, *rows[0])

    yield "timeline: the first page", lambda: page(None)
    if copy.photos > 500_000:
        deep = after()
        yield "timeline: a page half a million photos down", lambda: page(deep)


def tags(copy: Copy) -> Iterator[tuple[str, Callable[[], object]]]:
    def ask(tag_ids: str | None, exclude: str | None = None, mode: str | None = None) -> None:
        conditions = Conditions()
        conditions.tags(tag_ids, exclude, mode)
        with copy.reading() as reader:
            if read_page(copy, reader, conditions, NEWEST, limit=PAGE).total is None:
                count(reader, conditions)

    yield "tag: common (one in 2)", lambda: ask("1")
    yield "tag: rare (one in 10,000)", lambda: ask("4")
    yield "tag: one in 100", lambda: ask("3")
    yield "tag: one in 1,000", lambda: ask("5")
    yield "tags: Any of two common", lambda: ask("1,2")
    yield "tags: Any of a common and a rare", lambda: ask("1,4")
    yield "tags: All of two common", lambda: ask("1,2", mode="All")
    yield "tags: All of a common and a rare", lambda: ask("1,4", mode="All")
    yield "tags: all but a common", lambda: ask(None, "1")
    yield "tags: a common without another", lambda: ask("1", "2")


def memories(copy: Copy) -> Iterator[tuple[str, Callable[[], object]]]:
    def ask(span: Span) -> None:
        conditions = Conditions()
        taken_on(conditions, date(2024, 7, 4), span, 120)
        text = statement("serving/memories").format(
            conditions=conditions.text, year=MEMORY_YEAR, photo=statement("serving/photo_fields")
        )
        with copy.reading() as reader:
            reader.tuples(text, {**conditions.parameters, "asker": 1, "row_limit": 1000})

    for span in Span:
        yield f"memories: a {span}", lambda span=span: ask(span)


QUESTIONS = (timeline, tags, memories)


def measure(name: str, act: Callable[[], object], times: int) -> None:
    """Time on the wall, and of processors: what it would take were nobody else using the machine."""
    act()
    walls, processors = [], []
    for _ in range(times):
        started, used = time.perf_counter(), time.process_time()
        act()
        walls.append((time.perf_counter() - started) * 1000)
        processors.append((time.process_time() - used) * 1000)
    figures = (statistics.median(walls), p99(walls), statistics.median(processors), p99(processors))
    print(f"{name:<44}" + "".join(f"{figure:9.1f} ms" for figure in figures), flush=True)


def p99(spans: list[float]) -> float:
    return sorted(spans)[min(len(spans) - 1, round(0.99 * len(spans)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=300)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(f"sqlite:///{folder}/catalog.sqlite", f"{folder}/data", memory_limit="3GB")
        lake.migrate()
        fill(lake, asked.assets, Path(folder))
        tag_pictures(lake)
        started = time.perf_counter()
        copy = Replica(lake).current
        print(f"replica of {copy.photos:,} photos in {time.perf_counter() - started:.1f} s")
        print(f"{'':<44}" + "".join(f"{word:>12}" for word in ("median", "p99", "cpu median", "cpu p99")))
        measure("nothing: a loop of Python", lambda: sum(range(1_000_000)), asked.times)
        for question in QUESTIONS:
            for name, act in question(copy):
                measure(name, act, asked.times)
        lake.close()


if __name__ == "__main__":
    main()

"""
What our layer adds to a model server: the same scripted stream asked directly and through POST /chat/stream.

    python -m tests.bench.chat_bench [--tokens 400] [--streams 50]

The stand-in server sends its tokens as quickly as they are taken, so that what is measured is us and not a model. What
it is asked directly is word for word what we ask it, tools and all.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn

from deployments.settings import Settings
from serving.app import create_app
from serving.auth.accounts import add_user
from serving.auth.tokens import issue_token
from sql.lake import Lake
from tests.stand_ins.ollama import OllamaStandIn, Say

TIMES = 15
WORD = "word "
TOLD = '{"text":"word '  # a text event of ours; `done` repeats the whole answer


@contextmanager
def served(settings: Settings, lake: Lake) -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(settings, lake), log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


async def streamed(client: httpx.AsyncClient, url: str, body: object, mark: str) -> tuple[float, float, int]:
    """Seconds to the first token and to the end, and how many tokens came."""
    started = time.perf_counter()
    first, tokens = 0.0, 0
    async with client.stream("POST", url, json=body) as answer:
        async for line in answer.aiter_lines():
            if mark in line:
                first = first or time.perf_counter() - started
                tokens += 1
    return first, time.perf_counter() - started, tokens


def memory_mb() -> float:
    text = Path("/proc/self/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


async def compare(url: str, token: str, ollama: OllamaStandIn, tokens: int, streams: int) -> None:
    asked = {"message": "hello"}
    async with httpx.AsyncClient(timeout=120, trust_env=False, limits=httpx.Limits(max_connections=200)) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        ollama.script.append(Say([WORD]))
        await streamed(client, f"{url}/chat/stream", asked, TOLD)
        direct = ollama.bodies("/api/chat")[-1]
        spans: dict[str, list[tuple[float, float, int]]] = {"direct": [], "ours": []}
        for _ in range(TIMES + 1):
            ollama.script += [Say([WORD] * tokens)] * 2
            spans["direct"].append(await streamed(client, f"{ollama.url}/api/chat", direct, WORD))
            spans["ours"].append(await streamed(client, f"{url}/chat/stream", asked, TOLD))
        medians = {
            name: (
                statistics.median(first for first, _, _ in found[1:]) * 1_000,
                statistics.median((end - first) / count for first, end, count in found[1:]) * 1_000,
            )
            for name, found in spans.items()
        }
        for name, (first, each) in medians.items():
            print(f"{name:<8} first token {first:7.2f} ms, then {each:6.3f} ms a token")
        added = [ours - direct for ours, direct in zip(medians["ours"], medians["direct"], strict=True)]
        print(f"added    first token {added[0]:7.2f} ms (goal 15), then {added[1]:6.3f} ms a token (goal 1)")
        before = memory_mb()
        ollama.script += [Say([WORD] * 60, wait_each_s=0.05)] * streams
        found = await asyncio.gather(*(streamed(client, f"{url}/chat/stream", asked, TOLD) for _ in range(streams)))
        whole = sum(count == 60 for _, _, count in found)
        print(f"{streams} streams at once: {whole} whole, process {memory_mb():,.0f} MB (goal 400; "
              f"{before:,.0f} before, stand-in and load generator included)")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--streams", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, OllamaStandIn().running() as ollama:
        settings = Settings(darkroom_home=Path(folder), ollama_primary_url=ollama.url)
        with Lake(settings.catalog_url, settings.data_path) as lake:
            lake.migrate()
            add_user(lake, "ada", "correct horse")
            with served(settings, lake) as url:
                asyncio.run(compare(url, issue_token(settings, "ada"), ollama, options.tokens, options.streams))


if __name__ == "__main__":
    main()

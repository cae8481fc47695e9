"""
`python -P -m deployments.prefect.flow_engine`: Prefect's engine for one flow run, our flows imported before it looks.

Prefect puts the working folder first on the path while it imports a flow, and would take a `flows.py` that lies there.
"""

from __future__ import annotations

import importlib
import pkgutil
import runpy

# What every flow run was seen to import after the fork, beside our flows.
USED_BY_EVERY_RUN = (
    "prefect.engine", "prefect.flow_engine", "prefect.task_engine", "prefect.workers.process",
    "anyio._backends._asyncio", "anyio.streams.memory", "anyio.streams.tls", "encodings.idna", "pytz",
    "rich._emoji_codes", "duckdb_extension_ducklake", "duckdb_extension_sqlite_scanner",
)  # fmt: skip


def import_everything() -> None:
    """Import what a flow run needs, so that its fork finds it done."""
    for name in USED_BY_EVERY_RUN:
        importlib.import_module(name)
    import flows

    for module in pkgutil.iter_modules(flows.__path__):
        importlib.import_module(f"flows.{module.name}")


if __name__ == "__main__":
    import_everything()
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)

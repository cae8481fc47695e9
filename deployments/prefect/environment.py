"""The environment in which Prefect's server, our worker and every flow run of this machine live."""

from __future__ import annotations

import os
from pathlib import Path

from deployments.safe_path import safe_path_environment
from deployments.settings import Settings

WORK_POOL = "darkroom"

# Seconds between looks of the server's housekeeping loops. Their defaults (5 to 20 s) suit a server with many users;
# none of them starts a run, they only notice what was missed, and a minute is soon enough for that.
_HOUSEKEEPING = ("LATE_RUNS", "PAUSE_EXPIRATIONS", "CLEANUP_RECONCILER", "FOREMAN", "REPOSSESSOR")
_HOUSEKEEPING_SECONDS = "60"


def prefect_folder(settings: Settings) -> Path:
    return settings.darkroom_home / "prefect"


def prefect_api_url(settings: Settings, port: int | None = None) -> str:
    return f"http://127.0.0.1:{port or settings.prefect_port}/api"


def prefect_environment(settings: Settings, port: int | None = None) -> dict[str, str]:
    """
    Environment variables for a process that talks to, or is, the Prefect server of this machine.

    What the person has set wins, except what keeps this server private: its address, its home, its password, whose
    pages may ask it, no telemetry.
    """
    chosen = port or settings.prefect_port
    tuned = {
        # glibc gives each thread an arena of its own and returns little of it: 20 MB less at rest, 45 MB during a scan.
        "MALLOC_ARENA_MAX": "2",
        # A trigger waits for the worker's next poll: every 3 s, 10 by default.
        "PREFECT_WORKER_QUERY_SECONDS": "3",
        # Planned runs are taken when they are due, not 10 s before: a run that waits holds its slot and its memory.
        "PREFECT_WORKER_PREFETCH_SECONDS": "1",
        # Slots of `concurrency_limit` are leases; kept in memory they would leak when the server restarts, and a
        # flow with a limit of 1 would then never run again.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        # Runs are planned this far ahead, not an hour: 10 rows of quick scans in the list of what is coming, not 60.
        "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "PT10M",
        # Schedules are planned every minute; the extra look for ones just changed need not be every 5 s.
        "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "30",
        # What happened is kept in `v_runs`; Prefect's own stream of events is for looking back a few days.
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P2D",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_LOGGING_COLORS": "false",  # into a file; and rich takes longer to colour a line than a run to log it
        "PREFECT_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        **{f"PREFECT_SERVER_SERVICES_{name}_LOOP_SECONDS": _HOUSEKEEPING_SECONDS for name in _HOUSEKEEPING},
    }
    private = {
        "PREFECT_HOME": str(prefect_folder(settings)),
        "PREFECT_API_URL": prefect_api_url(settings, chosen),
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(chosen),
        # Whoever may start a run may run code as this user: nobody without the password, and no page of another site.
        "PREFECT_SERVER_API_AUTH_STRING": settings.prefect_auth,
        "PREFECT_API_AUTH_STRING": settings.prefect_auth,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://127.0.0.1:{chosen},http://localhost:{chosen}",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "DARKROOM_HOME": str(settings.darkroom_home),
        "PREFECT_PORT": str(chosen),
        **safe_path_environment(os.environ),
    }
    return tuned | dict(os.environ) | settings_environment(settings) | private


def without_prefect_auth(environment: dict[str, str]) -> dict[str, str]:
    """For a process that does not talk to Prefect."""
    return {name: value for name, value in environment.items() if not name.endswith("API_AUTH_STRING")}


def settings_environment(settings: Settings) -> dict[str, str]:
    """What was set, from wherever, as the variables that say the same to another process."""
    return {name.upper(): _as_text(value) for name in settings.model_fields_set if (value := getattr(settings, name))}


def _as_text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)

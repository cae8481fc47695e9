"""
Asks the Prefect server over HTTP what is going on.

Without Prefect's own client: importing that costs 80 MB and a second, and `darkroom up` idles all day.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx

TIMEOUT_SECONDS = 5.0
BAD_STATES = ("FAILED", "CRASHED")
LIVE_STATES = ("RUNNING", "PENDING")
IDLE_RUNS = 16  # more than are seen among the newest: each flow keeps a few, and the quick scan comes oftenest


@dataclass(frozen=True, slots=True)
class FlowRunStatus:
    """One flow run. `percent` and `text` are those of its newest progress artifact, where it has one."""

    run_id: str
    name: str
    state: str
    state_name: str
    message: str
    started_at: datetime | None
    percent: float | None = None
    text: str = ""

    @property
    def live(self) -> bool:
        return self.state in LIVE_STATES

    @property
    def bad(self) -> bool:
        return self.state in BAD_STATES


class PrefectMonitor:
    """Args: api_url: Ends in `/api`. auth: `name:password` of the server."""

    def __init__(self, api_url: str, auth: str) -> None:
        name, _, password = auth.partition(":")
        self._client = httpx.Client(base_url=api_url, auth=(name, password), timeout=TIMEOUT_SECONDS, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def healthy(self) -> bool:
        try:
            return self._client.get("/health").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def start_run(self, deployment: str, parameters: dict[str, Any] | None = None) -> str:
        """
        Have *deployment* run once, now. Returns the flow run's id.

        Raises:
            httpx.HTTPError: The server is not there, or has no such deployment.
        """
        wanted = {"deployments": {"name": {"any_": [deployment]}}, "limit": 1}
        found = self._ask("/deployments/filter", wanted)
        if not found:
            raise httpx.HTTPError(f"the Prefect server has no deployment {deployment}")
        run = self._ask(f"/deployments/{found[0]['id']}/create_flow_run", {"parameters": parameters or {}})
        return str(run["id"])

    def recent_runs(self, limit: int = 8) -> list[FlowRunStatus]:
        """
        What runs now and what ran last, newest first; without the runs that found nothing to do.

        Raises:
            httpx.HTTPError: The server is not there.
        """
        states = [*LIVE_STATES, *BAD_STATES, "COMPLETED"]
        wanted = {
            "flow_runs": {"state": {"type": {"any_": states}}, "start_time": {"is_null_": False}},
            "sort": "START_TIME_DESC",
            "limit": limit + IDLE_RUNS,
        }
        found = self._ask("/flow_runs/filter", wanted)
        runs = [_seen(run) for run in found if "idle" not in run["tags"]][:limit]
        live = [run.run_id for run in runs if run.live]
        progress = self._progress(live) if live else {}
        return [_with_progress(run, progress.get(run.run_id)) for run in runs]

    def _progress(self, run_ids: list[str]) -> dict[str, Any]:
        wanted = {
            "artifacts": {"type": {"any_": ["progress"]}, "flow_run_id": {"any_": run_ids}},
            "sort": "UPDATED_DESC",
            "limit": 50,
        }
        newest: dict[str, Any] = {}
        for artifact in self._ask("/artifacts/filter", wanted):
            newest.setdefault(artifact["flow_run_id"], artifact)
        return newest

    def _ask(self, path: str, body: dict[str, Any]) -> Any:
        for pause_seconds in (0.5, 1.0, 2.0, None):
            answer = self._client.post(path, json=body)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or pause_seconds is None:
                break
            time.sleep(pause_seconds)  # its database is busy; nothing was done
        answer.raise_for_status()
        return answer.json()


def _seen(run: dict[str, Any]) -> FlowRunStatus:
    started = run.get("start_time")
    return FlowRunStatus(
        run_id=run["id"],
        name=run["name"],
        state=run["state_type"] or "",
        state_name=run["state_name"] or "",
        message=(run.get("state") or {}).get("message") or "",
        started_at=datetime.fromisoformat(started) if started else None,
    )


def _with_progress(run: FlowRunStatus, artifact: dict[str, Any] | None) -> FlowRunStatus:
    if artifact is None:
        return run
    percent = float(artifact.get("data") or 0)
    return replace(run, percent=percent, text=artifact.get("description") or "")

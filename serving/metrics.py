"""Numbers for Prometheus: the catalog's, and the API's own."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from serving.backlog_counts import BacklogCounts
from serving.replica.replica import Replica

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Meter:
    """Counts requests by route template (never by path: that would be a label per photo)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "darkroom_http_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "darkroom_http_request_seconds", "Until the answer was complete", ["route"], buckets=_BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self._children: dict[
            tuple[str, str, int], tuple[Counter, Histogram]
        ] = {}  # finding them costs more than counting

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        key = (method, route, status)
        if key not in self._children:
            self._children[key] = (self._requests.labels(method, route, str(status)), self._seconds.labels(route))
        requests, spent = self._children[key]
        requests.inc()
        spent.observe(seconds)

    def watch(self, replica: Replica, counts: BacklogCounts) -> None:
        self.registry.register(_Catalog(replica, counts))

    def text(self) -> bytes:
        return generate_latest(self.registry)


class _Catalog(Collector):
    """What the replica and the lake know, read when Prometheus asks."""

    def __init__(self, replica: Replica, counts: BacklogCounts) -> None:
        self._replica = replica
        self._counts = counts

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())  # or registering would run the queries

    def collect(self) -> Iterator[GaugeMetricFamily]:
        copy = self._replica.current
        assets = GaugeMetricFamily("darkroom_assets", "Photos, RAWs and videos", labels=["library", "media_type"])
        sizes = GaugeMetricFamily("darkroom_asset_bytes", "Size of the originals", labels=["library", "media_type"])
        for row in copy.rows("metrics/asset_counts"):
            assets.add_metric([row["library"], row["media_type"]], row["assets"])
            sizes.add_metric([row["library"], row["media_type"]], row["size_bytes"])
        waiting = "Files that a stage has yet to work on, those to be made anew among them"
        backlog = GaugeMetricFamily("darkroom_backlog", waiting, labels=["library", "stage"])
        failed = GaugeMetricFamily("darkroom_failures", "Files that failed in a stage", labels=["library", "stage"])
        for count in self._counts.read():
            backlog.add_metric([count["library"], count["stage"]], count["backlog"])
            failed.add_metric([count["library"], count["stage"]], count["failed"])
        made = GaugeMetricFamily("darkroom_derivatives", "Files made from originals", labels=["kind"])
        for row in copy.rows("metrics/derivative_counts"):
            made.add_metric([row["kind"]], row["derivatives"])
        yield from (assets, sizes, backlog, failed, made)
        yield GaugeMetricFamily("darkroom_replica_snapshot", "Lake snapshot being served", value=copy.snapshot_id)
        yield GaugeMetricFamily(
            "darkroom_replica_age_seconds",
            "Since the lake was last looked at",
            value=time.monotonic() - self._replica.checked_at,
        )
        yield GaugeMetricFamily(
            "darkroom_replica_load_seconds", "Of the last refresh", value=self._replica.load_seconds
        )

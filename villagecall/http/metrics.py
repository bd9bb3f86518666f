"""What Prometheus may ask: requests and their time by operation, incidents, the journal's backlog."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from villagecall.ports import Journal

_SOCKETS = frozenset({"socket", "device_socket"})
_STEPS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """One registry a server, so that two servers in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "villagecall_requests", "Requests answered", ["op", "method", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "villagecall_request_seconds", "Time to answer", ["op"], buckets=_STEPS, registry=self.registry
        )
        self.incidents = Counter("villagecall_incidents", "Unforeseen errors", ["op"], registry=self.registry)
        self._backlog = Gauge(
            "villagecall_outbox_backlog", "Messages not yet delivered", ["topic"], registry=self.registry
        )

    def count(self, op: str, method: str, status: int, seconds: float) -> None:
        """One answered request. A socket's life is no answer time."""
        self._requests.labels(op, method, str(status)).inc()
        if op not in _SOCKETS:
            self._seconds.labels(op).observe(seconds)

    async def expose(self, journal: Journal) -> bytes:
        """The text format; asks the journal for its backlog."""
        backlog = await journal.backlog()
        self._backlog.clear()
        for topic, count in backlog.items():
            self._backlog.labels(topic).set(count)
        return generate_latest(self.registry)


METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)

"""What Prometheus may ask: requests, incidents, and how work stands: queues, calls, the outbox, the workers.

Numbers only: labels are operations, topics, levels and states, never a person, a case, a unit or an address.
"""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from villagecall.announcing import RESULTS
from villagecall.http.services import Services

_SOCKETS = frozenset({"socket", "device_socket"})
_STEPS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_LEVELS = {"town": "town", "department": "district"}
_CALLS = ("waiting", "ringing", "active")
_CONNECTIONS = ("terminal", "desk", "supervisor", "admin")


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
        self._now = _Now()
        self.registry.register(self._now)

    def count(self, op: str, method: str, status: int, seconds: float) -> None:
        """One answered request. A socket's life is no answer time."""
        self._requests.labels(op, method, str(status)).inc()
        if op not in _SOCKETS:
            self._seconds.labels(op).observe(seconds)

    async def expose(self, services: Services) -> bytes:
        """The text format; asks the parts how things stand."""
        self._now.found = [*await _stored(services), *_running(services)]
        return generate_latest(self.registry)


class _Now(Collector):
    """What the parts said at this asking."""

    def __init__(self) -> None:
        self.found: list[Metric] = []

    def collect(self) -> Iterator[Metric]:
        yield from self.found


async def _stored(services: Services) -> Iterator[Metric]:
    """From the database: the same whichever server is asked."""
    queue = GaugeMetricFamily("villagecall_queue_cases", "Cases that wait for a decision", labels=["level"])
    waiting = dict.fromkeys(_LEVELS.values(), 0)
    for unit in services.directory.units():
        if level := _LEVELS.get(unit.kind):
            waiting[level] += await services.journal.count(f"queue:{unit.code}")
    for level, count in waiting.items():
        queue.add_metric([level], count)
    backlog = GaugeMetricFamily("villagecall_outbox_backlog", "Messages not yet delivered", labels=["topic"])
    lag = GaugeMetricFamily("villagecall_outbox_lag_seconds", "Since the first message fell due", labels=["topic"])
    for topic, count in (await services.journal.backlog()).items():
        backlog.add_metric([topic], count)
    for topic, seconds in (await services.journal.lag()).items():
        lag.add_metric([topic], seconds)
    return iter((queue, backlog, lag))


def _running(services: Services) -> Iterator[Metric]:
    """From this process."""
    figures = services.hub.figures()
    calls = GaugeMetricFamily("villagecall_calls", "Live calls", labels=["state"])
    for state in _CALLS:
        calls.add_metric([state], figures.calls[state])
    yield calls
    connections = GaugeMetricFamily("villagecall_connections", "Browser sockets", labels=["kind"])
    for kind in _CONNECTIONS:
        connections.add_metric([kind], figures.connections[kind])
    yield connections
    yield GaugeMetricFamily("villagecall_desks_on_duty", "People at a desk, on duty", figures.on_duty)
    yield GaugeMetricFamily("villagecall_devices_online", "Village PCs connected", services.devices.online())
    yield GaugeMetricFamily("villagecall_recordings_open", "Recordings being written", figures.recordings)
    pool = services.pool
    workers = GaugeMetricFamily("villagecall_scan_workers", "Scan workers", labels=["state"])
    workers.add_metric(["busy"], pool.busy)
    workers.add_metric(["idle"], pool.size - pool.busy)
    yield workers
    yield CounterMetricFamily("villagecall_scan_workers_lost", "Scan workers that had to be replaced", pool.lost)
    appends = CounterMetricFamily("villagecall_journal_appends", "Appends asked for", labels=["result"])
    for result in RESULTS:
        appends.add_metric([result], services.journal.counts[result])
    yield appends
    outbox = CounterMetricFamily("villagecall_outbox_deliveries", "Deliveries tried", labels=["topic", "result"])
    for (result, topic), count in sorted(services.outbox.counts.items()):
        outbox.add_metric([topic, result], count)
    yield outbox


METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)

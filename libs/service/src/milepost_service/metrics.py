"""Owns the figures of one service: its registry and the counting of requests. Keeps no labels that
clients choose."""

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Metric,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Collector(Protocol):
    """Gives figures when asked."""

    def collect(self) -> Iterable[Metric]:
        """All it has, as of now."""
        ...


Look = Callable[[], Awaitable[None]]


class Metrics:
    """The figures of one service; register more with `add`."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self, service: str) -> None:
        disable_created_metrics()
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._service = service
        self._looks: list[Look] = []
        self._seconds = Histogram(
            "milepost_http_request_seconds",
            "From the request's head to the answer's first byte",
            ["service", "method", "route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._requests = Counter(
            "milepost_http_requests",
            "Requests answered",
            ["service", "method", "route", "status"],
            registry=self.registry,
        )

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._seconds.labels(self._service, method, route).observe(seconds)
        self._requests.labels(self._service, method, route, str(status)).inc()

    def add(self, collector: Collector, look: Look | None = None) -> None:
        """Have figures of a collector too; `look` is awaited before it is asked."""
        self.registry.register(collector)  # pyright: ignore[reportArgumentType]  # one in all but name
        if look is not None:
            self._looks.append(look)

    async def text(self) -> bytes:
        """Everything in Prometheus' text form."""
        for look in self._looks:
            await look()
        return generate_latest(self.registry)


class MetricsMiddleware:
    """Counts requests by the route's template, never by path."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count when the answer starts."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began = time.perf_counter()

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path_format", "none")
                status: int = message["status"]
                method = scope["method"] if status != 405 and len(scope["method"]) < 8 else "other"
                self._metrics.note(method, route, status, time.perf_counter() - began)
            await send(message)

        return await self._app(scope, receive, counting)

"""Owns the answers of a worker's port: /metrics, /livez and /readyz. Knows no task."""

import json
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from milepost.problems import MEDIA_TYPE, problem


class Health(Protocol):
    """Who knows how the process does."""

    def live(self) -> Mapping[str, str]:
        """See `Vitals`."""
        ...

    def ready(self) -> Mapping[str, str]:
        """See `Vitals`."""
        ...


def handler_of(
    registry: CollectorRegistry, health: Callable[[], Health]
) -> type[BaseHTTPRequestHandler]:
    """What answers a request: JSON and problem documents as the services give them."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._say(200, CONTENT_TYPE_LATEST, generate_latest(registry))
            elif path == "/livez":
                checks = health().live()
                self._tell(checks, {"status": "ok"}, "not-live", "Not live")
            elif path == "/readyz":
                checks = health().ready()
                self._tell(checks, {"checks": checks}, "not-ready", "Not ready")
            else:
                self._say(
                    404, MEDIA_TYPE, json.dumps(problem(404, "not-found", "Not found")).encode()
                )

        def _tell(
            self, checks: Mapping[str, str], well: Mapping[str, object], slug: str, title: str
        ) -> None:
            if all(found == "ok" for found in checks.values()):
                return self._say(200, "application/json", json.dumps(well).encode())
            body = {**problem(503, slug, title), "checks": checks}
            return self._say(503, MEDIA_TYPE, json.dumps(body).encode())

        def _say(self, status: int, media_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Not a line for every probe."""

    return Handler

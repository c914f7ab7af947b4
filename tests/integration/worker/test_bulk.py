"""A bulk action that is cut off at any step counts right, and does nothing twice."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from milepost.testing import run
from milepost_worker.tasks.bulk import bulk

COUNT = 3


class Services(ThreadingHTTPServer):
    """Three tasks that wait, as the operators' endpoints show and cancel them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.waiting = [f"t{number}" for number in range(COUNT)]
        self.cancelled = Counter[str]()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Services  # pyright: ignore[reportIncompatibleVariableOverride]  # narrower

    def do_GET(self) -> None:  # the name that http.server calls
        rows = [
            {"owner": "bob", "id": id, "type": "a.b", "status": "queued", "before": id}
            for id in self.server.waiting
        ]
        self._answer(200, {"tasks": rows, "before": None})

    def do_POST(self) -> None:  # the name that http.server calls
        task = self.path.split("/")[5]
        self.server.cancelled[task] += 1
        self.server.waiting = [each for each in self.server.waiting if each != task]
        self._answer(202, {"id": task, "status": "cancelled"})

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    server = Services()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("MILEPOST_SECRET", "a-secret-for-tests-that-has-forty-letters")
    monkeypatch.setenv("MILEPOST_NOTIFY_URL", url)
    monkeypatch.setenv("MILEPOST_SUBMIT_URL", url)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("note", range(1, 2 * COUNT + 6))
def test_wherever_its_worker_dies_each_task_is_told_once(services: Services, note: int):
    done = run(bulk, {"action": "cancel", "filter": {"status": "queued"}}, crash_at=note)
    assert done.status == "succeeded", done.exception
    assert done.result == {
        "action": "cancel", "dry_run": False, "matched": COUNT, "done": COUNT, "refused": 0,
        "examples": [],
    }  # fmt: skip
    assert services.waiting == []
    assert sum(services.cancelled.values()) <= COUNT + 1, "at most the one in hand again"

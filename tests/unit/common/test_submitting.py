"""A backend's submit whose answer got lost is the same request again: one task, not two."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from uuid import UUID

import pytest

import milepost

REQUESTS = list[dict[str, Any]]()


class Forgetful(BaseHTTPRequestHandler):
    """Takes each task, and answers none but every second request."""

    def do_POST(self) -> None:
        """Take it, hang up; or take it and answer."""
        REQUESTS.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        if len(REQUESTS) % 2:
            self.close_connection = True
            return
        body = REQUESTS[-1] | {"title": "X", "status": "queued", "revision": "r"}
        self.send_response(201)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(autouse=True)
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    REQUESTS.clear()
    server = HTTPServer(("127.0.0.1", 0), Forgetful)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    monkeypatch.setenv("MILEPOST_SECRET", "a-secret-for-tests-that-has-forty-letters")
    monkeypatch.setenv("MILEPOST_SUBMIT_URL", f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def one_task_asked_for_twice(handle: milepost.TaskHandle) -> None:
    first, second = REQUESTS
    assert first == second
    assert (handle.id, UUID(handle.id).version) == (first["id"], 7)
    assert (first["type"], first["owner"], first["params"]) == ("shop.print", "bob", {"copies": 2})


def test_the_id_is_made_here_and_stays_the_same_when_an_answer_is_lost():
    one_task_asked_for_twice(milepost.submit("shop.print", {"copies": 2}, owner="bob"))


async def test_for_asyncio_too():
    one_task_asked_for_twice(await milepost.asubmit("shop.print", {"copies": 2}, owner="bob"))


def test_a_definition_submits_what_its_function_takes():
    @milepost.task("shop.print")
    def printing(copies: int) -> None:
        """Print."""

    one_task_asked_for_twice(printing.submit(copies=2, owner="bob"))

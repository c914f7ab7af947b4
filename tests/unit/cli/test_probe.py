"""Whether a container says how it is: by what listens in it."""

import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from milepost_cli import probe
from valkey_server import free_port

Serve = Callable[[dict[str, tuple[int, str]]], int]
READY = (200, '{"checks": {"redis": "ok"}}')
AWAY = (503, '{"checks": {"redis": "Connection refused", "database": "ok"}}')


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Generator[Serve]:
    """Serve answers by path, at a port of its own; what is not among them is not found."""
    servers: list[ThreadingHTTPServer] = []

    def start(answers: dict[str, tuple[int, str]]) -> int:
        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = answers.get(self.path, (404, ""))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server.server_port

    monkeypatch.delenv("MILEPOST_METRICS_PORT", raising=False)
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("service", ["submit", "notify"])
def test_a_service_that_is_ready_is_well(service: str, serve: Serve) -> None:
    assert probe.run(serve({f"/api/{service}/readyz": READY})) == 0


def test_what_is_missing_is_said_by_name(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    assert probe.run(serve({"/api/notify/readyz": AWAY})) == 1
    assert capsys.readouterr().out == "/api/notify/readyz: redis: Connection refused\n"


def test_a_program_without_an_api_is_asked_where_its_metrics_are(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILEPOST_METRICS_PORT", str(serve({"/readyz": READY})))
    assert probe.run(free_port()) == 0
    monkeypatch.setenv("MILEPOST_METRICS_PORT", str(serve({"/readyz": AWAY})))
    assert probe.run(free_port()) == 1


def test_where_nothing_listens_nothing_is_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILEPOST_METRICS_PORT", str(free_port()))
    assert probe.run(free_port()) == 1
    assert capsys.readouterr().out == "nothing listens here\n"


def test_an_answer_in_no_words_counts_as_what_it_is(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    assert probe.run(serve({"/api/submit/readyz": (500, "oops")})) == 1
    assert capsys.readouterr().out == "/api/submit/readyz: status 500\n"

"""The real server: bodies that are too large, proxies, headers, and its end."""

import json
import signal

import httpx
import pytest

from milepost.errors import ConfigurationError
from milepost_service.serve import listen
from service_process import Start, conversation

MAX = 1024 * 1024


def test_a_client_that_declares_too_much_gets_its_413_though_it_has_sent_it_all(
    start: Start,
) -> None:
    _, url = start()
    body = b'{"text": "' + b"x" * (4 * MAX) + b'"}'
    for content in (body, iter([body[:MAX], body[MAX:]])):  # declared, and chunked
        answer = httpx.post(
            f"{url}/api/x/echo", content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


def test_after_a_413_the_connection_serves_the_next_request_or_is_closed(start: Start) -> None:
    _, url = start()
    headers = {"Content-Type": "application/json"}
    with httpx.Client(base_url=url) as client:
        for _ in range(3):
            answer = client.post("/api/x/echo", content=b"x" * (2 * MAX), headers=headers)
            assert answer.status_code == 413
            assert client.post("/api/x/echo", json={"text": "abc"}).json() == 3


def test_what_is_no_http_is_refused_and_harms_nobody(start: Start) -> None:
    _, url = start()
    for nonsense in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /api/x/echo HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/x/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /api/x/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ):
        assert b" 500 " not in conversation(url, nonsense)
    assert httpx.get(f"{url}/api/x/livez").status_code == 200


@pytest.mark.parametrize(
    ("trusted", "seen"),
    [("127.0.0.1", ["https", "203.0.113.9"]), ("", ["http", "127.0.0.1"]),
     ("203.0.113.1", ["http", "127.0.0.1"])],
)  # fmt: skip
def test_only_trusted_proxies_say_who_is_behind_them(
    start: Start, trusted: str, seen: list[str]
) -> None:
    _, url = start(trusted)
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    assert httpx.get(f"{url}/api/x/who", headers=headers).json() == seen


def test_the_server_does_not_say_what_it_is(start: Start) -> None:
    _, url = start()
    answer = httpx.get(f"{url}/api/x/livez")
    assert "server" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_even_with_a_connection_open(
    start: Start, number: signal.Signals
) -> None:
    process, url = start()
    with httpx.Client(base_url=url) as client:
        client.get("/api/x/livez")
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert out == "stopped\n"
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with listen("127.0.0.1", 0) as sock:
        with pytest.raises(ConfigurationError, match="--port") as refused:
            listen("127.0.0.1", sock.getsockname()[1])
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "sent",
    [
        b"BREW /api/x/who HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/x/echo HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST /api/x/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_request_is_answered_with_a_problem_document_too(
    start: Start, sent: bytes
) -> None:
    _, url = start()
    head, _, body = conversation(url, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["type"] == "urn:milepost:not-http"

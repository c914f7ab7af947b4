"""How large a request may be and how long it may take, over real connections: a problem document
for each, and nobody else notices."""

import contextlib
import json
import socket
import time
from typing import Any

import httpx
import pytest

from service_process import Start, connected, conversation, rest

ECHO = b"POST /api/x/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GET = b"GET /api/x/livez HTTP/1.1\r\nHost: x\r\n"
LAST = b"Connection: close\r\n\r\n"


def problem(answer: bytes, status: int) -> dict[str, Any]:
    """The one problem document that was answered."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert b"content-type: application/problem+json" in head
    found = json.loads(body)
    assert found["status"] == status
    return found


def address_of(bytes_: int) -> bytes:
    """A request whose address has so many bytes."""
    address = b"/api/x/livez?" + b"x" * (bytes_ - 13)
    return b"GET " + address + b" HTTP/1.1\r\nHost: x\r\n" + LAST


def test_an_address_has_a_largest_size(start: Start) -> None:
    _, url = start(max_url_bytes=1000)
    assert b" 200 " in conversation(url, address_of(1000))
    assert problem(conversation(url, address_of(1001)), 414)["type"] == "urn:milepost:long-url"


def headers_of(bytes_: int, count: int = 1) -> bytes:
    """A request whose headers have so many bytes in all, in `count` besides two."""
    least = len(b"Hostx" + b"Connectionclose") + 2 * count
    each = [b"%02d: %b\r\n" % (number, b"x") for number in range(count - 1)]
    left = bytes_ - least - len(each)
    return GET + b"".join(each) + b"%02d: %b\r\n" % (count, b"y" * left) + LAST


def test_headers_have_a_largest_size_and_number(start: Start) -> None:
    _, url = start(max_header_bytes=2000)
    assert b" 200 " in conversation(url, headers_of(2000))
    assert b" 200 " in conversation(url, headers_of(2000, 98))
    found = problem(conversation(url, headers_of(2001)), 431)
    assert found["type"] == "urn:milepost:large-headers"
    problem(conversation(url, headers_of(2000, 99)), 431)


def test_a_header_without_end_is_refused_before_it_fills_the_memory(start: Start) -> None:
    _, url = start(max_header_bytes=2000)
    with connected(url) as sock:
        sock.sendall(GET + b"X: ")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 500_000_000:
                sent += sock.send(b"x" * 10_000)
    assert sent < 200_000_000
    assert httpx.get(f"{url}/api/x/livez").status_code == 200


def test_trailers_count_as_headers(start: Start) -> None:
    _, url = start(max_header_bytes=2000)
    body = ECHO + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    trailers = b"".join(b"T%03d: %b\r\n" % (number, b"t" * 100) for number in range(50))
    assert b" 431 " in conversation(url, body + trailers + b"\r\n")


def test_many_requests_in_one_piece_are_many_small_ones(start: Start) -> None:
    _, url = start(max_header_bytes=1024, max_url_bytes=256)
    requests = (GET + b"\r\n") * 1000
    with connected(url) as sock:
        sock.sendall(requests + GET + LAST)
        assert rest(sock).count(b"HTTP/1.1 200 OK") == 1001


def dribble(url: str, begin: bytes, byte: bytes) -> tuple[bytes, float]:
    """Send a beginning, then byte by byte for ever; the answer, and how long it took to come."""
    with connected(url) as sock:
        began = time.monotonic()
        sock.sendall(begin)
        sock.settimeout(0.1)
        while time.monotonic() - began < 20:
            with contextlib.suppress(TimeoutError):
                return rest_of(sock, sock.recv(65536)), time.monotonic() - began
            with contextlib.suppress(ConnectionError):
                sock.sendall(byte)
    raise AssertionError("never answered")


def rest_of(sock: socket.socket, got: bytes) -> bytes:
    sock.settimeout(10)
    return got + (rest(sock) if got else b"")


@pytest.mark.parametrize(
    ("begin", "byte"),
    [(b"", b"G"), (b"", b"\r\n"), (b"GET /", b"x"), (GET, b"X: y\r\n"), (GET + b"X: ", b"x")],
    ids=["nonsense", "line breaks", "address", "headers", "one header"],
)
def test_a_head_that_comes_slowly_is_not_waited_for(
    start: Start, begin: bytes, byte: bytes
) -> None:
    _, url = start(head_seconds=1)
    answer, seconds = dribble(url, begin, byte)
    if byte != b"G":  # that is no method: 400 at once
        assert problem(answer, 408)["type"] == "urn:milepost:slow-request"
        assert 0.9 < seconds < 15
    assert httpx.get(f"{url}/api/x/livez").status_code == 200


def test_who_connects_and_says_nothing_is_not_waited_for(start: Start) -> None:
    _, url = start(head_seconds=1)
    with connected(url) as sock:
        began = time.monotonic()
        said = rest(sock)
        assert 0.9 < time.monotonic() - began < 15
    assert not said or b" 408 " in said


def test_line_breaks_between_requests_do_not_keep_a_connection(start: Start) -> None:
    _, url = start(head_seconds=1)
    with connected(url) as sock:
        sock.sendall(GET + b"\r\n")
        answer = b""
        while not answer.endswith(b'{"status":"ok"}'):
            answer += sock.recv(65536)
        began = time.monotonic()
        sock.settimeout(0.1)
        while time.monotonic() - began < 20:
            with contextlib.suppress(TimeoutError):
                assert b" 408 " in sock.recv(65536)
                return
            sock.sendall(b"\r\n")
    raise AssertionError("kept")


@pytest.mark.parametrize(
    ("begin", "byte"),
    [(b"Content-Length: 5000\r\n\r\n", b" "),
     (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
     (b"Transfer-Encoding: chunked\r\n\r\n1;", b"x")],
    ids=["declared", "chunked", "chunk extension"],
)  # fmt: skip
def test_a_body_that_comes_slowly_is_not_waited_for(
    start: Start, begin: bytes, byte: bytes
) -> None:
    _, url = start(body_seconds=1)
    answer, seconds = dribble(url, ECHO + begin, byte)
    assert problem(answer, 408)["type"] == "urn:milepost:slow-request"
    assert 0.9 < seconds < 15
    assert httpx.get(f"{url}/api/x/livez").status_code == 200


def test_a_large_body_may_take_longer(start: Start) -> None:
    _, url = start(body_seconds=1)
    body = json.dumps({"text": "x" * 100_000}).encode()
    with connected(url) as sock:
        sock.sendall(ECHO + b"Content-Length: %d\r\n" % len(body) + LAST)
        began = time.monotonic()
        for start_ in range(0, len(body), 4000):  # 40 kB/s: two and a half seconds
            sock.sendall(body[start_ : start_ + 4000])
            time.sleep(0.1)  # the pace is what is tested
        answer = rest(sock)
    assert time.monotonic() - began > 2
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_body_that_nobody_wants_ends_too(start: Start) -> None:
    _, url = start(body_seconds=1)
    _, seconds = dribble(
        url, b"GET /api/x/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n", b"x"
    )
    assert seconds < 15


def test_the_answer_of_a_request_is_not_disturbed_by_the_next_one(start: Start) -> None:
    """What stands on the wire is the first answer or nothing, never another's."""
    _, url = start(head_seconds=1)
    answer = conversation(url, b"GET /api/x/slow HTTP/1.1\r\nHost: x\r\n\r\nGET /too-slow")
    assert answer in (b"",) or answer.startswith(b"HTTP/1.1 200 ")


def test_a_full_house_lets_go_whom_it_serves_least(start: Start) -> None:
    _, url = start(max_connections=5)
    idle = [connected(url) for _ in range(5)]
    assert httpx.get(f"{url}/api/x/livez").status_code == 200
    assert httpx.get(f"{url}/api/x/livez").status_code == 200
    gone = 0
    for sock in idle:
        sock.settimeout(0.5)
        try:
            gone += sock.recv(1) == b""
        except TimeoutError:
            pass
        except ConnectionError:
            gone += 1
        sock.close()
    assert 1 <= gone <= 2


def test_a_house_full_of_busy_ones_says_so(start: Start) -> None:
    _, url = start(max_connections=2)
    busy = [connected(url) for _ in range(2)]
    for sock in busy:
        sock.sendall(b"GET /api/x/held HTTP/1.1\r\nHost: x\r\n" + LAST)
        assert b" 200 " in sock.recv(65536)
    with connected(url) as sock:
        answer = rest(sock)
    assert b"retry-after: 1" in answer
    assert problem(answer, 503)["type"] == "urn:milepost:busy"
    for sock in busy:
        assert b"done" in rest(sock)
        sock.close()
    assert httpx.get(f"{url}/api/x/livez").status_code == 200


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: b\r\n", b"Host: a\r\nhost: a\r\n"])
def test_a_request_names_one_host(start: Start, hosts: bytes) -> None:
    _, url = start()
    sent = b"GET /api/x/livez HTTP/1.1\r\n" + hosts + LAST
    assert problem(conversation(url, sent), 400)["type"] == "urn:milepost:not-http"
    assert b" 200 " in conversation(url, b"GET /api/x/livez HTTP/1.0\r\n\r\n")


def test_what_no_application_answers_has_its_headers_too(start: Start) -> None:
    _, url = start(public_url="https://tasks.example")
    answer = conversation(url, b"nonsense\r\n\r\n")
    problem(answer, 400)
    for header in (b"nosniff", b"default-src 'none'", b"referrer-policy", b"max-age=31536000"):
        assert header in answer

"""Bodies of all clients together, and bodies that are not what they seem, over real connections."""

import gzip
import json
import time

import httpx

from service_process import Start, connected, rest

ECHO = b"POST /api/x/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
JSON = {"Content-Type": "application/json"}


def test_bodies_that_are_read_have_a_size_together(start: Start) -> None:
    _, url = start(max_bodies_bytes=100_000)
    large = json.dumps({"text": "x" * 60_000})

    def sent() -> httpx.Response:
        return httpx.post(f"{url}/api/x/echo", content=large, headers=JSON)

    def until(status: int) -> httpx.Response:
        deadline = time.monotonic() + 10
        while (answer := sent()).status_code != status:
            assert time.monotonic() < deadline, answer.text
        return answer

    with connected(url) as sock:
        sock.sendall(ECHO + b"Content-Length: 60000\r\n\r\n" + b" " * 59_000)
        refused = until(503)  # once what came has been read
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["type"] == "urn:milepost:busy"
        assert httpx.post(f"{url}/api/x/echo", json={"text": "abc"}).json() == 3
    assert until(200).json() == 60_000  # it has left: there is room again


def test_what_was_refused_takes_no_room(start: Start) -> None:
    _, url = start(max_bodies_bytes=100_000, max_body_bytes=90_000)
    for content in (b"x" * 80_000, b"x" * 95_000):  # not JSON, and too large
        for _ in range(5):
            answer = httpx.post(f"{url}/api/x/echo", content=iter([content]), headers=JSON)
            assert answer.status_code in (400, 413)
    answer = httpx.post(f"{url}/api/x/echo", json={"text": "x" * 60_000})
    assert answer.json() == 60_000


def test_nothing_is_ever_decompressed(start: Start) -> None:
    _, url = start()
    bomb = gzip.compress(b'{"text": "' + b"0" * 50_000_000 + b'"}')
    for encoding in ("gzip", "GZIP", "deflate", "br", "identity, gzip"):
        headers = JSON | {"Content-Encoding": encoding}
        answer = httpx.post(f"{url}/api/x/echo", content=bomb, headers=headers)
        assert answer.status_code == 415
        assert answer.headers["accept-encoding"] == "identity"
        assert answer.json()["type"] == "urn:milepost:encoded"
    headers = {"Content-Encoding": "identity"}
    assert httpx.post(f"{url}/api/x/echo", json={"text": "a"}, headers=headers).json() == 1


def test_a_transfer_encoding_that_hides_a_size_is_no_way_in(start: Start) -> None:
    _, url = start()
    for hidden in (b"gzip", b"gzip, chunked", b"chunked, chunked", b"identity"):
        with connected(url) as sock:
            head = ECHO + b"Connection: close\r\nTransfer-Encoding: " + hidden
            sock.sendall(head + b"\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
            sock.shutdown(1)
            answer = rest(sock)
        assert b" 500 " not in answer
        assert b" 200 " not in answer


def test_a_body_is_nested_so_deep_and_no_deeper(start: Start) -> None:
    _, url = start(max_json_depth=5)

    def sent(depth: int) -> httpx.Response:
        return httpx.post(f"{url}/api/x/echo", content="[" * depth + "]" * depth, headers=JSON)

    assert sent(6).status_code == 400
    assert "nested deeper than 5 levels" in sent(6).json()["detail"]
    assert "nested" not in sent(5).text

"""Both services under one address, as an Ingress has them; it refuses streams, as some do."""

import http.client
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

Others = Mapping[str, Callable[[bytes], bytes]]
"""What is answered here, by its path: from the body of a POST to the body of a 200."""
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "host"}
_SECONDS = 30


@contextmanager
def one_origin(
    submit: str,
    notify: str,
    *,
    headers: Mapping[str, str] | None = None,
    others: Others | None = None,
) -> Generator[str]:
    """The address, while it lasts.

    Args:
        headers: put into every request in place of its own, as they are then: a browser's cookie.
        others: see `Others`.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if own := (others or {}).get(self.path):
                return self._answer(200, {"Content-Type": "application/json"}, own(body))
            if self.path.partition("?")[0].endswith("/stream"):
                return self._answer(404, {}, b"")
            to = urlsplit(submit if self.path.startswith("/api/submit/") else notify)
            sent = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
            for name, value in (headers or {}).items():
                sent = {k: v for k, v in sent.items() if k.lower() != name.lower()} | {name: value}
            connection = http.client.HTTPConnection(to.hostname or "", to.port, timeout=_SECONDS)
            try:
                connection.request(self.command, self.path, body or None, sent)
                answer = connection.getresponse()
                return self._answer(answer.status, dict(answer.getheaders()), answer.read())
            except (OSError, http.client.HTTPException):
                return self._answer(502, {}, b"")  # nobody there just now
            finally:
                connection.close()

        def _answer(self, status: int, sent: Mapping[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in sent.items():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _pass_on

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

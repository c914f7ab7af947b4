"""A page of another origin that embeds the elements, with an endpoint of its own for tokens."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ForeignPage:
    """Serves one HTML page at `/`, its script at `/page.js`, and tokens at `/token`."""

    def __init__(self) -> None:
        self.html = ""
        self.script = ""
        self.policy = ""
        self.mint: Callable[[], str] = lambda: ""
        self.tokens_given = 0
        page = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                """Answer with what the path names."""
                kind, body = "text/html; charset=utf-8", page.html
                if self.path == "/page.js":
                    kind, body = "text/javascript", page.script
                elif self.path == "/token":
                    page.tokens_given += 1
                    kind, body = "text/plain", page.mint()
                data = body.encode()
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                if page.policy:
                    self.send_header("Content-Security-Policy", page.policy)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

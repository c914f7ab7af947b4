"""A real OTLP/HTTP receiver for tests: keeps the spans it is sent, or says nothing."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Received:
    """One span as it was sent."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    """Empty for the first of a trace."""
    links: frozenset[str]
    """`trace-span` of each."""
    about: dict[str, Any]
    began: int
    """Nanoseconds since the epoch."""
    ended: int
    has_failed: bool


@dataclass
class Receiver:
    """What has come so far, whoever sent it."""

    port: int = 0
    spans: list[Received] = field(default_factory=list[Received])
    answers: threading.Event = field(default_factory=threading.Event)
    """Cleared: connections are taken, and nothing is answered."""

    @property
    def url(self) -> str:
        """What is named as OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self.port}"

    def found(self, name: str, **about: Any) -> list[Received]:
        """The spans of this name with these attributes."""
        return [
            each for each in self.spans if each.name == name and about.items() <= each.about.items()
        ]

    def take_in(self, body: bytes) -> None:
        """Decode one export."""
        request = ExportTraceServiceRequest.FromString(body)
        for group in request.resource_spans:
            of = {each.key: each.value.string_value for each in group.resource.attributes}
            for scope in group.scope_spans:
                for span in scope.spans:
                    about = {
                        each.key: getattr(
                            each.value, each.value.WhichOneof("value") or "bool_value"
                        )
                        for each in span.attributes
                    }
                    links = frozenset(
                        f"{link.trace_id.hex()}-{link.span_id.hex()}" for link in span.links
                    )
                    self.spans.append(
                        Received(
                            of.get("service.name", ""), span.name, span.trace_id.hex(),
                            span.span_id.hex(), span.parent_span_id.hex(), links, about,
                            span.start_time_unix_nano, span.end_time_unix_nano,
                            span.status.code == 2,
                        )
                    )  # fmt: skip


@contextmanager
def receiving(
    host: str = "127.0.0.1", port: int = 0, spans: list[Received] | None = None
) -> Generator[Receiver]:
    """Receive until the end of the block, into `spans`; port 0: any that is free."""
    receiver = Receiver(spans=[] if spans is None else spans)
    receiver.answers.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.path == "/v1/traces"
            if not receiver.answers.wait(60):
                return
            receiver.take_in(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield receiver
    finally:
        receiver.answers.set()
        server.shutdown()
        server.server_close()

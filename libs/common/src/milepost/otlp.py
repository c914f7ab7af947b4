"""Owns sending spans to an OpenTelemetry collector by OTLP over HTTP. Imported for that alone.

The services and the worker depend on OpenTelemetry's SDK; `milepost` by itself does not bring it.
Spans wait in a bounded queue for a thread that sends them: when the collector is slow or away the
newest are dropped, and nobody waits.
"""

import logging
import os
import socket
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)

from milepost import traces
from milepost.errors import ConfigurationError
from milepost.tracing import Kind, Value

PATH = "/v1/traces"
EXPORT_SECONDS = 5.0
"""One export, with its repetitions; meanwhile spans wait."""
CLOSE_SECONDS = 2.0
"""For what is left at the end; a collector that is away keeps no process."""
MOST_LINKS = 100

_KINDS = {
    "server": SpanKind.SERVER,
    "consumer": SpanKind.CONSUMER,
    "internal": SpanKind.INTERNAL,
}
_log = logging.getLogger(__name__)


class _Running:
    """`tracing.Span` over OpenTelemetry's."""

    __slots__ = ("_span",)

    def __init__(self, span: otel.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        return _written(self._span.get_span_context())

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def note(self, name: str, value: Value) -> None:
        self._span.set_attribute(name, value)

    def failed(self, error_type: str) -> None:
        self._span.set_status(Status(StatusCode.ERROR))
        self._span.set_attribute("error.type", error_type)


class OtlpTracer:
    """See `tracing.Tracer`. OpenTelemetry's own variables count: OTEL_TRACES_SAMPLER,
    OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_HEADERS, ..._CERTIFICATE."""

    def __init__(self, endpoint: str, service: str) -> None:
        """Connect nowhere yet.

        Raises:
            ConfigurationError: the endpoint is no http or https URL.
        """
        about: dict[str, str | int] = {
            "service.instance.id": f"{socket.gethostname()}.{os.getpid()}",
            "process.pid": os.getpid(),
        }
        if "OTEL_SERVICE_NAME" not in os.environ:
            about["service.name"] = service
        exporter = _Watched(OTLPSpanExporter(endpoint=_address(endpoint), timeout=EXPORT_SECONDS))
        for name in ("opentelemetry.exporter", "opentelemetry.sdk"):  # `_Watched` says it once
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self.provider.get_tracer("milepost")

    @contextmanager
    def span(
        self, name: str, kind: Kind, parent: str | None, about: Mapping[str, Value]
    ) -> Generator[_Running]:
        """See `tracing.Tracer`."""
        before = _context(parent)
        span = self._tracer.start_span(name, before, _KINDS[kind], dict(about))
        token = otel_context.attach(otel.set_span_in_context(span, before))
        try:
            yield _Running(span)
        finally:
            otel_context.detach(token)
            span.end()

    def past(
        self,
        name: str,
        parent: str | None,
        from_ms: int,
        until_ms: int,
        about: Mapping[str, Value],
        *,
        links: Sequence[str] = (),
    ) -> str:
        """See `tracing.Tracer`."""
        to = [Link(found) for found in map(_read, links[:MOST_LINKS]) if found is not None]
        span = self._tracer.start_span(
            name, _context(parent), attributes=dict(about), links=to, start_time=from_ms * 1_000_000
        )
        span.end(max(from_ms, until_ms) * 1_000_000)
        return _written(span.get_span_context())

    def share(self) -> None:
        """Have spans that other code of this process makes sent as well."""
        otel.set_tracer_provider(self.provider)

    def close(self) -> None:
        """See `tracing.Tracer`."""
        last = threading.Thread(target=self.provider.shutdown, name="last spans", daemon=True)
        last.start()
        last.join(CLOSE_SECONDS)


class _Watched(SpanExporter):
    """Says once that a collector takes no spans, and once that it does again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._is_away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        is_away = result is not SpanExportResult.SUCCESS
        if is_away and not self._is_away:
            _log.warning("collector takes no spans", extra={"action": "trace"})
        elif self._is_away and not is_away:
            _log.info("collector takes spans again", extra={"action": "trace"})
        self._is_away = is_away
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _address(endpoint: str) -> str:
    """The traces' own address; a collector is named without its path."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            "MILEPOST_OTLP_ENDPOINT: not an address like http://collector:4318 (OTLP over HTTP)"
        )
    return endpoint if parts.path.endswith(PATH) else endpoint.rstrip("/") + PATH


def _context(parent: str | None) -> otel_context.Context:
    """A context with nothing in it but the parent."""
    empty, found = otel_context.Context(), _read(parent)
    return empty if found is None else otel.set_span_in_context(NonRecordingSpan(found), empty)


def _read(trace: str | None) -> SpanContext | None:
    if not traces.traceparent(trace):
        return None
    _, trace_id, span_id, flags = (trace or "").split("-")
    return SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16) & 1))


def _written(span: SpanContext) -> str:
    return traces.written(span.trace_id, span.span_id, span.trace_flags)

"""Owns which trace the code here runs in: of the request it answers, or of its caller's span."""

import sys
from contextvars import ContextVar
from typing import Any

from milepost.traces import written

here: ContextVar[str] = ContextVar("milepost_trace", default="")
"""Traceparent of the request that is answered here; empty for none."""


def header() -> dict[str, str]:
    """What has another service go on with that trace; nothing outside of any."""
    trace = here.get()
    return {"traceparent": trace} if trace else {}


def of_caller() -> str:
    """Traceparent of the OpenTelemetry span the caller is in; empty for none.

    A program that has not imported OpenTelemetry is in none.
    """
    api: Any = sys.modules.get("opentelemetry.trace")
    span = None if api is None else api.get_current_span().get_span_context()
    if span is None or not span.is_valid:
        return ""
    return written(span.trace_id, span.span_id, span.trace_flags)

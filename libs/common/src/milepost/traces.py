"""Owns what a traceparent is (W3C Trace Context, level 1). Pure: starts no trace, sends none."""

import re

_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_SAMPLED = 1


def traceparent(header: str | None) -> str | None:
    """The header's value if it is a valid traceparent; null otherwise: a bad one is no error."""
    return header if header and _FORM.fullmatch(header) else None


def is_sampled(trace: str | None) -> bool:
    """Whether whoever began a trace wants its spans; of none nobody does."""
    return bool(trace) and bool(int(trace[-2:], 16) & _SAMPLED)


def ids(trace: str | None) -> dict[str, str]:
    """A traceparent's `trace_id` and `span_id`, as log lines have them; nothing of none."""
    if not traceparent(trace):
        return {}
    _, trace_id, span_id, _ = (trace or "").split("-")
    return {"trace_id": trace_id, "span_id": span_id}


def written(trace_id: int, span_id: int, flags: int) -> str:
    """The traceparent of a span, by the numbers OpenTelemetry has."""
    return f"00-{trace_id:032x}-{span_id:016x}-{flags & _SAMPLED:02x}"

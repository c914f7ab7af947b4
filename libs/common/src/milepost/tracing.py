"""Owns what services and workers may do with spans. Without a collector there is no tracer."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from milepost.settings import Settings

Kind = Literal["server", "consumer", "internal"]
Value = str | int | float | bool


class Span(Protocol):
    """A span that goes on."""

    @property
    def traceparent(self) -> str:
        """For whatever is done because of it."""
        ...

    def rename(self, name: str) -> None:
        """Call it something else, once more is known."""
        ...

    def note(self, name: str, value: Value) -> None:
        """Say more about it."""
        ...

    def failed(self, error_type: str) -> None:
        """It did not do what it was for; of the error nothing but its type is said."""
        ...


class Tracer(Protocol):
    """Makes spans and sends them, in a thread of its own: no call waits for a collector."""

    def span(
        self, name: str, kind: Kind, parent: str | None, about: Mapping[str, Value]
    ) -> AbstractContextManager[Span]:
        """Be in a span until the end of the block, with OpenTelemetry's context on it, so that
        spans of other code are its children.

        Args:
            parent: a traceparent; null or empty begins a trace.
        """
        ...

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
        """Tell of something that is over; its traceparent. Times are since the epoch; `links` are
        traceparents of what it was done for."""
        ...

    def share(self) -> None:
        """Have spans that other code of this process makes sent as well."""
        ...

    def close(self) -> None:
        """Send what is left, within a bounded time."""
        ...


Open = Callable[[Settings, str], Tracer | None]


def open_tracer(settings: Settings, service: str) -> Tracer | None:
    """A tracer by OTLP_ENDPOINT; null without one: then nothing that sends spans is imported.

    Args:
        service: `submit`, `notify`, `projector` or `worker`; in traces `milepost-<service>`.

    Raises:
        ConfigurationError: the endpoint is of no use, or OpenTelemetry is not installed.
    """
    if settings.otlp_endpoint is None:
        return None
    from milepost.otlp import OtlpTracer

    return OtlpTracer(settings.otlp_endpoint, f"milepost-{service}")

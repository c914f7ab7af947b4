"""Owns what the way to a store means: who may read along, how far it is. Pure."""

from urllib.parse import urlsplit

from milepost_cli.doctor.finding import Finding

SLOW_MS = 5.0
"""A step of a task is a round trip, a projector's batch some ten."""


def of_transport(check: str, url: str) -> Finding:
    """Whether others can read along."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_near = host in ("localhost", "::1", "") or host.startswith("127.")
    is_secret = parts.scheme.startswith("rediss") or "sslmode=verify-full" in parts.query
    if is_secret:
        return Finding(check, "ok", "encrypted, and the server's name is verified")
    if is_near:
        return Finding(check, "ok", "on this machine, not encrypted")
    says = "not encrypted, or the server not verified: who is between reads tasks and passwords"
    remedy = "use rediss://" if parts.scheme.startswith("redis") else "add ?sslmode=verify-full"
    return Finding(check, "warn", says, f"{remedy}, unless the network is yours alone")


def of_distance(check: str, answer_ms: float) -> Finding:
    """Whether it is near enough."""
    says = f"{answer_ms:.1f} ms there and back from here"
    if answer_ms > SLOW_MS:
        return Finding(
            check, "warn", says, "run Milepost beside it: every step of a task is such a trip"
        )
    return Finding(check, "ok", says)

"""Owns what a traceparent is (W3C Trace Context, level 1): checks its form, starts no trace."""

import re

_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def traceparent(header: str | None) -> str | None:
    """The header's value if it is a valid traceparent; null otherwise: a bad one is no error."""
    return header if header and _FORM.fullmatch(header) else None

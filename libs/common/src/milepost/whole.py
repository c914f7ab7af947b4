"""Owns what a whole number is in JSON Schema: `5.0` is one too. Reads no request."""

from pydantic import BeforeValidator


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Behind the bounds of a strict `int`."""

"""Owns the base of request bodies: models that coerce nothing. Reads no request."""

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Body(BaseModel):
    """A JSON object from a client: no unknown fields, no text for numbers, no bool for int."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Behind the bounds of an `int`: `5.0` is a whole number too, as JSON Schema has it."""

"""Owns the base of request bodies: models that coerce nothing. Reads no request."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A JSON object from a client: no unknown fields, no text for numbers, no bool for int."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

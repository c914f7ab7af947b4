"""Owns the list of what notify's endpoints work with. Makes none of it."""

from dataclasses import dataclass

from fastapi import Request

from milepost_notify.operators import Operators
from milepost_notify.owned import Queries
from milepost_notify.places import Places


@dataclass(frozen=True, slots=True)
class Parts:
    """What `main` has wired."""

    queries: Queries
    places: Places
    operators: Operators


def parts_of(request: Request) -> Parts:
    """What this application works with."""
    return request.app.state.parts

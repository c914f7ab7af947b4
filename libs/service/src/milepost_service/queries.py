"""Owns what a request may ask behind `?`: what its endpoint knows, each once. Reads no values.

A name that is not known is a typing error more often than not, and what is asked twice would be
answered as if it had been asked once.
"""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams

from milepost.problems import MAX_ERRORS, FieldError, HttpProblem, field_error


class StrictQueryRoute(APIRoute):
    """A route that takes no parameters but its own."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handle = super().get_route_handler()
        known = frozenset(_names(self.dependant))

        async def strict(request: Request) -> Response:
            if request.scope["query_string"]:
                _check(request.query_params, known)
            return await handle(request)

        return strict


def _check(sent: QueryParams, known: frozenset[str]) -> None:
    errors, seen = list[FieldError](), set[str]()
    for name, _ in sent.multi_items():
        if name not in known:
            errors.append(field_error(["query", name], "no such parameter"))
        elif name in seen:
            errors.append(field_error(["query", name], "sent more than once"))
        seen.add(name)
    if errors:
        raise HttpProblem(422, "invalid", "Not what this call takes", errors=errors[:MAX_ERRORS])


def _names(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for each in dependant.dependencies:
        yield from _names(each)

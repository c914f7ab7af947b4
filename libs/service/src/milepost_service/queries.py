"""Owns what a request may ask behind `?`: what its endpoint knows, each once. Reads no values.

A name that is not known is a typing error more often than not, and what is asked twice would be
answered as if it had been asked once.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, cast

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase
from starlette.datastructures import QueryParams

from milepost.problems import MAX_ERRORS, FieldError, HttpProblem, field_error


class StrictQueryRoute(APIRoute):
    """A route that takes no parameters but its own."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handle = super().get_route_handler()
        known = frozenset(_names(self.dependant))
        guards = [each.call for each in self.dependant.dependencies]
        guards = [each for each in guards if isinstance(each, SecurityBase)]

        async def strict(request: Request) -> Response:
            errors = _errors(request.query_params, known) if request.scope["query_string"] else []
            if errors:
                for guard in guards:  # who may not ask at all hears that first: 401, 403
                    await cast(Callable[[Request], Awaitable[object]], guard)(request)
                title = "Not what this call takes"
                raise HttpProblem(422, "invalid", title, errors=errors[:MAX_ERRORS])
            return await handle(request)

        return strict


def _errors(sent: QueryParams, known: frozenset[str]) -> list[FieldError]:
    errors, seen = list[FieldError](), set[str]()
    for name, _ in sent.multi_items():
        if name not in known:
            errors.append(field_error(["query", name], "no such parameter"))
        elif name in seen:
            errors.append(field_error(["query", name], "sent more than once"))
        seen.add(name)
    return errors


def _names(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for each in dependant.dependencies:
        yield from _names(each)

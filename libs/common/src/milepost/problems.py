"""Owns problem details (RFC 9457): what an error answer of ours looks like. Knows no framework."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypedDict

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20
_MAX_NAME_CHARS = 100
_MAX_MESSAGE_CHARS = 200


class FieldError(TypedDict):
    """One thing wrong with what was sent."""

    loc: list[str | int]
    """Where: `["body", "params", "to", 0]`."""
    msg: str


class ProblemDetails(TypedDict, total=False):
    """The body of every answer of 400 and above under /api."""

    type: str
    """urn:milepost:<slug>; stable, for programs."""
    title: str
    status: int
    detail: str
    errors: list[FieldError]


def problem(
    status: int,
    slug: str,
    title: str,
    detail: str = "",
    errors: Sequence[FieldError] | None = None,
) -> ProblemDetails:
    """Build a problem document; `errors` stands in it for 422 and refused batches."""
    body = ProblemDetails(
        type=f"urn:milepost:{slug}", title=title, status=status, detail=detail or title
    )
    if errors is not None:
        body["errors"] = list(errors)
    return body


def field_errors(errors: Iterable[Mapping[str, Any]]) -> list[FieldError]:
    """Errors as pydantic tells them as ours, at most 20: where and what, never the value itself."""
    return [field_error(error["loc"], str(error["msg"])) for error in islice(errors, MAX_ERRORS)]


def field_error(loc: Iterable[str | int], msg: str) -> FieldError:
    """One error; names that clients chose are cut, so that no answer grows with them."""
    parts = [part[:_MAX_NAME_CHARS] if isinstance(part, str) else part for part in loc]
    return FieldError(loc=parts, msg=msg[:_MAX_MESSAGE_CHARS])


class HttpProblem(Exception):  # it is an answer, not a fault
    """Raise to answer with a problem document and headers."""

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str = "",
        *,
        errors: Sequence[FieldError] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {slug}: {detail or title}")
        self.status = status
        self.body = problem(status, slug, title, detail, errors)
        self.headers: dict[str, str] = headers or {}

    def as_dict(self) -> dict[str, Any]:
        """The body as a plain dict."""
        return dict(self.body)

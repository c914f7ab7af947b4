"""Owns problem details (RFC 9457): what an error answer of ours looks like. Knows no framework."""

from collections.abc import Sequence
from typing import Any, TypedDict

MEDIA_TYPE = "application/problem+json"


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

"""Owns problem documents as responses, and what OpenAPI says of them. Decides on none."""

from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from milepost.problems import MEDIA_TYPE, ProblemDetails


def answer(body: ProblemDetails, headers: dict[str, str] | None = None) -> Response:
    """Make the response of a problem document."""
    status = body.get("status", 500)
    return JSONResponse(dict(body), status, headers, MEDIA_TYPE)


PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "ProblemDetails",
    "description": "Problem details (RFC 9457)",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "urn:milepost:<slug>"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["loc", "msg"],
                "properties": {
                    "loc": {"type": "array", "items": {}},
                    "msg": {"type": "string"},
                },
            },
        },
    },
}
"""The component `ProblemDetails` of both documents."""

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": words,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }
    for status, words in (
        (400, "The body is not strict JSON"),
        (401, "No credentials, or bad ones"),
        (403, "The credentials do not allow it"),
        (404, "Not there, or another's"),
        (409, "Not in this state"),
        (413, "The body is too large"),
        (415, "The body is not sent as plain JSON"),
        (422, "What is wrong with it"),
        (429, "Too many: come again after `Retry-After`"),
        (503, "Not available just now: come again after `Retry-After`"),
    )
}
"""For `APIRouter(responses=...)`: what OpenAPI says of answers of 400 and above."""


def again(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the first answer, given again."""
    header = {"description": "`true`", "schema": {"const": "true"}}
    description = "Asked again: the first answer"
    return {
        200: {
            "description": description,
            "model": model,
            "headers": {"Idempotent-Replayed": header},
        }
    }

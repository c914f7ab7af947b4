"""Owns problem documents as responses, and what OpenAPI says of them. Decides on none."""

from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse

from milepost.problems import MEDIA_TYPE, ProblemDetails


def answer(body: ProblemDetails, headers: dict[str, str] | None = None) -> Response:
    """Make the response of a problem document."""
    status = body.get("status", 500)
    return JSONResponse(dict(body), status, headers, MEDIA_TYPE)


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": words,
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
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
            }
        },
    }
    for status, words in (("default", "A problem document"), (422, "What is wrong with it"))
}
"""For `APIRouter(responses=...)`: what OpenAPI says of answers of 400 and above."""

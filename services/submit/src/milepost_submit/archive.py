"""Owns asking notify for a task whose live state is gone. Sends nothing but the caller's own
credentials, and the trace of his request."""

from typing import Any

import httpx
from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError

from milepost.keys import Priority
from milepost.problems import HttpProblem
from milepost.trace_context import header
from milepost_service.sessions import SESSION_COOKIE
from milepost_submit.decisions import Original

TIMEOUT_SECONDS = 3.0


class _Record(BaseModel):
    """What submit needs of notify's task record."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    type: str
    title: str
    tags: list[str]
    priority: Priority
    status: str
    params: dict[str, Any]
    dismissed: bool


class Archive:
    """Notify's API, as its callers see it."""

    def __init__(self, notify_url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(
            base_url=notify_url,
            timeout=TIMEOUT_SECONDS,
            trust_env=False,  # between our own services no proxy stands by accident
            transport=transport,
        )

    async def find(
        self, task_id: str, request: Request, owner: str | None, *, as_operator: bool = False
    ) -> Original | None:
        """The task as notify shows it to this caller; null when it shows none.

        Args:
            task_id: a checked UUID.
            owner: named by the caller, for applications' backends and operators.
            as_operator: whether the caller's scope `admin` is what lets him see it.

        Raises:
            HttpProblem: 503 without an answer, 403 when the credentials do not suffice to read.
        """
        query = {} if owner is None else {"owner": owner}
        try:
            answer = await self._client.get(
                f"/api/notify{'/admin' * as_operator}/tasks/{task_id}",
                params=query,
                headers=_credentials(request) | header(),
            )
            if answer.status_code == 404:
                return None
            if answer.status_code in (401, 403):
                raise HttpProblem(403, "forbidden", "These credentials may not read this task")
            answer.raise_for_status()
            record = _Record.model_validate_json(answer.content)
        except (httpx.HTTPError, ValidationError) as err:
            raise HttpProblem(
                503,
                "unavailable",
                "The archive is not available just now",
                "Try again in a moment.",
                headers={"Retry-After": "1"},
            ) from err
        return Original(
            id=task_id,
            status=record.status,
            type=record.type,
            title=record.title,
            tags=tuple(record.tags),
            priority=record.priority,
            params=record.params,
            dismissed=record.dismissed,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()


def _credentials(request: Request) -> dict[str, str]:
    bearer = request.headers.get("authorization")
    if bearer is not None:
        return {"Authorization": bearer}
    return {"Cookie": f"{SESSION_COOKIE}={request.cookies.get(SESSION_COOKIE, '')}"}

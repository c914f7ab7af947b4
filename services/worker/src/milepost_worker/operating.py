"""Owns what a bulk task asks the services as an operator, with short tokens. Decides nothing."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import httpx

from milepost.bulk import Action
from milepost.errors import Fail, Retry
from milepost.running import RunningTask
from milepost.settings import Settings
from milepost.tokens import mint

ANSWER_SECONDS = 30.0
TOKEN_SECONDS = 60.0
AGAIN_SECONDS = 2.0
MOST_PAUSES, MOST_PAUSE_SECONDS = 30, 5.0
"""Of an operator who is asked to come slower."""
PAGE = 100


class Target(NamedTuple):
    """One task to act on."""

    owner: str
    id: str
    before: str
    """Its place: those older than it are asked for with this."""
    letter: str | None = None
    """Its dead letter, to redrive."""


Outcome = Literal["done", "absent"] | str
"""`done`; `absent`: there is no such dead letter (any more); else why it was refused."""


class Operating:
    """The operators' endpoints, for the owner of the running task."""

    def __init__(self, running: RunningTask, settings: Settings) -> None:
        settings.require_secret()
        self._running, self._settings = running, settings
        options: dict[str, Any] = {"timeout": ANSWER_SECONDS, "trust_env": False}
        self._notify = httpx.Client(base_url=settings.notify_url, **options)
        self._submit = httpx.Client(base_url=settings.submit_url, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._notify.close()
        self._submit.close()

    def tasks(self, query: Mapping[str, Any], before: str | None) -> dict[str, Any]:
        """A page of everybody's tasks, newest first."""
        params = {**query, "limit": PAGE, **({"before": before} if before else {})}
        return self._ask(self._notify, "GET", "/api/notify/admin/tasks", params=params).json()

    def letters(self) -> dict[tuple[str, str], str]:
        """Dead letters that name a task: (owner hash, task id) -> letter."""
        found = self._ask(self._notify, "GET", "/api/notify/admin/dead-letters").json()
        return {
            (each["owner_hash"], each["task"]): each["id"]
            for each in found["dead_letters"]
            if each["stream"] != "log" and each["task"] and each["owner_hash"]
        }

    def act(self, action: Action, target: Target) -> Outcome:
        """Do it to one task. Repeatable: a retry makes one new task however often it is asked."""
        if action == "redrive":
            return self._redrive(target)
        headers = {"Idempotency-Key": f"bulk {self._running.id} {target.id}"}
        answer = self._ask(
            self._submit,
            "POST",
            f"/api/submit/admin/tasks/{target.id}/{action}",
            params={"owner": target.owner},
            headers=headers if action == "retry" else {},
        )
        return "done" if answer.is_success else answer.json().get("title", "refused")

    def _redrive(self, target: Target) -> Outcome:
        path, body = "/api/submit/admin/dead-letters/redrive", {"ids": [target.letter]}
        answer = self._ask(self._submit, "POST", path, json=body)
        (outcome,) = answer.json()["outcomes"]
        if outcome["done"]:
            return "done"
        return "absent" if outcome["reason"].startswith("there is no such") else outcome["reason"]

    def _ask(self, client: httpx.Client, method: str, path: str, **more: Any) -> httpx.Response:
        """
        Raises:
            Retry: no answer just now.
            Fail: it is not for this operator.
        """
        headers = {**self._headers(), **more.pop("headers", {})}
        for _ in range(MOST_PAUSES):
            try:
                answer = client.request(method, path, headers=headers, **more)
            except httpx.TransportError as err:
                raise Retry(after_seconds=AGAIN_SECONDS) from err
            if answer.status_code >= 500:
                raise Retry(after_seconds=AGAIN_SECONDS)
            if answer.status_code in (401, 403):
                raise Fail(f"Not allowed ({answer.status_code})", code="bulk_refused")
            if not _is_slow_down(answer):
                return answer
            asked = answer.headers.get("Retry-After", "1")
            pause = float(asked) if asked.isdecimal() else 1.0
            time.sleep(min(pause, MOST_PAUSE_SECONDS))  # the step is its own: nothing waits on it
            headers |= self._headers()
        raise Retry(after_seconds=AGAIN_SECONDS)

    def _headers(self) -> dict[str, str]:
        token = mint(
            self._running.owner,
            self._settings.secrets[0],
            now=time.time(),
            ttl_seconds=TOKEN_SECONDS,
            scopes=("admin",),
            audience=self._settings.jwt_audience,
            local=True,
            task=self._running.id,
        )
        headers = {"Authorization": f"Bearer {token}"}
        return headers | ({"traceparent": self._running.trace} if self._running.trace else {})


def _is_slow_down(answer: httpx.Response) -> bool:
    """Whether the operator asks too often; that an owner has too many tasks is an answer."""
    return answer.status_code == 429 and not answer.json().get("type", "").endswith(
        "too-many-tasks"
    )

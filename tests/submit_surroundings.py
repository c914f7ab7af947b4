"""What tests of submit stand it among: task types, a clock, notify, a look into the log."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from milepost import bulk
from milepost.codec import decode
from milepost.events import Event
from milepost.keys import PartitionKeys
from milepost.task_types import TaskType
from milepost_service.sessions import SESSION_COOKIE

SECRET = "a-secret-for-tests-that-has-forty-letters"
PARTITIONS = 3
ORIGIN = "http://milepost.test"

MAIL = TaskType(
    name="mail.send",
    title="Send mail",
    description="Sends mail",
    public=True,
    params_schema={
        "type": "object",
        "properties": {
            "to": {
                "type": "array",
                "items": {"type": "string", "format": "email"},
                "minItems": 1,
                "maxItems": 100,
            },
            "subject": {"type": "string"},
        },
        "required": ["to"],
        "additionalProperties": False,
    },
    quiet_after_seconds=30,
)
FREE = TaskType(
    name="free.form", title="Anything", queue="slow", public=True, params_schema={"type": "object"}
)
BULK = TaskType(
    name=bulk.TYPE, title="Bulk", queue=bulk.QUEUE, params_schema=bulk.Bulk.model_json_schema()
)
PRIVATE = TaskType(name="app.only", title="Backend", params_schema={"type": "object"})


@dataclass
class Clock:
    """Seconds since the epoch, by hand."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


@dataclass
class Notify:
    """What notify would answer: task id to record, or an exception to raise."""

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    failure: Exception | int | None = None
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self.failure, Exception):
            raise self.failure
        if self.failure is not None:
            return httpx.Response(self.failure)
        record = self.tasks.get(request.url.path.rpartition("/")[2])
        return httpx.Response(404) if record is None else httpx.Response(200, json=record)


@dataclass
class Log:
    """What stands in the log, over all partitions."""

    client: Any
    """Of redis-py, for all keys."""
    namespace: str

    def events(self) -> list[Event]:
        found: list[Event] = []
        for partition in range(PARTITIONS):
            rows: Any = self.client.xrange(PartitionKeys(self.namespace, partition).log)
            found += [decode(partition, entry, fields) for entry, fields in rows]
        return found

    def names(self) -> set[str]:
        """Every key there is."""
        return {key.decode() for key in self.client.scan_iter(f"*{self.namespace}*")}

    def end(self, task_id: str, status: str, **fields: str) -> None:
        """Set a task's live status, and other fields, as a worker's `finish` would."""
        for key in self.names():
            if key.endswith(f":{task_id}") and ":task:" in key:
                self.client.hset(key, mapping={"s": status, **fields})

    def forget(self, task_id: str) -> None:
        """Let a task's live state expire."""
        for key in self.names():
            if key.endswith(f":{task_id}") and ":task:" in key:
                self.client.unlink(key)


async def session_of(client: httpx.AsyncClient, username: str = "bob") -> str:
    """The cookie of somebody who has signed up and in, which the client forgets again."""
    account = {"username": username, "password": "correct horse battery"}
    await client.post("/api/submit/accounts", json=account)
    answer = await client.post("/api/submit/session", json=account)
    assert answer.status_code == 200, answer.text
    cookie = answer.cookies[SESSION_COOKIE]
    client.cookies.clear()
    return cookie


Bearer = Callable[..., dict[str, str]]
"""Makes the Authorization header of an owner; keywords as for `tokens.mint`."""

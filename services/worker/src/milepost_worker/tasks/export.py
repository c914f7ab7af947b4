"""Owns report.export: an owner's own tasks as a file, and a link to it. Knows no database.

The file lies nowhere: notify makes it of the history whenever the link is followed, the same bytes
each time (docs/adr/0041). It is made here once, to know that it can be, how large it is, and to
show how far it is.
"""

import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, ConfigDict, Field

from milepost.cursors import Cursor
from milepost.definitions import task
from milepost.errors import Fail, Retry
from milepost.exports import LINK_SECONDS, ROW_STARTS, Export, Format, ticket
from milepost.progress import Progress
from milepost.records import rfc3339
from milepost.running import RunningTask, current
from milepost.settings import Settings
from milepost.tokens import mint

ANSWER_SECONDS = 30.0
TOKEN_SECONDS = 60.0
AGAIN_SECONDS = 2.0


class Report(BaseModel):
    """What report.export shall make."""

    model_config = ConfigDict(extra="forbid")

    format: Annotated[Format, Field(description="csv for spreadsheets, json for programs")]


@task("report.export", title="Export of my tasks", public=True, max_attempts=5)
def export(report: Report, progress: Progress) -> dict[str, Any]:
    """Make a file of all your tasks; the result has a link to it, for you alone, for a day."""
    running, settings = current(), Settings.load()
    settings.require_secret()
    with httpx.Client(
        base_url=settings.notify_url,
        timeout=ANSWER_SECONDS,
        trust_env=False,  # between our own services no proxy stands by accident
    ) as client:
        expires_at = int(time.time()) + LINK_SECONDS
        until = _newest(client, running, settings)
        wanted = Export(running.owner, report.format, until, expires_at)
        path = f"/api/notify/exports/{ticket(wanted, settings.secrets[0])}"
        made = _make(client, path, report.format, running, settings, progress)
    base = (settings.public_url or "").rstrip("/")
    return {
        "url": f"{base}{path}",
        "expires_at": rfc3339(expires_at * 1000),
        "format": report.format,
        "tasks": made.tasks,
        "bytes": made.size,
        "sha256": made.digest,
    }


@dataclass(frozen=True, slots=True)
class _Made:
    tasks: int
    size: int
    digest: str


def _newest(client: httpx.Client, running: RunningTask, settings: Settings) -> Cursor:
    """The moment of the export: everything of the owner up to this task's own start."""
    answer = client.get(f"/api/notify/tasks/{running.id}", headers=_headers(running, settings))
    _check(answer)
    return Cursor.parse(answer.json()["revision"])


def _make(
    client: httpx.Client,
    path: str,
    form: Format,
    running: RunningTask,
    settings: Settings,
    progress: Progress,
) -> _Made:
    digest, size, seen, rest = sha256(), 0, 0, b""
    start = ROW_STARTS[form]
    with client.stream("GET", path, headers=_headers(running, settings)) as answer:
        _check(answer)
        total = int(answer.headers["milepost-task-count"])
        progress.report(done=0, total=total, message="exporting")
        for chunk in answer.iter_raw():
            digest.update(chunk)
            size += len(chunk)
            seen += (rest + chunk).count(start)
            rest = chunk[-1:] if chunk[-1:] == start[:1] else b""
            progress.report(done=min(seen, total), total=total)
    return _Made(total, size, digest.hexdigest())


def _check(answer: httpx.Response) -> None:
    """
    Raises:
        Retry: notify is away, behind or busy.
        Fail: it refuses.
    """
    if answer.status_code == 200:
        return
    if answer.status_code >= 500 or answer.status_code == 429:
        raise Retry(after_seconds=AGAIN_SECONDS)
    raise Fail(f"The tasks could not be read ({answer.status_code})", code="export_refused")


def _headers(running: RunningTask, settings: Settings) -> dict[str, str]:
    """As the owner, for as long as it takes to be let in."""
    token = mint(
        running.owner,
        settings.secrets[0],
        now=time.time(),
        ttl_seconds=TOKEN_SECONDS,
        scopes=("tasks:read",),
        audience=settings.jwt_audience,
        local=True,
        task=running.id,
    )
    return {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}

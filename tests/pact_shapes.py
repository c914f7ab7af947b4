"""What consumers need of the things that services answer, as pact's matchers."""

from typing import Any

from pact import match

DONE = "019a0000-0000-7000-8000-00000000000d"
WAITING = "019a0000-0000-7000-8000-00000000000e"
STOPPED = "019a0000-0000-7000-8000-00000000000f"
NEW = "019a0000-0000-7000-8000-000000000010"
PARENT = "019a0000-0000-7000-8000-000000000011"
TASK_ID = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
CURSOR = "[A-Za-z0-9._~-]{1,128}"
MOMENT = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z"
AT = "2026-01-02T03:04:05.678Z"
PARAMS: dict[str, Any] = {"steps": 1, "seconds": 0}


def a_cursor(example: str) -> Any:
    """A cursor or revision of the server's."""
    return match.regex(example, regex=f"^{CURSOR}$")


def a_moment() -> Any:
    """A `*_at` that is there."""
    return match.regex(AT, regex=f"^{MOMENT}$")


def text(exactly: str) -> Any:
    """This and nothing else, also inside of what is compared by type."""
    return match.regex(exactly, regex=f"^{exactly}$")


def accepted(id: str) -> dict[str, Any]:
    """What submit says of a task it has accepted."""
    return {
        "id": match.regex(id, regex=f"^{TASK_ID}$"),
        "type": "demo.steps",
        "title": match.str("Steps"),
        "status": match.regex("queued", regex="^(queued|scheduled)$"),
        "revision": a_cursor("AQ-accepted"),
    }


def task(id: str, status: str, **changes: Any) -> dict[str, Any]:
    """A task of type demo.steps as notify shows it, with every field there is."""
    ended, started = status in ("succeeded", "cancelled"), status == "succeeded"
    found: dict[str, Any] = {
        "id": id,
        "type": "demo.steps",
        "title": match.str("Steps"),
        "tags": [],
        "queue": match.str("default"),
        "priority": "normal",
        "owner": match.str("local:ann"),
        "status": status,
        "progress": match.number(100 if started else 0),
        "indeterminate": False,
        "message": match.str("step 1 of 1") if started else None,
        "step": None,
        "done": match.number(1) if started else None,
        "total": match.number(1) if started else None,
        "eta_at": None,
        "attempt": match.int(1) if started else 0,
        "queue_position": None,
        "liveness": None,
        "progress_at": a_moment() if started else None,
        "quiet_after_seconds": match.number(60),
        "params": match.like(PARAMS),
        "result": match.like({"steps": 1}) if started else None,
        "error": None,
        "dismissed": False,
        "read": match.bool(False),
        "cancel_requested_at": None,
        "created_at": a_moment(),
        "runs_at": None if started else a_moment(),
        "started_at": a_moment() if started else None,
        "ended_at": a_moment() if ended else None,
        "retry_of": None,
        "parent": None,
        "children_count": match.int(0),
        "revision": a_cursor(f"AQ-{status}"),
    }
    return found | changes


def an_event(type: str) -> dict[str, Any]:
    """A line of a task's history."""
    return {
        "id": a_cursor("AQ-event"), "type": type, "v": match.int(1), "attempt": match.int(0),
        "at": a_moment(), "data": match.like(dict[str, Any]()),
    }  # fmt: skip


def history() -> dict[str, Any]:
    """That of a task that has succeeded."""
    types = ("task.created", "task.started", "task.succeeded")
    return {
        "events": match.array_containing([an_event(type) for type in types]),
        "after": a_cursor("AQ-page"),
    }


def row(data: Any, name: str = "task_progress") -> dict[str, Any]:
    """A notification."""
    return {"id": a_cursor("AQ-row"), "name": name, "data": data, "timestamp": match.number(1.5)}


def told(id: str, status: str) -> dict[str, Any]:
    """The notification of a task."""
    shown = {k: v for k, v in task(id, status).items() if k != "params"}
    return row(shown | {"task_id": id})


def page(*rows: Any) -> dict[str, Any]:
    """An answer with these notifications, others beside them, or none."""
    return {
        "notifications": match.array_containing(list(rows)) if rows else [],
        "cursor": a_cursor("AQ-page"),
        "gap": False,
        "next_poll_ms": match.int(250),
    }


def problem(slug: str, status: int) -> dict[str, Any]:
    """A refusal."""
    return {
        "type": f"urn:milepost:{slug}",
        "title": match.str("No"),
        "status": status,
        "detail": match.str("Because"),
    }

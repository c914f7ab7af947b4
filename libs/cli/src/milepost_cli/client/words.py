"""Owns how a task reads in a terminal: its figures, its line, its page. Pure; no colours."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from milepost.records import Task
from milepost.task_state import ENDED
from milepost_cli.printable import printable

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def line(task: Task) -> str:
    """A task in a line, for pipes: status, percent, title, and what else there is to say."""
    return "  ".join(
        (f"{task.status:<9}", f"{percent(task):>6}", task.id, title(task), *more(task))
    )


def percent(task: Task) -> str:
    """How far it is."""
    if task.indeterminate and task.status not in ENDED:
        return "..."
    return f"{int(task.progress * 10) / 10:g} %"


def title(task: Task) -> str:
    """What it is, in whatever words it was given."""
    return printable(task.title)


def more(task: Task) -> Iterator[str]:
    """What there is to say beyond status and percent."""
    if task.step:
        yield printable(task.step)
    if task.done is not None and task.status == "running":
        yield f"{task.done:g}/{task.total:g}" if task.total is not None else f"{task.done:g}"
    if task.error is not None:
        yield printable(task.error.message)
    elif task.message and task.status not in ENDED:
        yield printable(task.message)
    if task.attempt > 1:
        yield f"attempt {task.attempt}"
    if task.liveness in ("quiet", "lost"):
        yield "quiet" if task.liveness == "quiet" else "its worker is gone"
    if task.cancel_requested_at and task.status not in ENDED:
        yield "asked to stop"


def left(task: Task, now: float) -> str:
    """How long it will take, if that is known; how long it took, when it has ended."""
    if task.status in ENDED and task.ended_at is not None:
        return span(_seconds(task.ended_at) - _seconds(task.started_at or task.created_at))
    if task.eta_at is not None:
        return f"{span(max(0.0, _seconds(task.eta_at) - now))} left"
    return ""


def span(seconds: float) -> str:
    """A length of time, in one or two units."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def page(task: Task) -> Iterator[str]:
    """Everything of a task, a line each."""
    record = task.model_dump()
    quiet = {"revision", "quiet_after_seconds", "indeterminate", "dismissed", "read"}
    quiet |= {"title", "status", "progress"}  # which its first line says
    yield f"{title(task)}: {task.status}, {percent(task)}"
    for name, value in record.items():
        if name not in quiet and value not in (None, [], {}, 0, ""):
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield printable(f"  {name.replace('_', ' '):<19}  {shown}")


def event(record: Mapping[str, Any]) -> str:
    """An event of a task's history in a line."""
    what = record["type"].removeprefix("task.")
    known = what in ("created", "succeeded")  # what the task was made of, and its result: the page
    told = {
        key: value
        for key, value in record["data"].items()
        if not known and value not in (None, [], {}, "", False)
    }
    data = json.dumps(told, ensure_ascii=False) if told else ""
    return printable(f"  {record['at']}  {record['attempt']}  {what:<16}  {data[:200]}".rstrip())


def result(task: Task) -> str | None:
    """What a task came to, as JSON; null for nothing."""
    if task.result is None:
        return None
    text = json.dumps(task.result, ensure_ascii=False, indent=2)
    return "\n".join(map(printable, text.splitlines()))


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()

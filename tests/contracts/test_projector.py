"""The projector is a consumer of what submit and workers write into the log: message pacts."""

import json
from pathlib import Path
from typing import Any

import pytest
from pact import Pact, match

from milepost.cursors import StreamId
from milepost.events import OF_NO_TASK, type_names
from milepost_notify.archive import Fields, Logged, take_in
from milepost_notify.projection import project
from milepost_notify.rows import TaskRow
from pact_exchange import JSON, kept
from pact_shapes import NEW, TASK_ID

ERROR = {"code": match.str("fail"), "message": match.str("No"), "reference": match.str("ab12")}
MS = match.int(1_795_381_377_532)


OPERATOR = {"b": match.regex("operator root", regex="^operator .+$")}


def entry(t: str, d: Any, *, attempt: Any = None, task: str | None = None) -> dict[str, Any]:
    """An entry of the log as it is stored, but for its data, which is there as JSON in a string.

    `task`: what stands in its place, in events that are about no task.
    """
    return {
        "t": t, "k": match.regex(NEW, regex=f"^{TASK_ID}$") if task is None else task,
        "o": match.str("bob"), "a": attempt or match.regex("1", regex=r"^\d+$"), "d": d,
    }  # fmt: skip


WRITTEN: dict[str, dict[str, dict[str, Any]]] = {
    "submit": {
        "task.created": entry(
            "created",
            {
                "task_type": "demo.steps",
                "title": match.str("Steps"),
                "queue": match.str("default"),
                "params": match.like({"steps": 1}),
            },
            attempt="0",
        ),
        "task.cancelled": entry("cancelled", {}, attempt="0"),
        "task.cancel_requested": entry("cancel_requested", {}),
        "task.dismissed": entry("dismissed", {}),
        "inbox.read": entry(
            "inbox.read", {"until": match.regex("1795381377532-0", regex=r"^\d+-\d+$")}, task=""
        ),
        "task.redriven": entry("redriven", {}, attempt="0") | OPERATOR,
        "work.paused": entry(
            "work.paused",
            {"what": "queue", "name": match.str("default"), "reason": match.str("maintenance")},
            task="work",
        )
        | OPERATOR,
        "work.resumed": entry(
            "work.resumed", {"what": "queue", "name": match.str("default")}, task="work"
        )
        | OPERATOR,
    },
    "worker": {
        "task.started": entry("started", {"worker": match.str("host.1.ab")}),
        "task.progressed": entry("progressed", {"progress": match.number(12.5)}),
        "task.logged": entry("logged", {"text": match.str("line")}),
        "task.retrying": entry(
            "retrying", {"error": ERROR, "runs_at": MS, "failures": match.int(1)}
        ),
        "task.returned": entry(
            "returned",
            {
                "reason": "worker_lost",
                "worker": match.str("host.1.ab"),
                "crashes": match.int(1),
            },
        ),
        "task.succeeded": entry("succeeded", {"result": match.like({"steps": 1})}),
        "task.failed": entry("failed", {"error": ERROR, "failures": match.int(1)}),
        "task.cancelled": entry("cancelled", {}),
    },
}
"""By who writes it, and its type."""

MADE_OF_IT: dict[str, dict[str, Any]] = {
    "task.created": {"status": "queued", "title": "Steps"},
    "task.started": {"status": "running", "attempt": 1},
    "task.progressed": {"progress": 12.5},
    "task.retrying": {"status": "retrying"},
    "task.returned": {"status": "queued"},
    "task.succeeded": {"status": "succeeded", "progress": 100},
    "task.failed": {"status": "failed"},
    "task.cancelled": {"status": "cancelled"},
    "task.redriven": {"status": "running"},
}
"""What is then read of the task, which ran before."""


def stored(message: Any, position: int) -> Logged:
    """The entry of a message, as the projector takes it in."""
    fields: Fields = {
        name.encode(): (json.dumps(value) if name == "d" else value).encode()
        for name, value in message.items()
    }
    logged = take_in(0, str(StreamId(1_795_381_377_532, position)).encode(), fields)
    assert isinstance(logged, Logged), logged
    return logged


def running() -> TaskRow:
    """A row as it is after `created` and `started`."""
    common = {"k": NEW, "o": "bob"}
    created: dict[str, Any] = {"task_type": "demo.steps", "title": "T", "queue": "q", "params": {}}
    row = project(None, stored({"t": "created", "a": "0", "d": created, **common}, 0).event)
    return project(row, stored({"t": "started", "a": "1", "d": {"worker": "w"}, **common}, 1).event)


def test_every_event_is_one_that_the_projector_needs_of_somebody():
    assert {type for types in WRITTEN.values() for type in types} == set(type_names)


@pytest.mark.parametrize("writer", list(WRITTEN))
def test_what_the_projector_needs_of_a_writer_is_what_is_kept(writer: str, tmp_path: Path):
    pact = Pact("projector", writer)
    for type, body in WRITTEN[writer].items():
        pact.upon_receiving(type, "Async").with_body(body, JSON)
    seen: list[str] = []

    def consume(body: str | bytes | None, _: dict[str, object]) -> None:
        assert body is not None
        message = json.loads(body)
        event = stored(message, 2).event
        is_of_none = isinstance(event.payload, OF_NO_TASK)
        row: dict[str, Any] = {} if is_of_none else dict(project(running(), event))
        assert event.by.kind == "operator" or "b" not in message
        expected = MADE_OF_IT.get(event.payload.type, {})
        assert {name: row[name] for name in expected} == expected
        seen.append(event.payload.type)

    pact.verify(consume, "Async")
    assert sorted(seen) == sorted(WRITTEN[writer])
    pact.write_file(tmp_path)
    kept(tmp_path)

"""Events survive storing, for ever; garbage is a typed error and nothing else."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost import codec
from milepost import events as e
from milepost.cursors import StreamId
from milepost.errors import NewerEvent, UndecodableEvent

ID = StreamId(1795381377532, 7)
TASK = "019a0000-0000-7000-8000-000000000001"
PROBLEM = e.Problem(code="error", message="This did not work (reference R)", reference="R")

PAYLOADS: list[e.Payload] = [
    e.TaskCreated(task_type="a.b", title="T", queue="q", params={"x": [1, None, "é"]}),
    e.TaskCreated(
        task_type="a.b", title="T", queue="q", priority="high", params={}, tags=("t",),
        runs_at=5, quiet_after_seconds=1.5, parent=TASK, retry_of=TASK,
    ),
    e.TaskStarted(worker="host.1.ab"),
    e.TaskProgressed(progress=42.5, done=3, total=7, message="m", step="s"),
    e.TaskProgressed(progress=0, indeterminate=True),
    e.TaskLogged(text="line"),
    e.TaskRetrying(error=PROBLEM, runs_at=9, failures=1, detail="Traceback"),
    e.TaskReturned(reason="worker_lost", worker="w", crashes=1),
    e.TaskSucceeded(result={"sent": 3}),
    e.TaskFailed(error=PROBLEM, failures=1, detail="Traceback"),
    e.TaskCancelRequested(),
    e.TaskCancelled(),
    e.TaskDismissed(),
    e.TaskRedriven(),
    e.InboxRead(until="5-1"),
    e.WorkPaused(what="queue", name="mails", reason="the relay is down"),
    e.WorkResumed(what="type", name="mail.send"),
]  # fmt: skip


def event_of(payload: e.Payload, **changes: Any) -> e.Event:
    task = TASK if payload.type.startswith("task.") else ""
    facts: dict[str, Any] = {
        "partition": 3, "id": ID, "task": task, "owner": "bob", "at": ID.ms, "attempt": 1,
        "by": codec.usual_actor(payload.type, "bob", task), "trace": None, "payload": payload,
    }  # fmt: skip
    return e.Event(**{**facts, **changes})


def as_stored(fields: dict[str, str]) -> dict[bytes, bytes]:
    return {key.encode(): value.encode() for key, value in fields.items()}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_an_event_survives_storing(payload: e.Payload):
    event = event_of(payload)
    assert codec.decode(3, str(ID).encode(), as_stored(codec.encode(event))) == event


def test_what_is_not_usual_is_stored_too():
    event = event_of(PAYLOADS[0], by=e.Actor("service", "shop a"), at=ID.ms - 9, trace="00-a-b-01")
    assert codec.decode(3, str(ID).encode(), as_stored(codec.encode(event))) == event


def test_what_is_usual_is_not_stored():
    fields = codec.encode(event_of(e.TaskProgressed(progress=42.5)))
    assert fields == {"t": "progressed", "k": TASK, "o": "bob", "a": "1", "d": '{"progress":42.5}'}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({b"t": b"exploded"}, NewerEvent),
        ({b"t": b"started/2"}, NewerEvent),
        ({b"t": b"started/x"}, UndecodableEvent),
        ({b"t": b"\xff"}, UndecodableEvent),
        ({b"d": b"{"}, UndecodableEvent),
        ({b"d": b"[]"}, UndecodableEvent),
        ({b"d": b"{}"}, UndecodableEvent),
        ({b"d": b'{"worker":1}'}, UndecodableEvent),
        ({b"d": b'{"worker":"' + b"x" * 3_000_000 + b'"}'}, UndecodableEvent),
        ({b"a": b"x"}, UndecodableEvent),
        ({b"b": b"robot 7"}, UndecodableEvent),
        ({b"k": None}, UndecodableEvent),
        ({b"k": b"a\0b"}, UndecodableEvent),
        ({b"b": b"task a\0b"}, UndecodableEvent),
        ({b"x": b"\0"}, UndecodableEvent),
        ({b"t": b"exploded", b"k": b"a\0b"}, UndecodableEvent),
    ],
)
def test_garbage_is_a_typed_error(change: dict[bytes, bytes | None], error: type[UndecodableEvent]):
    fields: dict[bytes, Any] = as_stored(codec.encode(event_of(e.TaskStarted(worker="w"))))
    fields.update(change)
    with pytest.raises(error) as raised:
        codec.decode(3, b"5-1", {key: value for key, value in fields.items() if value is not None})
    assert type(raised.value) is error


@pytest.mark.parametrize(
    "payload",
    [
        e.TaskProgressed(progress=1, message="a\0b", step="\0"),
        e.TaskFailed(error=e.Problem(code="c", message="a\0b", reference="R")),
        e.TaskSucceeded(result={"a\0": ["\0", {"b": "\0"}], "said": "\\u0000"}),
        e.TaskCreated(task_type="a.b", title="a\0b", queue="q", params={}, tags=("\0",)),
    ],
)
def test_no_letter_that_a_database_refuses_loses_an_event(payload: e.Payload):
    fields = as_stored(codec.encode(event_of(payload)))
    found = codec.decode(3, str(ID).encode(), fields).payload
    expected = payload.model_dump_json().replace(r"\\u0000", "escaped")
    expected = expected.replace(r"\u0000", "\ufffd").replace("escaped", r"\\u0000")
    assert found.model_dump_json() == expected
    again = codec.decode_data(payload.type, payload.v, fields[b"d"].decode())
    assert again == found


def test_progress_of_100_before_success_is_not_an_event():
    fields = {
        **as_stored(codec.encode(event_of(e.TaskProgressed(progress=1)))),
        b"d": b'{"progress":100}',
    }
    with pytest.raises(UndecodableEvent):
        codec.decode(3, b"5-1", fields)


@given(
    st.dictionaries(st.sampled_from([b"t", b"k", b"o", b"a", b"d", b"at", b"b", b"x"]), st.binary())
)
def test_any_entry_is_an_event_or_a_typed_error(fields: dict[bytes, bytes]):
    with contextlib.suppress(UndecodableEvent):
        codec.decode(0, b"1-1", fields)

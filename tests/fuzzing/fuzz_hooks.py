"""What schemathesis has to know of our terms: formats, and tasks that are there. Loaded by its
program as SCHEMATHESIS_HOOKS says; what differs from run to run comes by the environment."""

import os
import time
from typing import Any
from uuid import uuid4

import schemathesis
from hypothesis import strategies as st

from milepost.cursors import MAX_ORDINAL, Cursor, StreamId
from milepost.errors import InvalidCursor
from milepost.ids import uuid7

LONGEST_WAIT = 0.02
REAL_TYPES = ("demo.steps", "mail.send", "report.export")
CURSOR = str(Cursor(0, b"logs", 0, StreamId(1, 0), 0))
real_ids = os.environ["FUZZ_IDS"].split()

past = st.integers(0, 2**40)  # for what is still to come one waits 2 s
positions = st.builds(StreamId, past, past)
cursors = st.builds(
    Cursor,
    st.just(0),  # the only partition
    st.binary(min_size=4, max_size=4),
    st.integers(0, 2**32 - 1),
    positions,
    st.integers(0, MAX_ORDINAL),
    st.none() | positions,
)
task_ids = st.builds(uuid7, st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
words = st.text("abcdefghkmnpqrstuvwxyz3479", min_size=20, max_size=40)

schemathesis.openapi.format("cursor", cursors.map(str))
schemathesis.openapi.format("uuid", task_ids)
schemathesis.openapi.format("password", words)


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType]  # untyped
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Let requests meet tasks that are there, and wait for nothing."""
    if case.query and "wait" in case.query:
        _shorten(case.query)
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if "/admin/" in case.operation.path and case.query:
        case.query.pop("before", None)  # a place in a walk: only one that was given is one
        if "owner" in case.query and "{task_id}" in case.operation.path:
            case.query["owner"] = "fuzz"
    if "task_id" in (case.path_parameters or {}):
        number = hash(str(case.path_parameters["task_id"])) % (len(real_ids) + 1)
        if number < len(real_ids):
            case.path_parameters["task_id"] = real_ids[number]
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = uuid4().hex
    if not isinstance(case.body, dict):
        return
    body: Any = case.body  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]  # JSON
    query: Any = case.query or {}
    if body.get("owner") is not None:
        query.pop("owner", None)  # they have to be one
    if "until" in body and not _is_cursor(body["until"]):
        body["until"] = CURSOR
    if "/dead-letters/" in case.operation.path and isinstance(body.get("ids"), list):
        body["ids"] = [
            f"0:{number + 1}-1" for number, _ in enumerate(body["ids"])
        ]  # of a partition
    if case.operation.path == "/api/submit/accounts":
        body |= {"username": uuid4().hex, "password": uuid4().hex}  # neither taken nor common
    elif case.operation.path == "/api/submit/tasks":
        _make_real(body)
    elif case.operation.path == "/api/submit/tasks/batch":
        for item in body.get("tasks", []):
            _make_real(item)
            item.pop("owner", None)  # theirs is the batch's


def _is_cursor(text: Any) -> bool:
    try:
        Cursor.parse(text)
    except InvalidCursor:
        return False
    return True


def _shorten(query: Any) -> None:
    try:
        wait = float(query["wait"])
    except (TypeError, ValueError):
        return
    if 0 <= wait <= 30:
        query["wait"] = f"{min(wait, LONGEST_WAIT):.9f}"  # plain decimals, as the document says


def _make_real(body: Any) -> None:
    """An id of its own; half of them name a type that there is."""
    if body.get("id") is not None:
        body["id"] = uuid7(int(time.time() * 1000), os.urandom(10))
    if body.get("type") in REAL_TYPES or len(str(body.get("title"))) % 2:
        body |= {"type": "demo.steps", "params": {"steps": 1, "seconds": 0}}

"""Whatever is read from outside becomes a value or one of our own errors, and nothing else."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import Field

from milepost import tokens
from milepost.codec import decode, type_and_version
from milepost.cursors import Cursor, StreamId
from milepost.definitions import TaskDefinition, task
from milepost.errors import (
    InvalidCursor,
    InvalidToken,
    InvalidValue,
    ParamsChanged,
    UndecodableEvent,
)
from milepost.events import type_names
from milepost.ids import canonical_task_id
from milepost.origins import normal_origin
from milepost.owners import check_owner, key_hash, owner_hash, partition_of
from milepost.progress import Progress
from milepost_service import strict_json
from milepost_submit.params import ParamsSchema
from milepost_worker.tasks import demo, export, mail

SECRET = "a-secret-for-tests-that-has-forty-letters"
NOW = 1_800_000_000.0

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
texts = st.text() | st.text("AQaz09-_.~%=+/ \0\n", max_size=130)


def read(decoder: Callable[[Any], Any], value: Any, *errors: type[Exception]) -> Any:
    """What the decoder makes of it; null for an error of ours."""
    try:
        return decoder(value)
    except errors:
        return None


@given(texts)
def test_a_cursor(text: str) -> None:
    found = read(Cursor.parse, text, InvalidCursor)
    assert found is None or str(found) == text


@given(st.binary(min_size=29, max_size=29) | st.binary(min_size=45, max_size=45))
def test_a_cursor_of_any_bytes(raw: bytes) -> None:
    text = urlsafe_b64encode(raw).rstrip(b"=").decode()
    found = read(Cursor.parse, text, InvalidCursor)
    assert found is None or str(found) == text


@given(texts | st.binary() | st.from_regex(r"[0-9]{0,30}-[0-9]{0,30}"))
def test_a_stream_id(text: str | bytes) -> None:
    found = read(StreamId.parse, text, InvalidCursor)
    assert found is None or found.ms >= 0 <= found.seq


@given(texts)
def test_an_owner(text: str) -> None:
    found = read(check_owner, text, InvalidValue)
    if found is not None:
        assert found == text
        assert len(owner_hash(text)) == len(key_hash(text, text)) == 22
        assert 0 <= partition_of(text, 7) < 7


@given(texts)
def test_a_task_id(text: str) -> None:
    assert canonical_task_id(text) in (None, text.lower())


@given(texts)
def test_an_origin(text: str) -> None:
    found = read(normal_origin, text, ValueError)
    assert found is None or normal_origin(found) == found


@given(texts | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True))
def test_a_token(text: str) -> None:
    def verify(text: str) -> Any:
        return tokens.verify(text, [SECRET], now=NOW, audience="milepost")

    assert read(verify, text, InvalidToken) is None


claims = st.fixed_dictionaries(
    {},
    optional={
        "sub": st.text(max_size=300) | anything,
        "exp": st.just(NOW + 60) | anything,
        "aud": st.just("milepost") | anything,
        "nbf": st.just(NOW - 60) | anything,
        "iat": anything,
        "iss": anything,
        "scope": st.sampled_from(["tasks:read", "admin service", ""]) | anything,
        "tasks": st.lists(st.text(), max_size=3) | anything,
        "local": anything,
        "task": anything,
    },
)


@given(claims, st.fixed_dictionaries({}, optional={"kid": anything, "crit": anything}))
@example({"sub": "bob", "exp": float("nan"), "aud": "milepost"}, {})
@example({"sub": "bob", "exp": 10**400, "aud": "milepost"}, {})
@example({"sub": "\ud800", "exp": NOW + 60, "aud": "milepost"}, {})
def test_a_well_signed_token_of_any_content(said: dict[str, Any], head: dict[str, Any]) -> None:
    try:
        text = jwt.encode(said, SECRET, algorithm="HS256", headers=head)
    except (TypeError, ValueError, jwt.PyJWTError):
        return  # it cannot even be made

    def verify(text: str) -> Any:
        return tokens.verify(text, [SECRET], now=NOW, audience="milepost")

    who = read(verify, text, InvalidToken)
    if who is not None:
        assert who.owner == said["sub"] == check_owner(who.owner)
        assert who.expires_at > NOW - 11
        assert not who.owner.startswith("local:") or said.get("local") is True


@task("decoders.sample")
def sample(
    count: Annotated[int, Field(ge=1, le=9)],
    words: list[Annotated[str, Field(pattern="^[a-z]+$")]],
    when: datetime | None = None,
    more: dict[str, float] | None = None,
) -> None:
    """Takes what is usual."""


params = st.dictionaries(
    st.sampled_from(["count", "words", "when", "more", "to", "subject", "body", "format"])
    | st.text(max_size=9),
    st.integers(-1, 10)
    | st.lists(st.text("ab1", max_size=3) | anything, max_size=3)
    | st.sampled_from(["csv", "2026-01-01T00:00:00Z", "a@x.test", "=?utf-8?q?=0D?="])
    | anything,
    max_size=5,
)


@given(params, st.sampled_from([sample, mail.send, export.export, demo.steps]))
@example({"count": 1, "words": ["a"], "more": {"x": 1}}, sample)
@example({"to": ["a@x.test"], "subject": "s", "body": "b"}, mail.send)
@example({"count": 1, "words": ["\ud800"]}, sample)
@example({"count": 10**400, "words": []}, sample)
def test_params(said: dict[str, Any], definition: TaskDefinition[Any, Any]) -> None:
    try:
        said = strict_json.loads(json.dumps(said).encode())
    except strict_json.NotJson:
        return  # refused before anybody asks what it is
    errors = ParamsSchema(definition.announcement.params_schema).errors(said)
    assert all(error["loc"][0] == "params" and error["msg"] for error in errors)
    read(lambda each: definition.arguments(each, Progress()), said, ParamsChanged)


fields = st.dictionaries(
    st.sampled_from([b"t", b"k", b"o", b"a", b"d", b"at", b"b", b"x"]) | st.binary(max_size=4),
    st.binary(max_size=40)
    | st.sampled_from([b"0", b"1", b"-1", b"9" * 30, b"1e3", b"\xd9\xa3", b"bob", b"owner bob"])
    | st.sampled_from([name.removeprefix("task.").encode() for name in type_names])
    | st.sampled_from([b"created/0", b"created/99999", b"created/x", b"created/-1", b"/"])
    | anything.map(lambda value: json.dumps(value).encode()),
    max_size=9,
)


@given(st.binary(max_size=30) | st.from_regex(rb"[0-9]{1,20}-[0-9]{1,20}", fullmatch=True), fields)
def test_an_event(entry: bytes, found: dict[bytes, bytes]) -> None:
    event = read(lambda each: decode(0, entry, each), found, UndecodableEvent)
    assert event is None or check_owner(event.owner) == event.owner


@given(st.text(max_size=30))
def test_the_name_of_an_event(stored: str) -> None:
    read(type_and_version, stored, ValueError)


@given(
    st.binary()
    | anything.map(lambda value: json.dumps(value).encode())
    | st.text('[]{}",:0123456789eE+-.\\u \ttruefalsn\0').map(str.encode)
)
@example(b"[" * 200_000)
@example(b'{"a":' * 200_000)
@example(b"9" * 10_000)
@example(b'"\\ud800"')
def test_strict_json(raw: bytes) -> None:
    value = read(strict_json.loads, raw, strict_json.NotJson)
    if value is not None:
        json.dumps(value, allow_nan=False).encode()


@pytest.mark.parametrize("depth", [32, 33, 100_000])
def test_depth_is_counted_and_needs_no_stack(depth: int) -> None:
    raw = b"[" * depth + b"]" * depth
    if depth <= strict_json.MAX_DEPTH:
        strict_json.loads(raw)
    else:
        with pytest.raises(strict_json.NotJson, match="32 levels"):
            strict_json.loads(raw)

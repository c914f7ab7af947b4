"""From a request to an event or a refusal: given types, when a request, then a task."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import JsonValue

from milepost.ids import uuid7
from milepost.task_types import TaskType
from milepost_log.commands import NewTask
from milepost_submit.batches import RefusedItem, decide_batch
from milepost_submit.decisions import (
    Offered,
    Original,
    decide_new,
    decide_retry,
    find_type,
    fingerprint,
)
from milepost_submit.limits import TaskLimits
from milepost_submit.params import ParamsSchema, UnusableSchema
from milepost_submit.refusals import Refusal
from milepost_submit.requests import TaskRequest

ID = uuid7(1, bytes(10))
OTHER_ID = uuid7(2, bytes(10))
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}},
    "additionalProperties": False,
}


def limits(params_bytes: int, **lower: int) -> TaskLimits:
    return replace(TaskLimits(params_bytes, title_chars=200, tags=10, tag_chars=64), **lower)


def offered(name: str = "do.it", *, public: bool = True) -> Offered:
    task_type = TaskType(
        name=name, title="Do it", queue="slow", public=public, params_schema=SCHEMA,
        quiet_after_seconds=7,
    )  # fmt: skip
    return Offered(task_type, ParamsSchema(SCHEMA))


TYPES = {"do.it": offered(), "app.only": offered("app.only", public=False)}


def new(**fields: Any) -> NewTask:
    asked = TaskRequest.model_validate({"type": "do.it", "params": {}} | fields)
    return decide_new(asked, TYPES["do.it"], fresh_id=ID, limits=limits(100))


def test_what_is_not_said_comes_from_the_type() -> None:
    task = new()
    assert task.id == ID
    assert (task.created.title, task.created.queue) == ("Do it", "slow")
    assert (task.created.priority, task.created.tags) == ("normal", ())
    assert (task.created.quiet_after_seconds, task.delay_ms) == (7, None)
    assert (task.created.parent, task.created.retry_of) == (None, None)


def test_what_is_said_counts() -> None:
    task = new(id=OTHER_ID, title="Mine", tags=["a", "b"], priority="low", delay_seconds=0.25)
    assert task.id == OTHER_ID
    assert (task.created.title, task.created.tags) == ("Mine", ("a", "b"))
    assert (task.created.priority, task.delay_ms) == ("low", 250)


@pytest.mark.parametrize("delay", [0, 0.0001, None])
def test_no_delay_is_ready_at_once(delay: float | None) -> None:
    assert new(delay_seconds=delay).delay_ms is None


def test_a_fingerprint_is_of_what_was_asked_and_not_of_how_or_for_whom() -> None:
    first = new(params={"n": 1, "at": "2030-01-01T00:00:00Z"}).fingerprint
    turned = new(params={"at": "2030-01-01T00:00:00Z", "n": 1}).fingerprint
    defaults = new(
        params={"n": 1, "at": "2030-01-01T00:00:00Z"}, tags=[], priority="normal", title=None,
        owner="bob",
    ).fingerprint  # fmt: skip
    assert first == turned == defaults
    assert " " not in first
    others: list[dict[str, Any]] = [
        {"params": {"n": 2}},
        {"title": "T"},
        {"tags": ["t"]},
        {"id": OTHER_ID},
        {"priority": "low"},
        {"delay_seconds": 1},
    ]
    assert len({first, *(new(**changes).fingerprint for changes in others)}) == 1 + len(others)


def test_a_fingerprint_once_released_stays() -> None:
    """Requests are repeated across updates: these values are never changed."""
    assert new().fingerprint == fingerprint({"type": "do.it", "params": {}})
    assert fingerprint({"b": [1, "김"], "a": 1.5}) == (
        "29d7298daea24c3fe0a5250caeb3925aa6ba6e42f5482cc0abf3034e620b1ec3"
    )


def test_params_are_measured_as_compact_json_in_utf_8() -> None:
    free = Offered(TYPES["do.it"].type, ParamsSchema({}))
    params = {"a": "김" * 10}
    size = len(json.dumps(params, ensure_ascii=False, separators=(",", ":")).encode())
    request = TaskRequest.model_validate({"type": "do.it", "params": params})
    assert decide_new(request, free, fresh_id=ID, limits=limits(size))
    with pytest.raises(Refusal) as refused:
        decide_new(request, free, fresh_id=ID, limits=limits(size - 1))
    assert (refused.value.status, refused.value.errors[0]["loc"]) == (422, ["params"])


def test_params_that_do_not_suit_are_told_where_and_not_what() -> None:
    with pytest.raises(Refusal) as refused:
        new(params={"n": "secret", "at": "secret"})
    locs = [error["loc"] for error in refused.value.errors]
    assert sorted(map(str, locs)) == ["['params', 'at']", "['params', 'n']"]
    assert "secret" not in str([error["msg"] for error in refused.value.errors])


def test_at_most_twenty_errors_are_told() -> None:
    schema = ParamsSchema({"items": {"type": "string"}, "properties": {"l": {"$ref": "#"}}})
    assert len(schema.errors({"l": list(range(1000))})) == 20


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 7},
        {"pattern": "("},
        {"$ref": "#/$defs/none"},
        {"$ref": "http://127.0.0.1:1/"},
        {"$ref": "file:///etc/passwd"},
    ],
)
def test_a_schema_that_is_none_or_points_elsewhere_is_unusable(schema: dict[str, Any]) -> None:
    with pytest.raises(UnusableSchema):
        ParamsSchema(schema)


@pytest.mark.parametrize(
    ("name", "by_code", "found"),
    [
        ("do.it", False, True),
        ("do.it", True, True),
        ("app.only", True, True),
        ("app.only", False, False),
        ("no.such", True, False),
        ("", True, False),
    ],
)
def test_private_types_are_for_backends_alone(name: str, by_code: bool, found: bool) -> None:
    if found:
        assert find_type(TYPES, name, by_code=by_code).type.name == name
    else:
        with pytest.raises(Refusal) as refused:
            find_type(TYPES, name, by_code=by_code)
        assert refused.value.status == 404


def original(status: str = "failed", **changes: Any) -> Original:
    first = Original(ID, status, "do.it", "Old", ("t",), "high", {"n": 1})
    return replace(first, **changes)


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_retry_is_like_its_original(status: str) -> None:
    task = decide_retry(
        original(status), TYPES["do.it"], fresh_id=OTHER_ID, limits=limits(100),
        idempotency_key="k",
    )  # fmt: skip
    made = task.created
    assert (task.id, task.idempotency_key, made.retry_of) == (OTHER_ID, "k", ID)
    assert (made.title, made.tags, made.priority) == ("Old", ("t",), "high")
    assert (made.params, made.queue, task.delay_ms) == ({"n": 1}, "slow", None)


@pytest.mark.parametrize(
    ("status", "params", "refusal"),
    [
        ("succeeded", {}, 409),
        ("running", {}, 409),
        ("one of tomorrow's", {}, 409),
        ("failed", {"n": "x"}, 422),
    ],
)
def test_a_retry_is_refused_where_it_makes_no_sense(
    status: str, params: dict[str, Any], refusal: int
) -> None:
    with pytest.raises(Refusal) as refused:
        decide_retry(
            original(status, params=params), TYPES["do.it"], fresh_id=OTHER_ID,
            limits=limits(100),
        )  # fmt: skip
    assert refused.value.status == refusal


def batch(*items: JsonValue, key: str | None = None) -> list[NewTask]:
    numbers = iter(range(100, 10_000))
    return decide_batch(
        items,
        TYPES,
        owner="bob",
        by_code=False,
        fresh_id=lambda: uuid7(next(numbers), bytes(10)),
        limits=limits(100),
        idempotency_key=key,
    )


GOOD: JsonValue = {"type": "do.it", "params": {}}


def test_each_item_of_a_batch_has_its_own_id_and_key() -> None:
    tasks = batch(GOOD, GOOD, {"type": "do.it", "params": {}, "id": ID, "owner": "bob"}, key="k")
    assert len({task.id for task in tasks}) == 3
    assert [task.idempotency_key for task in tasks] == ["k", "k\x001", "k\x002"]


BAD: list[tuple[list[JsonValue], int, int, list[str]]] = [
    ([GOOD, None], 1, 422, []),
    ([GOOD, []], 1, 422, []),
    ([GOOD, {}], 1, 422, ["type"]),
    ([{"type": "no.such", "params": {}}, {}], 0, 404, ["type"]),
    ([{}, {"type": "no.such", "params": {}}], 0, 422, ["type"]),
    ([GOOD, {"type": "app.only", "params": {}}], 1, 404, ["type"]),
    ([GOOD, {"type": "do.it", "params": {"n": 1.5}}], 1, 422, ["params", "n"]),
    ([GOOD, {"type": "do.it", "params": {}, "owner": "bobby"}], 1, 422, ["owner"]),
    ([GOOD, {"type": "do.it", "params": {}, "priority": "top"}], 1, 422, ["priority"]),
    ([{"type": "do.it", "params": {}, "id": ID}] * 2, 1, 422, ["id"]),
]


@pytest.mark.parametrize(("items", "index", "status", "loc"), BAD)
def test_of_a_batch_the_first_bad_item_is_told(
    items: list[JsonValue], index: int, status: int, loc: list[str]
) -> None:
    with pytest.raises(RefusedItem) as refused:
        batch(*items)
    assert refused.value.index == index
    assert refused.value.refusal.status == status
    assert refused.value.refusal.errors[0]["loc"] == loc
    problem = refused.value.refusal.problem("body", "tasks", index)
    assert problem.as_dict()["errors"][0]["loc"] == ["body", "tasks", index, *loc]


@pytest.mark.parametrize(
    ("lower", "loc"),
    [({"title_chars": 3}, ["title"]), ({"tags": 1}, ["tags"]), ({"tag_chars": 2}, ["tags", 1])],
)
def test_a_limit_may_be_made_less(lower: dict[str, int], loc: list[str | int]) -> None:
    asked: dict[str, Any] = {
        "type": "do.it", "params": {}, "title": "Mine", "tags": ["ab", "abc"]
    }  # fmt: skip
    request = TaskRequest.model_validate(asked)
    assert decide_new(request, TYPES["do.it"], fresh_id=ID, limits=limits(100))
    with pytest.raises(Refusal) as refused:
        decide_new(request, TYPES["do.it"], fresh_id=ID, limits=limits(100, **lower))
    assert refused.value.status == 422
    assert [error["loc"] for error in refused.value.errors or []] == [loc]

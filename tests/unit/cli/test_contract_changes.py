"""What breaks who builds on the last release is found and said, and nothing else."""

import json
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

import pytest

from milepost_cli.contract_changes import http_changes, log_changes, sample_changes
from milepost_cli.schema_changes import Change

Document = dict[str, Any]
OLD: Document = {
    "paths": {
        "/tasks": {
            "get": {
                "parameters": [
                    {
                        "in": "query", "name": "limit",
                        "schema": {"type": "integer", "maximum": 1000},
                    },
                    {"in": "query", "name": "status", "schema": {"enum": ["active", "all"]}},
                ],
                "responses": {
                    "200": {
                        "headers": {"Location": {}},
                        "content": {"application/json": {"schema": {"$ref": "#/c/Task"}}},
                    },
                    "404": {},
                },
            },
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/c/New"}}}},
                "responses": {"201": {}},
            },
        },
    },
    "c": {
        "Task": {
            "type": "object", "required": ["id", "status", "progress"],
            "properties": {
                "id": {"type": "string", "pattern": "^[a-z]+$"},
                "status": {"enum": ["queued", "running"]},
                "progress": {"type": "number", "minimum": 0, "maximum": 100},
                "parent": {"anyOf": [{"$ref": "#/c/Task"}, {"type": "null"}]},
                "kind": {"const": "task"},
            },
        },
        "New": {
            "type": "object", "required": ["type"], "additionalProperties": False,
            "properties": {
                "type": {"type": "string", "maxLength": 200},
                "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 10},
                "title": {"type": ["string", "null"]},
                "params": {},
            },
        },
    },
}  # fmt: skip
GET, POST = "GET /tasks", "POST /tasks, body"

STRING = "a value of type string"


def edit(*path: Any, to: Any = None) -> Callable[[Document], None]:
    """Set a place of the document; without `to` it is taken away."""

    def change(document: Document) -> None:
        at: Any = document
        for step in path[:-1]:
            at = at[step]
        if to is None:
            del at[path[-1]]
        else:
            at[path[-1]] = to

    return change


def field(name: str, **to: Any) -> Callable[[Document], None]:
    return edit("c", "Task", "properties", name, to=to)


def param(name: str, **to: Any) -> Callable[[Document], None]:
    return edit("c", "New", "properties", name, to=to)


GETS = ("paths", "/tasks", "get")
BREAKING = [
    (edit("paths", "/tasks"), f"{GET}: was taken away"),
    (edit(*GETS, "security", to=[{"bearer": []}]), f"{GET}: needs credentials now"),
    (edit(*GETS, "parameters", 0), f"{GET}, query limit: was taken away"),
    (edit(*GETS, "parameters", 0, "required", to=True), f"{GET}, query limit: is required now"),
    (
        edit(*GETS, "parameters", 0, "schema", "maximum", to=10),
        f"{GET}, query limit: maximum was 1000, is 10",
    ),
    (
        edit(*GETS, "parameters", 1, "schema", "enum", to=["all"]),
        f"{GET}, query status: the value 'active' is no longer accepted",
    ),
    (edit(*GETS, "responses", "200"), f"{GET}, 200: is no longer answered"),
    (
        edit(*GETS, "responses", "200", "headers", to={}),
        f"{GET}, 200, header Location: was taken away",
    ),
    (
        edit(*GETS, "responses", "200", "content", to={}),
        f"{GET}, 200: application/json was taken away",
    ),
    (edit("c", "Task", "properties", "id"), f"{GET}, 200.id: was taken away"),
    (
        edit("c", "Task", "required", to=["id", "status"]),
        f"{GET}, 200.progress: may be missing now",
    ),
    (
        field("id", anyOf=[{"type": "string", "pattern": "^[a-z]+$"}, {"type": "null"}]),
        f"{GET}, 200.id: null may come now",
    ),
    (field("id", type="integer"), f"{GET}, 200.id: a value of type integer may come now"),
    (field("id", type="string"), f"{GET}, 200.id: pattern was '^[a-z]+$', is None"),
    (field("progress", type="number", minimum=0), f"{GET}, 200.progress: maximum was 100, is None"),
    (
        field("progress", type="number", minimum=-1, maximum=100),
        f"{GET}, 200.progress: minimum was 0, is -1",
    ),
    (field("kind", const="job"), f"{GET}, 200.kind: was ['task'], is ['job']"),
    (edit("c", "New", "required", to=["type", "tags"]), f"{POST}.tags: is required now"),
    (edit("c", "New", "properties", "title"), f"{POST}.title: was taken away"),
    (edit("c", "New", "properties", "owner", to={"type": "string"}), None),
    (
        edit("paths", "/tasks", "post", "requestBody", "required", to=True),
        f"{POST}: is required now",
    ),
    (param("type", type="string", maxLength=100), f"{POST}.type: maxLength was 200, is 100"),
    (
        param("type", type="string", maxLength=200, pattern="x"),
        f"{POST}.type: pattern was None, is 'x'",
    ),
    (
        param("type", enum=["a"], maxLength=200),
        f"{POST}.type: the value 'any other' is no longer accepted",
    ),
    (param("title", type="string"), f"{POST}.title: null is no longer accepted"),
    (
        param("tags", type="array", items={"type": "integer"}, maxItems=10),
        f"{POST}.tags[]: {STRING} is no longer accepted",
    ),
    (param("params", type="object"), f"{POST}.params: null is no longer accepted"),
]
HARMLESS = [
    edit("paths", "/more", to={"get": {"responses": {}}}),
    edit(*GETS, "responses", "404"),
    edit(*GETS, "responses", "409", to={}),
    edit(*GETS, "parameters", 0, "schema", "maximum", to=2000),
    edit(*GETS, "parameters", 1, "schema", "enum", to=["active", "all", "ended"]),
    edit("c", "Task", "properties", "new", to={"type": "string"}),
    field("status", enum=["queued", "running", "paused"]),
    field("progress", type="integer", minimum=0, maximum=100),
    field("id", type="string", pattern="^[a-z]+$", description="Said better"),
    param("type", type="string"),
    param("owner", type="string"),
    param("tags", type="array", items={"type": ["string", "integer"]}),
]


def breaking(changes: Iterable[Change]) -> list[str]:
    return [str(change) for change in changes if change.breaking]


@pytest.mark.parametrize(("change", "said"), BREAKING, ids=map(str, range(len(BREAKING))))
def test_what_breaks_is_said(change: Callable[[Document], None], said: str | None):
    new = deepcopy(OLD)
    change(new)
    if said is None:
        new["c"]["New"]["required"] = ["type", "owner"]
        said = f"{POST}.owner: is new and required"
    assert said in breaking(http_changes(OLD, new))


@pytest.mark.parametrize("change", HARMLESS, ids=map(str, range(len(HARMLESS))))
def test_what_breaks_nobody_is_told_as_harmless(change: Callable[[Document], None]):
    new = deepcopy(OLD)
    change(new)
    assert breaking(http_changes(OLD, new)) == []


def test_nothing_is_said_of_what_did_not_change():
    assert list(http_changes(OLD, deepcopy(OLD))) == []


def event(v: int, **data: Any) -> Document:
    payload = {
        "type": "object", "required": ["v", "data"],
        "properties": {"v": {"const": v}, "data": {"type": "object", "properties": data}},
    }  # fmt: skip
    return {"components": {"messages": {"TaskLogged": {"name": "task.logged", "payload": payload}}}}


def sample(v: int, text: str) -> Mapping[str, Any]:
    stored = {"t": "logged" if v == 1 else f"logged/{v}", "d": json.dumps({"text": text})}
    return {"type": "task.logged", "v": v, "fields": stored, "data": {"text": text}}


def test_an_event_is_written_in_a_version_that_the_last_release_reads():
    old, new = event(1, text={"type": "string"}), event(2, line={"type": "string"})
    said = breaking(log_changes(old, new, [sample(1, "x")]))
    assert "event task.logged.v: was [1], is [2]" in said
    assert "event task.logged.data.text: was taken away" in said
    assert breaking(log_changes(old, new, [sample(1, "x"), sample(2, "x")])) == []
    assert breaking(log_changes(old, {"components": {"messages": {}}}, [])) == [
        "event task.logged: was taken away"
    ]


def test_what_was_in_logs_is_read_as_what_it_was():
    old = [sample(1, "x")]
    assert (
        list(sample_changes(old, [sample(2, "y"), {**old[0], "data": {"text": "x", "level": 1}}]))
        == []
    )
    assert breaking(sample_changes(old, [sample(2, "x")]))
    assert breaking(sample_changes(old, [{**old[0], "data": {"text": "z"}}]))

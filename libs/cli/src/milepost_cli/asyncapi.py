"""Owns the AsyncAPI 3 document of the log, made from the events' classes. Reads no log."""

import inspect
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from milepost import codec
from milepost.events import ActorKind, Payload, type_names

_SCHEMAS = "#/components/schemas/{model}"
_TIMES = {"type": "string", "format": "date-time"}
_DESCRIPTION = """\
Every event of Milepost, in order: one Redis stream for each partition, where all of one owner \
is in one partition. Append-only; what is trimmed is in the database. Readers ignore fields, \
events and versions they do not know. A payload here is an event as it is presented. Stored is \
an entry with `t` (type without `task.`, and `/version` from 2 on), `k` (task), `o` (owner), `a` \
(attempt) and `d` (data as JSON, without defaults), and only where they differ from what is \
usual `at` (ms), `b` (by: kind and id) and `x` (trace); partition and stream id are the event's \
id."""


def document(version: str) -> dict[str, Any]:
    """The document, as plain JSON values in an order that does not change."""
    kinds = list(type_names.values())
    _, schemas = models_json_schema(
        [(kind, "serialization") for kind in kinds], ref_template=_SCHEMAS
    )
    messages = {_name(kind): _message(kind) for kind in kinds}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Milepost log", "version": version, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {
            "log": {
                "address": "{tag}:log",
                "title": "The log of one partition",
                "parameters": {
                    "tag": {
                        "description": "MILEPOST_NAMESPACE and the partition's number in braces",
                        "examples": ["{mp:0}"],
                    }
                },
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {
            "follow": {
                "action": "receive",
                "channel": {"$ref": "#/channels/log"},
                "summary": "Read on from a position with XREAD; no consumer group is needed",
                "messages": [{"$ref": f"#/channels/log/messages/{name}"} for name in messages],
            }
        },
        "components": {
            "messages": messages,
            "schemas": {**schemas["$defs"], "Actor": _actor()},
        },
    }


def _name(kind: type[Payload]) -> str:
    return kind.__name__


def _message(kind: type[Payload]) -> dict[str, Any]:
    in_task = kind.type.startswith("task.")
    fields: dict[str, Any] = {
        "id": {"type": "string", "description": "Its cursor"},
        "type": {"const": kind.type},
        "v": {"const": kind.v, "description": "Version of the data's form"},
        "task": {"type": "string", "description": "Task id" if in_task else "Empty"},
        "owner": {"type": "string", "minLength": 1, "maxLength": 255},
        "by": {"$ref": _SCHEMAS.format(model="Actor")},
        "at": {**_TIMES, "description": "By Redis' clock"},
        "attempt": {
            "type": "integer",
            "minimum": 0,
            "maximum": codec.MAX_ATTEMPT,
            "description": "0 before the first start",
        },
        "trace": {"type": ["string", "null"], "description": "W3C traceparent"},
        "data": {"$ref": _SCHEMAS.format(model=_name(kind))},
    }
    return {
        "name": kind.type,
        "title": kind.type,
        "summary": (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " "),
        "payload": {"type": "object", "required": list(fields), "properties": fields},
    }


def _actor() -> dict[str, Any]:
    kinds = TypeAdapter[Any](ActorKind).json_schema()
    return {
        "type": "object",
        "description": "Who caused it",
        "required": ["kind", "id"],
        "properties": {"kind": kinds, "id": {"type": "string"}},
    }

"""Owns how `key=value` becomes params, by the schema of the task type. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from milepost.errors import InvalidValue

Schema = Mapping[str, Any]


def params_of(assignments: Sequence[str], schema: Schema) -> dict[str, Any]:
    """Params of `key=value` (read as the schema has it) and `key:=JSON` (as it is).

    A key that is to be a list may be given several times, once for each element.

    Raises:
        InvalidValue: neither of them, no JSON, or a key twice that is no list.
    """
    params: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        literal = key.endswith(":")
        key = key.removesuffix(":")
        if not equals or not key:
            raise InvalidValue(f"{assignment!r} is not key=value")
        field = _property(schema, key)
        is_list = "array" in _types(schema, field)
        if literal:
            value = _json(key, text)
        elif is_list and not text.startswith("["):
            value = [_value(schema, field.get("items") or {}, key, text)]
        else:
            value = _value(schema, field, key, text)
        if key in params and not (is_list and isinstance(value, list)):
            raise InvalidValue(f"{key} is given twice")
        params[key] = [*params[key], *value] if key in params else value
    return params


def keys(schema: Schema) -> list[str]:
    """The names of the params that a task type has."""
    return list(schema.get("properties") or {})


def _value(schema: Schema, field: Schema, key: str, text: str) -> Any:
    """A text that may be a string is one; anything else is JSON."""
    types = _types(schema, field)
    if not types or "string" in types:
        return text
    return _json(key, text)


def _json(key: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as err:
        raise InvalidValue(f"{key}: {text!r} is neither a number, true, false nor JSON") from err


def _property(schema: Schema, key: str) -> Schema:
    properties: dict[str, Schema] = schema.get("properties") or {}
    return properties.get(key) or {}


def _types(schema: Schema, field: Schema) -> set[str]:
    """The JSON types a field may have, as far as the schema says it plainly."""
    return set(_plain_types(schema, field, depth=0))


def _plain_types(schema: Schema, field: Schema, depth: int) -> Iterator[str]:
    if depth > 8:  # a schema that names itself
        return
    own: Any = field.get("type") or ()
    yield from [own] if isinstance(own, str) else own
    values: list[Any] = [
        *(field.get("enum") or ()),
        *([field["const"]] if "const" in field else []),
    ]
    yield from ("string" for value in values if isinstance(value, str))
    name = str(field.get("$ref") or "")
    if name.startswith("#/$defs/"):
        defined: dict[str, Schema] = schema.get("$defs") or {}
        yield from _plain_types(schema, defined.get(name.removeprefix("#/$defs/")) or {}, depth + 1)
    for one in (*(field.get("anyOf") or ()), *(field.get("oneOf") or ())):
        yield from _plain_types(schema, one, depth + 1)

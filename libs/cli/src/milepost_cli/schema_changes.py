"""Owns what a change of a JSON Schema breaks, for who sends by it and for who reads by it. No I/O.

Made for what pydantic writes of JSON Schema 2020-12: $ref, anyOf, oneOf, type, enum, const,
properties, required, additionalProperties, items and bounds. A word it does not know it takes for a
constraint.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

Schema = Mapping[str, Any]
Direction = Literal["sent", "read"]
"""`sent`: others send it, and what was accepted has to be. `read`: others read it, and nothing may
come that did not, but for new fields and new values of an enumeration, which readers ignore."""

_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_FROM = "from $ref"
"""Added to what a reference has led to, as schemas refer to themselves."""
_WORDS = frozenset((
    "$ref", "$defs", "type", "enum", "const", "properties", "required",
    "additionalProperties", "items", "anyOf", "oneOf", "title", "description",
    "default", "examples", "discriminator", "deprecated",
    *_LEAST, *_MOST, _FROM,
))  # fmt: skip
"""What is compared by a rule of its own, or says nothing about values."""
Seen = frozenset[tuple[Any, Any]]
_ANYTHING = ("array", "boolean", "integer", "null", "number", "object", "string")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference of a contract."""

    at: str
    """Where, in words: `POST /api/submit/tasks, body.tags`."""
    what: str
    breaking: bool

    def __str__(self) -> str:
        return f"{self.at}: {self.what}"


@dataclass(frozen=True, slots=True)
class Documents:
    """The two that schemas refer into."""

    old: Mapping[str, Any]
    new: Mapping[str, Any]

    def changes(
        self,
        old: Schema,
        new: Schema,
        at: str,
        direction: Direction,
        seen: Seen = frozenset(),
    ) -> Iterator[Change]:
        """Compare two schemas."""
        befores, nows = _alternatives(old, self.old), _alternatives(new, self.new)
        # Whatever of these is possible has to be among those of the other side.
        wanted, offered = (befores, nows) if direction == "sent" else (nows, befores)
        for each in wanted:
            fitting = [other for other in offered if _same_kind(each, other)]
            if not fitting:
                word = "is no longer accepted" if direction == "sent" else "may come now"
                yield Change(at, f"{_name(each)} {word}", True)
                continue
            pairs = [(each, o) if direction == "sent" else (o, each) for o in fitting]
            found = [list(self._within(o, n, at, direction, seen)) for o, n in pairs]
            yield from min(found, key=lambda changes: sum(change.breaking for change in changes))

    def _within(
        self, old: Schema, new: Schema, at: str, direction: Direction, seen: Seen
    ) -> Iterator[Change]:
        """Compare two schemas of one type."""
        pair = (old.get(_FROM), new.get(_FROM))
        if pair in seen:
            return
        if None not in pair:
            seen |= {pair}
        yield from _values(old, new, at, direction)
        yield from _bounds(old, new, at, direction)
        for word in sorted((old.keys() | new.keys()) - _WORDS):
            before, now = old.get(word), new.get(word)
            if before != now:
                tighter, looser = before is None, now is None
                fine = looser if direction == "sent" else tighter
                yield Change(at, f"{word} was {before!r}, is {now!r}", not fine)
        yield from self._fields(old, new, at, direction, seen)
        if "items" in old and "items" in new:
            yield from self.changes(old["items"], new["items"], f"{at}[]", direction, seen)

    def _fields(
        self, old: Schema, new: Schema, at: str, direction: Direction, seen: Seen
    ) -> Iterator[Change]:
        before, now = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        for name in before:
            place = f"{at}.{name}"
            if name not in now:
                yield Change(place, "was taken away", True)
                continue
            if direction == "sent" and name in needs - needed:
                yield Change(place, "is required now", True)
            if direction == "read" and name in needed - needs:
                yield Change(place, "may be missing now", True)
            yield from self.changes(before[name], now[name], place, direction, seen)
        for name in now.keys() - before.keys():
            required = direction == "sent" and name in needs
            yield Change(f"{at}.{name}", "is new" + (" and required" if required else ""), required)
        open_before, open_now = (s.get("additionalProperties", True) for s in (old, new))
        if direction == "sent" and open_before is not False and open_now is False:
            yield Change(at, "other fields are refused now", True)
        if isinstance(open_before, dict) and isinstance(open_now, dict):
            values = cast(tuple[Schema, Schema], (open_before, open_now))
            yield from self.changes(*values, f"{at}.*", direction, seen)


def _values(old: Schema, new: Schema, at: str, direction: Direction) -> Iterator[Change]:
    before, now = _enumeration(old), _enumeration(new)
    if direction == "sent" and now is not None:
        gone = ["any other"] if before is None else [each for each in before if each not in now]
        for each in gone:
            yield Change(at, f"the value {each!r} is no longer accepted", True)
    elif direction == "read" and before is not None:
        if now is not None and not any(each in now for each in before):
            yield Change(at, f"was {before!r}, is {now!r}", True)
        elif now is None or any(each not in before for each in now):
            yield Change(at, "has new values", False)


def _bounds(old: Schema, new: Schema, at: str, direction: Direction) -> Iterator[Change]:
    for words, sign in ((_LEAST, 1), (_MOST, -1)):
        for word in words:
            before, now = old.get(word), new.get(word)
            if before == now:
                continue
            tighter = before is None or (now is not None and (now - before) * sign > 0)
            yield Change(at, f"{word} was {before}, is {now}", tighter == (direction == "sent"))


def _alternatives(schema: Schema, document: Mapping[str, Any]) -> list[Schema]:
    """A schema as schemas of one type each."""
    schema = _resolved(schema, document)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return [one for each in schema[word] for one in _alternatives(each, document)]
    types = schema.get("type")
    if types is None:
        values = _enumeration(schema)
        types = _ANYTHING if values is None else sorted({_type_of(each) for each in values})
    return [{**schema, "type": each} for each in ([types] if isinstance(types, str) else types)]


def _resolved(schema: Schema, document: Mapping[str, Any]) -> Schema:
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = {**found, _FROM: schema["$ref"]}
    return schema


def _same_kind(wanted: Schema, offered: Schema) -> bool:
    if wanted["type"] == offered["type"]:
        return True
    return wanted["type"] == "integer" and offered["type"] == "number"


def _enumeration(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _type_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _name(schema: Schema) -> str:
    return "null" if schema["type"] == "null" else f"a value of type {schema['type']}"

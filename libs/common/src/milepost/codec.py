"""Owns the stored form of events: stream entry fields to `Event` and back. Does no I/O.

An entry is lean: partition and stream id are the event's id, the type's prefix `task.` and the
version 1 are implied, `at` is stored only where it differs from the id's milliseconds, `by` only
where it is not the usual one, `trace` only where there is one. Fields:

    t type ("progressed", "inbox.read", "created/2")   k task id   o owner   a attempt   d JSON data
    [at ms]   [b "kind id"]   [x traceparent]

The Lua scripts write exactly these, in this order, so that Redis stores the names once a node.

No text that is decoded has U+0000 in it, which PostgreSQL stores nowhere: in ids it is refused, in
what tasks told it becomes U+FFFD, since a task's end must not be lost for the sake of a letter.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import from_json

from milepost import events
from milepost.cursors import StreamId
from milepost.errors import InvalidValue, NewerEvent, UndecodableEvent
from milepost.events import Actor, ActorKind, Event, Payload
from milepost.owners import check_owner

MAX_DATA_BYTES = 2 * 1024 * 1024
"""No event of ours is larger (params are 512 KiB at most); larger ones are mistakes."""

MAX_TASK_CHARS = 64
"""Of a task id: ours have 36."""

MAX_ATTEMPT = 2**31 - 1
"""What a database column holds; no task lives to see it."""

_SHORT = "task."
_NUL, _NUL_BYTES, _REPLACEMENT = "\\u0000", b"\\u0000", "\N{REPLACEMENT CHARACTER}"
_KINDS: frozenset[str] = frozenset(("owner", "service", "operator", "system", "task"))
_BY_OWNER = frozenset(
    ("task.created", "task.cancel_requested", "task.cancelled", "task.dismissed", "inbox.read")
)

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: dict[tuple[str, int], Upcaster] = {}
"""(type, version) -> the data of the next version."""


def stored_type(payload: type[Payload]) -> str:
    """The `t` field of a payload class."""
    short = payload.type.removeprefix(_SHORT)
    return short if payload.v == 1 else f"{short}/{payload.v}"


def encode_data(payload: Payload) -> str:
    """The `d` field: compact JSON without fields that have their default."""
    return payload.model_dump_json(exclude_defaults=True)


def usual_actor(type_name: str, owner: str, task: str) -> Actor:
    """Who causes events of this type when the entry does not say."""
    if type_name in _BY_OWNER:
        return Actor("owner", owner)
    if type_name == "task.returned":
        return Actor("system", "worker")
    return Actor("task", task)


def encode(event: Event) -> dict[str, str]:
    """The stored form of an event, without its id: what the Lua scripts write, from Python."""
    payload = event.payload
    fields = {
        "t": stored_type(type(payload)),
        "k": event.task,
        "o": event.owner,
        "a": str(event.attempt),
        "d": encode_data(payload),
    }
    if event.at != event.id.ms:
        fields["at"] = str(event.at)
    if event.by != usual_actor(payload.type, event.owner, event.task):
        fields["b"] = f"{event.by.kind} {event.by.id}"
    if event.trace:
        fields["x"] = event.trace
    return fields


def decode(partition: int, entry_id: bytes, fields: Mapping[bytes, bytes]) -> Event:
    """Read one log entry, of any released version.

    Raises:
        NewerEvent: its version is later than this code knows.
        UndecodableEvent: nobody can read it; the message is the reason.
    """
    size = sum(map(len, fields.values()))
    if size > MAX_DATA_BYTES:  # of whatever version: it would be kept and sent on
        raise UndecodableEvent(f"{size} bytes of data, at most {MAX_DATA_BYTES}")
    try:
        position = StreamId.parse(entry_id)
        type_name, version = type_and_version(fields[b"t"].decode())
        task, owner = _whose(fields, type_name)
        _refuse_nul(fields)
        payload = decode_data(type_name, version, fields[b"d"])
        attempt = _bounded(fields[b"a"], MAX_ATTEMPT)
        at = _bounded(fields.get(b"at", position.ms), events.MAX_TIME_MS)
        trace = fields[b"x"].decode() if b"x" in fields else None
        by = _actor(fields, type_name, owner, task)
    except KeyError as err:
        raise UndecodableEvent(f"the field {_name_of(err)} is missing") from err
    except (UnicodeDecodeError, InvalidValue, ValidationError, ValueError) as err:
        raise UndecodableEvent(_why(err)[:300]) from err
    return Event(partition, position, task, owner, by, at, attempt, trace, payload)


@lru_cache(maxsize=256)
def type_and_version(stored: str) -> tuple[str, int]:
    """Read a `t` field: `created/2` is (`task.created`, 2)."""
    name, _, version = stored.partition("/")
    if version and not version.isdecimal():
        raise ValueError(f"a version that is none: {version[:20]}")
    return name if "." in name else _SHORT + name, int(version or 1)


def decode_data(type_name: str, version: int, data: str | bytes) -> Payload:
    """Read a `d` field, of any released version, as the newest.

    Raises:
        NewerEvent: the version is later than this code knows.
        UndecodableEvent: it is larger than any of ours.
        ValidationError: it is not what it has to be.
    """
    model = events.type_names.get(type_name)
    if model is None:
        raise NewerEvent(f"unknown event type {type_name[:60]!r}")
    if version > model.v:
        raise NewerEvent(f"{type_name} version {version}, this code knows up to {model.v}")
    if len(data) > MAX_DATA_BYTES:
        raise UndecodableEvent(f"{len(data)} bytes of data, at most {MAX_DATA_BYTES}")
    if _NUL in data if isinstance(data, str) else _NUL_BYTES in data:
        return model.model_validate(
            _current(type_name, version, model, _without_nul(from_json(data)))
        )
    if version == model.v:
        # What model_validate_json does, without looking at arguments that we do not give.
        return model.__pydantic_validator__.validate_json(data)
    return model.model_validate(_current(type_name, version, model, from_json(data)))


def _current(type_name: str, version: int, model: type[Payload], raw: Any) -> Any:
    """Data of any version as the newest."""
    for step in range(version, model.v):
        raw = UPCASTERS[type_name, step](raw)
    return raw


def _without_nul(value: Any) -> Any:
    """JSON without U+0000, which is rare: text may as well say `\\u0000` letter by letter."""
    if isinstance(value, str):
        return value.replace("\0", _REPLACEMENT)
    if isinstance(value, list):
        return [_without_nul(each) for each in cast(list[Any], value)]
    if isinstance(value, dict):
        pairs = cast(dict[str, Any], value).items()
        return {_without_nul(name): _without_nul(each) for name, each in pairs}
    return value


def _why(err: ValueError | InvalidValue) -> str:
    """What is wrong with an entry, in words for operators."""
    if isinstance(err, UnicodeDecodeError):
        return "a field is not UTF-8"
    if isinstance(err, ValidationError):
        found = err.errors(include_url=False, include_input=False, include_context=False)
        return "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'data'}: {each['msg']}" for each in found
        )
    return str(err)


def _name_of(err: KeyError) -> str:
    """The field that was looked for."""
    name: object = err.args[0]
    return name.decode() if isinstance(name, bytes) else str(name)


def _whose(fields: Mapping[bytes, bytes], type_name: str) -> tuple[str, str]:
    task, owner = fields[b"k"].decode(), fields[b"o"].decode()
    if not owner or (not task and type_name.startswith(_SHORT)):
        raise ValueError("an event of nobody, or of no task")
    if len(task) > MAX_TASK_CHARS:
        raise ValueError(f"a task id of {len(task)} characters")
    return task, _checked(owner)


def _refuse_nul(fields: Mapping[bytes, bytes]) -> None:
    if b"\0" in b"".join(fields.values()):
        raise ValueError("U+0000 in a field")


_checked = lru_cache(maxsize=10_000)(check_owner)
"""A log has few owners and many events."""


def _bounded(number: bytes | int, most: int) -> int:
    try:
        value = int(number)
    except ValueError as err:
        raise ValueError("a number that is none") from err
    if not 0 <= value <= most:
        raise ValueError(f"{value} is not in 0..{most}")
    return value


def _actor(fields: Mapping[bytes, bytes], type_name: str, owner: str, task: str) -> Actor:
    if b"b" not in fields:
        return usual_actor(type_name, owner, task)
    kind, _, actor_id = fields[b"b"].decode().partition(" ")
    if kind not in _KINDS:
        raise UndecodableEvent(f"unknown kind of actor {kind[:40]!r}")
    actor_kind: ActorKind = kind  # pyright: ignore[reportAssignmentType]  # checked above
    return Actor(actor_kind, actor_id)

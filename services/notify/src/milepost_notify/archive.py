"""Owns how events are kept for ever: log entries to history rows, history rows back to events.

No I/O. The history has the log's own JSON: it is decoded, of whatever version, when it is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from pydantic_core import to_json

from milepost.codec import decode, decode_data, type_and_version
from milepost.cursors import StreamId
from milepost.errors import NewerEvent
from milepost.events import Actor, ActorKind, Event, Payload

Fields = Mapping[bytes, bytes]


class HistoryRow(TypedDict):
    """An event as the log had it."""

    partition: int
    position: str
    owner: str
    task_id: str
    """Empty for inbox.* events."""
    type: str
    v: int
    """Version of `data` as stored; it is brought up to date when decoded."""
    attempt: int
    at_ms: int
    by_kind: str
    by_id: str
    trace: str | None
    n: int | None
    """Number within the task of a progress event, from 1, for thinning; null for others, and for
    progress events that changed nothing."""
    data: str
    """JSON as the log had it: fields that have their default are left out."""


class ParkedRow(TypedDict):
    """An event that could not be projected, or came behind one of the same task."""

    partition: int
    position: str
    owner: str
    task_id: str
    reason: str
    fields: str
    """JSON object of the entry's fields, bytes as Latin-1: a replay decodes it again."""


class Logged(NamedTuple):
    """An entry that could be read."""

    event: Event
    fields: Fields
    n: int | None = None
    """Number of a progress event that the history has numbered already: thinning removes some, so
    they cannot be counted again. Null for all others, and for what comes from the log."""


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry that a later version of this code will read: whose it is, is known."""

    partition: int
    id: StreamId
    owner: str
    task: str
    fields: Fields
    reason: str


def take_in(partition: int, entry_id: bytes, fields: Fields) -> Logged | Unread:
    """Read a log entry.

    Raises:
        UndecodableEvent: nobody will ever read it; the message is the reason.
    """
    try:
        return Logged(decode(partition, entry_id, fields), fields)
    except NewerEvent as err:
        owner, task = fields[b"o"].decode(), fields[b"k"].decode()
        return Unread(partition, StreamId.parse(entry_id), owner, task, fields, str(err))


def history_row(logged: Logged, n: int | None) -> HistoryRow:
    """The row of an event; `n`: its number within the task, if it is a progress event."""
    event = logged.event
    stored = logged.fields[b"t"]
    return {
        "partition": event.partition,
        "position": event.id.sortable,
        "owner": event.owner,
        "task_id": event.task,
        "type": event.payload.type,
        "v": type_and_version(stored.decode())[1] if b"/" in stored else 1,
        "attempt": event.attempt,
        "at_ms": event.at,
        "by_kind": event.by.kind,
        "by_id": event.by.id,
        "trace": event.trace,
        "n": n,
        "data": logged.fields[b"d"].decode(),
    }


def archived(row: HistoryRow) -> Logged:
    """The event of a history row, to be folded again; without the fields it had in the log.

    Raises:
        NewerEvent: a later version of this code has written it.
    """
    kind: ActorKind = row["by_kind"]  # pyright: ignore[reportAssignmentType]  # as it was decoded
    event = Event(
        row["partition"],
        StreamId.from_sortable(row["position"]),
        row["task_id"],
        row["owner"],
        Actor(kind, row["by_id"]),
        row["at_ms"],
        row["attempt"],
        row["trace"],
        payload_of(row),
    )
    return Logged(event, {}, row["n"])


def parked_row(entry: Logged | Unread, reason: str) -> ParkedRow:
    """The row of an entry that waits for a replay."""
    if isinstance(entry, Logged):
        entry = Unread(
            entry.event.partition, entry.event.id, entry.event.owner, entry.event.task,
            entry.fields, reason,
        )  # fmt: skip
    fields = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in entry.fields.items()
    }
    return {
        "partition": entry.partition,
        "position": entry.id.sortable,
        "owner": entry.owner,
        "task_id": entry.task,
        "reason": reason,
        "fields": to_json(fields).decode(),
    }


def payload_of(row: HistoryRow) -> Payload:
    """What happened, of whatever version it was stored, as the newest one.

    Raises:
        NewerEvent: a later version of this code has written it.
    """
    return decode_data(row["type"], row["v"], row["data"])

"""Owns which tasks are in an export, as they were at its moment. Knows no form of it, no HTTP.

A task that has changed since is told from its history up to then, so that the same link always
gives the same file.
"""

from typing import Any, NamedTuple

from pydantic_core import from_json

from milepost.cursors import StreamId
from milepost_notify import export_rows, present
from milepost_notify.archive import HistoryRow, archived
from milepost_notify.projection import project
from milepost_notify.rows import TaskRow
from milepost_notify.store import Filters, Snapshot, Told

TASKS_AT_ONCE = 200
_EVENTS_AT_ONCE = 1000

Json = dict[str, Any]


class Part(NamedTuple):
    """Some of an owner's tasks, newest first."""

    records: list[Json]
    before: str | None
    """Position to go on before; null when there are no more."""


def behind(until: StreamId) -> str:
    """The position that the first part is before."""
    return StreamId(until.ms, until.seq + 1).sortable


def part(snapshot: Snapshot, owner: str, filters: Filters, until: StreamId, before: str) -> Part:
    """The next tasks of an export."""
    found = snapshot.tasks(owner, filters, "all", before=before, limit=TASKS_AT_ONCE)
    records = [_record(snapshot, told, until.sortable) for told in found]
    more = len(found) == TASKS_AT_ONCE
    return Part(records, found[-1].row["created_position"] if more else None)


def _record(snapshot: Snapshot, told: Told, until: str) -> Json:
    row = told.row
    params = {} if told.created is None else present.params_of(told.created)
    if row["position"] > until:
        row = _as_of(snapshot, row, until)
    result = None
    if row["ended_position"] is not None and row["status"] == "succeeded":
        if row["result"] is not None:
            result = from_json(row["result"])
        elif row["result_omitted"] and told.ended is not None:
            result = present.result_of(told.ended)
    return export_rows.record(row, params, result)


def _as_of(snapshot: Snapshot, now: TaskRow, until: str) -> TaskRow:
    """A task as its events up to a position made it; as it is now where they are gone."""
    row: TaskRow | None = None
    after: str | None = None
    while True:
        events = _events(snapshot, now, after)
        for event in events:
            if event["position"] > until:
                return row or now
            row = project(row, archived(event).event)
        if len(events) < _EVENTS_AT_ONCE:
            return row or now
        after = events[-1]["position"]


def _events(snapshot: Snapshot, row: TaskRow, after: str | None) -> list[HistoryRow]:
    return snapshot.events(
        row["owner"],
        row["id"],
        start=row["created_position"],
        after=after,
        limit=_EVENTS_AT_ONCE,
    )

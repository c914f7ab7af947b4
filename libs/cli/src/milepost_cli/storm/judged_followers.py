"""Owns what a storm's history says of what followers were shown: promises 3 and 4. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from milepost.task_state import ENDED
from milepost_cli.storm import records as r
from milepost_cli.storm.verdict import Finding


@dataclass(slots=True)
class _View:
    """What one follower has been shown so far."""

    cursors: set[str] = field(default_factory=set[str])
    """Rows told since it last began anew."""
    tasks: dict[str, r.Told] = field(default_factory=dict[str, r.Told])
    """The newest of each task, whatever it has forgotten since."""


def violations(records: Sequence[r.Record]) -> Iterable[Finding]:
    """What is wrong with what followers were told, and with what they had in the end."""
    views = dict[int, _View]()
    owners = {each.follower: each.owner for each in records if isinstance(each, r.Joined)}
    currents = {each.owner: each for each in records if isinstance(each, r.Current)}
    for each in records:
        if isinstance(each, r.Restarted):
            views.setdefault(each.follower, _View()).cursors.clear()
        elif isinstance(each, r.Told):
            yield from _told(views.setdefault(each.follower, _View()), each)
        elif isinstance(each, r.Held):
            current = currents.get(owners[each.follower])
            if current is not None:
                yield from _held(each, current)


def _told(view: _View, told: r.Told) -> Iterator[Finding]:
    if told.cursor in view.cursors:
        words = f"follower {told.follower} was told the same row twice"
        yield Finding("told_twice", told.task, words)
    view.cursors.add(told.cursor)
    before = view.tasks.get(told.task)
    view.tasks[told.task] = told
    if (told.progress >= 100) != (told.status == "succeeded"):
        yield Finding("hundred", told.task, f"shown as {told.status} at {told.progress} %")
    if before is None:
        return
    if before.status in ENDED and told.status != before.status:
        yield Finding("ends", told.task, f"shown as {before.status}, then as {told.status}")
    now, then = (told.attempt, told.progress), (before.attempt, before.progress)
    if now < then or told.dismissed < before.dismissed:
        yield Finding("backwards", told.task, f"shown at {then}, then at {now}")


def _held(held: r.Held, current: r.Current) -> Iterator[Finding]:
    """Who followed has what somebody has who comes new."""
    who = f"follower {held.follower}"
    for task, status in current.statuses.items():
        known = held.statuses.get(task)
        if status in ENDED and known != status and (known or task in current.tasks):
            words = f"{who} has it as {known or 'unknown'}, it is {status}"
            yield Finding("missed", task, words)
    missed = {
        task
        for task in held.tasks.keys() | current.tasks.keys()
        if held.tasks.get(task) != current.tasks.get(task)
    }
    if missed:
        task = min(missed)
        words = f"has {len(missed)} tasks otherwise than they are, such as {task}"
        yield Finding("missed", who, words)
    if held.unread != current.unread:
        yield Finding("missed", who, f"counts {held.unread} unread, there are {current.unread}")

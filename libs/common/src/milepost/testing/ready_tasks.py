"""Owns where a log in memory keeps its ready tasks, and whose turn it is: as `take.lua`. Pure."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from milepost.keys import PRIORITIES, Priority
from milepost.task_state import MAX_CRASHES
from milepost.testing.kept_task import KeptTask, Lane

EXPRESS = 3
"""Who has fewer tasks than this in a queue takes its express lane."""


class Line(NamedTuple):
    """Where tasks wait aside."""

    queue: str
    priority: Priority
    task_type: str
    suspects: bool


@dataclass(slots=True)
class ReadyTasks:
    """All queues. Owners' shares have no end, and there is always room."""

    _tasks: list[KeptTask] = field(default_factory=list[KeptTask])
    """Those in a lane, running ones included."""
    _aside: defaultdict[tuple[str, Line], deque[KeptTask]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    """Owner and line -> tasks that wait there."""
    _turns: dict[tuple[Line, str], None] = field(default_factory=dict[tuple[Line, str], None])
    """Lines and owners whose turn comes, the next one first."""
    _limited: defaultdict[tuple[str, str], set[Line]] = field(
        default_factory=lambda: defaultdict(set)
    )
    """Owner and type -> lines of tasks that wait for one of the running ones to end."""
    _running: defaultdict[tuple[str, str], set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )
    """Owner and type -> running tasks that count against the owner's limit."""
    _places: int = 0

    def add(self, task: KeptTask) -> None:
        """Queue a task behind all others; in the express lane where its owner has little."""
        self.remove(task)
        beside = [
            other
            for other in self._tasks
            if other.owner == task.owner and other.created.queue == task.created.queue
            and other.lane != "claimed"
        ]  # fmt: skip
        self._enter(task, "express" if len(beside) < EXPRESS else "queue")

    def remove(self, task: KeptTask) -> None:
        """Take a task out of its lane: it has ended, or waits for a time."""
        task.lane = None
        self._tasks = [other for other in self._tasks if other is not task]

    def free(self, task: KeptTask) -> None:
        """Count a task as running no more; what waited for that has its turn."""
        if task.slot is not None:
            slot = task.owner, task.slot
            self._running[slot].discard(task.id)
            for line in self._limited.pop(slot, set()):
                self._turns.setdefault((line, task.owner))

    def choose(self, queue: str, limits: Mapping[str, int], *, alone: bool) -> KeptTask | None:
        """The task whose turn it is, setting aside what has to wait; null when there is none.

        Args:
            limits: task type -> most running ones of an owner.
            alone: whether a suspect may be taken.
        """
        if alone and (suspect := self._suspect(queue, limits)):
            return suspect
        for priority in PRIORITIES:
            found = (
                self._next("express", queue, priority, limits)
                or self._claim(queue, priority, limits, suspects=False)
                or self._next("queue", queue, priority, limits)
            )
            if found:
                return found
        return self._suspect(queue, limits) if alone else None

    def _enter(self, task: KeptTask, lane: Lane) -> None:
        self._places += 1
        task.lane, task.place = lane, self._places
        self._tasks.append(task)

    def _next(
        self, lane: Lane, queue: str, priority: Priority, limits: Mapping[str, int]
    ) -> KeptTask | None:
        for task in list(self._tasks):
            about = task.lane, task.created.queue, task.created.priority, task.status
            if about == (lane, queue, priority, "queued") and self._may_start(task, limits):
                return task
        return None

    def _suspect(self, queue: str, limits: Mapping[str, int]) -> KeptTask | None:
        claims = (self._claim(queue, each, limits, suspects=True) for each in PRIORITIES)
        return next((task for task in claims if task), None)

    def _claim(
        self, queue: str, priority: Priority, limits: Mapping[str, int], *, suspects: bool
    ) -> KeptTask | None:
        while turn := next(
            (
                (line, owner)
                for line, owner in self._turns
                if line[:2] == (queue, priority) and line.suspects == suspects
            ),
            None,
        ):
            line, owner = turn
            del self._turns[turn]
            if self._is_at_limit(owner, line.task_type, limits):
                self._limited[owner, line.task_type].add(line)
                continue
            waiting = self._aside[owner, line]
            task, found = waiting.popleft(), False
            if task.status == "queued":  # else it has ended meanwhile
                self._enter(task, "claimed")
                found = self._may_start(task, limits, alone=suspects)
            if waiting:
                self._turns[turn] = None
            if found:
                return task
        return None

    def _may_start(self, task: KeptTask, limits: Mapping[str, int], *, alone: bool = False) -> bool:
        """Whether a task may start now; if not, it is set aside."""
        kind = task.created.task_type
        assert task.state is not None
        if task.state.crashes >= MAX_CRASHES - 1 and not alone:
            line = Line(task.created.queue, task.created.priority, kind, True)
            self._turns.setdefault((line, task.owner))
        elif self._is_at_limit(task.owner, kind, limits):
            line = Line(task.created.queue, task.created.priority, kind, False)
            self._limited[task.owner, kind].add(line)
        else:
            if kind in limits:
                self._running[task.owner, kind].add(task.id)
                task.slot = kind
            return True
        waiting = self._aside[task.owner, line]
        if task.lane == "claimed" or task.attempt:
            waiting.appendleft(task)
        else:
            waiting.append(task)
        self.remove(task)
        return False

    def _is_at_limit(self, owner: str, kind: str, limits: Mapping[str, int]) -> bool:
        return kind in limits and len(self._running[owner, kind]) >= limits[kind]

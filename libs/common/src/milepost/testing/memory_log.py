"""Owns a log and its queues in memory, for tests: what the Lua scripts do, decided by `task_state`.

One partition, one process, a clock of its own. It answers as the scripts do, to calls that come
twice too. It has no leases, and always room; owners' shares have no end.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from milepost import events as e
from milepost import task_state as ts
from milepost.events import Event
from milepost.testing.journal import Clock, Journal
from milepost.testing.kept_task import Answer, KeptTask, Started
from milepost.testing.ready_tasks import ReadyTasks

NO_LIMITS: Mapping[str, int] = MappingProxyType({})


class MemoryLog:
    """The log as owners and workers see it. Every method may be repeated, as the scripts may."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._journal = Journal(self.clock)
        self._tasks: dict[tuple[str, str], KeptTask] = {}
        self._ready = ReadyTasks()

    @property
    def events(self) -> list[Event]:
        """Everything that happened, oldest first."""
        return list(self._journal.events)

    def create(
        self, owner: str, task_id: str, created: e.TaskCreated, *, delay_ms: int | None = None
    ) -> None:
        """Accept a task, ready at once or in `delay_ms`; one that is known is left as it is."""
        if (owner, task_id) in self._tasks:
            return
        if delay_ms is not None:
            created = created.model_copy(update={"runs_at": self.clock.now_ms + delay_ms})
        task = self._tasks[owner, task_id] = KeptTask(task_id, owner, created, self._journal)
        task.do(ts.CreateTask(created))
        task.due_ms = self.clock.now_ms + (delay_ms or 0)
        if delay_ms is None:
            self._ready.add(task)

    def take(
        self,
        worker: str,
        *,
        queue: str = "default",
        limits: Mapping[str, int] = NO_LIMITS,
        alone: bool = True,
    ) -> Started | None:
        """Start the task whose turn it is, high priority first; null when none may start.

        Args:
            limits: task type -> most running ones of an owner.
            alone: whether the worker holds nothing else: then it may take a task that two workers
                vanished with.
        """
        for task in sorted(self._tasks.values(), key=lambda task: task.due_ms):
            if task.is_due:
                task.promote()
                self._ready.add(task)
        chosen = self._ready.choose(queue, limits, alone=alone)
        return chosen.start(worker) if chosen else None

    def next_due_ms(self) -> int | None:
        """When a waiting task is ready, on `clock`; null when none waits."""
        waiting = [task for task in self._tasks.values() if task.status in ts.WAITING]
        return min((task.due_ms for task in waiting), default=None)

    def report(self, started: Started, sequence: int, told: e.TaskProgressed) -> Answer:
        """Tell progress; a sequence not above the attempt's last one changes nothing."""
        task = self._tasks[started.owner, started.id]
        answer, fresh = task.hear("report", sequence, started)
        if fresh:
            task.do(ts.ReportProgress(started.attempt, told))
        return answer

    def log(self, started: Started, sequence: int, line: e.TaskLogged, *, most: int) -> Answer:
        """Append a line, at most `most` a task; repeatable as `report`."""
        task = self._tasks[started.owner, started.id]
        answer, fresh = task.hear("log", sequence, started)
        if fresh:
            task.lines += 1
            if task.lines <= most:
                task.tell(line)
        return answer

    def save(self, started: Started, sequence: int, state: bytes) -> Answer:
        """Keep what a later attempt goes on from; repeatable as `report`."""
        task = self._tasks[started.owner, started.id]
        answer, fresh = task.hear("save", sequence, started)
        if fresh:
            task.saved = state
        return answer

    def finish(
        self,
        started: Started,
        outcome: e.TaskSucceeded | e.TaskFailed | e.TaskCancelled | e.TaskRetrying,
        delay_ms: int | None = None,
    ) -> bool:
        """End an attempt, for good or until `delay_ms` from now; whether that end stands."""
        task = self._tasks[started.owner, started.id]
        if isinstance(outcome, e.TaskRetrying):
            due = self.clock.now_ms + (delay_ms or 0)
            outcome = outcome.model_copy(update={"runs_at": due})
            done = task.do(ts.RetryLater(started.attempt, started.worker, outcome))
            task.due_ms = due if done else task.due_ms
        else:
            done = task.do(ts.FinishTask(started.attempt, started.worker, outcome))
        if done:
            self._ready.remove(task)
            self._ready.free(task)
        return done is not None

    def release(self, worker: str, reason: Literal["shutdown", "worker_lost"]) -> int:
        """Queue again what a worker holds that stops or is dead; how many tasks it held."""
        released = list[KeptTask]()
        for task in sorted(self._tasks.values(), key=lambda task: task.order):
            if task.do(ts.ReturnTask(worker, reason, task.id[-12:])):
                released.append(task)
                task.due_ms = self.clock.now_ms
                if task.status == "queued":
                    self._ready.add(task)
                self._ready.free(task)
        for task in released:  # places of what ended are given back behind all, as the scripts do
            if task.status != "queued":
                self._ready.remove(task)
        return len(released)

    def cancel(self, owner: str, task_id: str) -> ts.Status | None:
        """Stop a task, or ask it to; its status after that, null when it is unknown here."""
        task = self._tasks.get((owner, task_id))
        if task is None:
            return None
        task.do(ts.CancelTask())
        if task.status == "cancelled":
            self._ready.remove(task)
        return task.status

    def dismiss(self, owner: str, task_id: str) -> str | None:
        """Show an ended task no more: "ok", the status of one that lives, null when unknown."""
        task = self._tasks.get((owner, task_id))
        if task is None:
            return None
        return task.status if task.do(ts.DismissTask()) is None else "ok"

    def status(self, owner: str, task_id: str) -> ts.Status | None:
        """A task's status; null when it is unknown here."""
        task = self._tasks.get((owner, task_id))
        return task.status if task else None

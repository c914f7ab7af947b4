"""A client that follows cursors and believes nothing: what it was told, if it may be so."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from milepost.cursors import Cursor
from milepost.task_state import ENDED
from milepost_notify.rows import TASK_PROGRESS

Place = tuple[int, int, int]
CHANGING = ("eta_at", "liveness", "queue_position")
"""What the clock and the queue change without an event."""


@dataclass
class Follower:
    """One client's view of its owner's tasks."""

    owner: str
    cursor: str | None = None
    """What it would ask with next; null for the beginning of the state."""
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    unread: int = 0
    rows: int = 0
    gaps: int = 0
    _newest: Place = (0, 0, 0)

    def start_over(self) -> None:
        """Forget everything: the current state comes next."""
        self.cursor, self.tasks, self.unread, self._newest = None, {}, 0, (0, 0, 0)

    def gap(self) -> None:
        """What was known is replaced by what follows."""
        self.gaps += 1
        self.start_over()

    def take(self, rows: Iterable[dict[str, Any]], *, before: dict[str, Any] | None = None) -> None:
        """Take rows in; `before` is what was known of tasks before a gap.

        Raises:
            AssertionError: another's, twice as new, out of order, or backwards.
        """
        for row in rows:
            place = _place(row["id"])
            assert place > self._newest, f"{self.owner} was told twice, or out of order: {row}"
            self._newest, self.cursor = place, row["id"]
            self.rows += 1
            if row["name"] == TASK_PROGRESS:
                task = row["data"]
                assert task["owner"] == self.owner, f"{self.owner} was told of another's: {row}"
                _follows((before or self.tasks).get(task["task_id"]), task)
                self.tasks[task["task_id"]] = task
            else:
                self.unread = row["data"]

    def page(self, answer: dict[str, Any]) -> None:
        """Take a poll's answer in."""
        before = self.tasks
        if answer["gap"]:
            self.gap()
        self.take(answer["notifications"], before=before if answer["gap"] else None)
        self.cursor = answer["cursor"]

    @property
    def shown(self) -> dict[str, dict[str, Any]]:
        """Every task not dismissed, without what only the clock changes."""
        return {
            task["task_id"]: {name: task[name] for name in task if name not in CHANGING}
            for task in self.tasks.values()
            if not task["dismissed"]
        }


def _place(text: str) -> Place:
    cursor = Cursor.parse(text)
    return cursor.id.ms, cursor.id.seq, cursor.ordinal


def _follows(before: dict[str, Any] | None, after: dict[str, Any]) -> None:
    """Whether one view of a task may come after another."""
    if before is None:
        return
    if before["status"] in ENDED:
        assert after["status"] == before["status"], f"an end was undone: {before} {after}"
    assert after["attempt"] >= before["attempt"], f"an attempt was undone: {before} {after}"
    if after["attempt"] == before["attempt"]:
        assert after["progress"] >= before["progress"], f"progress fell: {before} {after}"
    assert after["dismissed"] >= before["dismissed"], f"a dismissal was undone: {before} {after}"
    newer, older = (Cursor.parse(each["revision"]).id for each in (after, before))
    assert newer >= older, f"an older state came later: {before} {after}"

"""Owns what a batch of events starts from, and what it does to the read models. No I/O."""

from dataclasses import dataclass, field
from typing import NamedTuple

from milepost.cursors import StreamId
from milepost_notify.archive import HistoryRow, ParkedRow
from milepost_notify.rows import InboxRow, NotificationRow, TaskKey, TaskRow


@dataclass(slots=True)
class Known:
    """The rows a batch starts from: at least every task and inbox it names, and for an inbox.read
    every unread ended task of its owner. Those last changed stand at the end."""

    tasks: dict[TaskKey, TaskRow] = field(default_factory=dict[TaskKey, TaskRow])
    inboxes: dict[str, InboxRow] = field(default_factory=dict[str, InboxRow])
    parked: set[TaskKey] = field(default_factory=set[TaskKey])
    """Tasks of which an event could not be projected: everything later waits behind it."""
    children: dict[TaskKey, int] = field(default_factory=dict[TaskKey, int])
    """For a replay: how many known tasks have this one as their parent, which is not known yet."""
    gone: set[TaskKey] = field(default_factory=set[TaskKey])
    """Tasks that retention has taken out, which are stored until that is saved."""


class Gone(NamedTuple):
    """A task that retention takes out."""

    owner: str
    task_id: str
    below: str | None = None
    """Only its history below this position goes: its id was used again. Null: all of it goes."""


@dataclass(slots=True)
class Changes:
    """What a batch does to the read models: each row once, as it is in the end."""

    tasks: dict[TaskKey, TaskRow] = field(default_factory=dict[TaskKey, TaskRow])
    inboxes: dict[str, InboxRow] = field(default_factory=dict[str, InboxRow])
    notifications: dict[tuple[str, str, str], NotificationRow] = field(
        default_factory=dict[tuple[str, str, str], NotificationRow]
    )
    history: list[HistoryRow] = field(default_factory=list[HistoryRow])
    parked: list[ParkedRow] = field(default_factory=list[ParkedRow])
    thinned: set[str] = field(default_factory=set[str])
    """Positions of progress events that leave the history: later ones have taken their place."""
    crowded: set[TaskKey] = field(default_factory=set[TaskKey])
    """Tasks that have so many progress events now that fewer of the old ones stay: which go
    (`thinning.surplus`) is found once those of this batch are stored."""

    gone: list[Gone] = field(default_factory=list[Gone])
    """What is kept no longer."""
    retained: StreamId | None = None
    """Retention has looked at everything up to here; null: it did not look."""

    @property
    def owners(self) -> set[str]:
        """Whom it changes something for."""
        return {owner for owner, _, _ in self.notifications}

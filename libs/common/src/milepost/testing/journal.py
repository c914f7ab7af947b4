"""Owns the events of a log in memory and the clock they are stamped by. Decides nothing."""

from dataclasses import dataclass, field

from milepost.codec import decode, encode, usual_actor
from milepost.cursors import ZERO, StreamId
from milepost.events import Event, Payload


@dataclass(slots=True)
class Clock:
    """A clock that nobody has to wait for."""

    now_ms: int = 1_767_225_600_000
    """Milliseconds since the epoch; starts with the year 2026."""

    def jump(self, to_ms: int) -> None:
        """Go forwards to a time; an earlier one changes nothing."""
        self.now_ms = max(self.now_ms, to_ms)


@dataclass(slots=True)
class Journal:
    """Every event, oldest first, as a reader of the log gets it: encoded once and decoded."""

    clock: Clock
    events: list[Event] = field(default_factory=list[Event])

    def append(self, owner: str, task_id: str, attempt: int, payload: Payload) -> None:
        """Note that something happened, now."""
        ms = self.clock.now_ms
        last = self.events[-1].id if self.events else ZERO
        position = StreamId(ms, last.seq + 1 if last.ms == ms else 0)
        by = usual_actor(payload.type, owner, task_id)
        event = Event(0, position, task_id, owner, by, ms, attempt, None, payload)
        stored = {name.encode(): value.encode() for name, value in encode(event).items()}
        self.events.append(decode(0, str(position).encode(), stored))

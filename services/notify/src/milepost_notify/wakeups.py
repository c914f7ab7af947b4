"""Owns what a projector announces after each commit, and its JSON. Sends nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from pydantic_core import from_json, to_json

from milepost.cursors import StreamId
from milepost.errors import InvalidCursor, InvalidValue
from milepost_notify.checkpoints import Checkpoint

MOST_OWNERS = 500
"""More at once are announced as everybody."""


@dataclass(frozen=True, slots=True)
class WakeUp:
    """The checkpoint has moved, or, where `start` equals `end`, it has not."""

    log_id: str
    era: int
    start: StreamId
    """Checkpoint before; the last announcement's `end`, or one got lost."""
    end: StreamId
    """Committed checkpoint."""
    owners: frozenset[str] | None
    """Whom it changed something for; null: anybody."""

    @classmethod
    def of(cls, start: Checkpoint, end: Checkpoint, owners: Collection[str] | None) -> Self:
        """Announce that `end` follows `start`."""
        if owners is not None and len(owners) > MOST_OWNERS:
            owners = None
        named = None if owners is None else frozenset(owners)
        return cls(end.log_id, end.era, start.position, end.position, named)

    def encode(self) -> bytes:
        """Its JSON: `{log, era, from, to, owners | all}`."""
        told: dict[str, Any] = {"log": self.log_id, "era": self.era}
        told |= {"from": str(self.start), "to": str(self.end)}
        told |= {"all": True} if self.owners is None else {"owners": sorted(self.owners)}
        return to_json(told)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read it back; fields not known here are ignored.

        Raises:
            InvalidValue: it is none.
        """
        try:
            told = from_json(raw)
            owners = None if told.get("all") else frozenset(map(str, told["owners"]))
            start, end = StreamId.parse(told["from"]), StreamId.parse(told["to"])
            return cls(str(told["log"]), int(told["era"]), start, end, owners)
        except (ValueError, KeyError, TypeError, AttributeError, InvalidCursor) as err:
            raise InvalidValue(f"no wake-up: {type(err).__name__}") from err

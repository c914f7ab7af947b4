"""Owns which of several projector replicas projects a partition. No I/O; the clock is an argument.

A replica says about once a second that it is there, and counts for 3 s after that: a lease on its
share of the partitions, which nobody writes down. It saves work and decides nothing: two that
project a partition at once change nothing twice, by the conditional update of the checkpoint.
"""

from dataclasses import dataclass
from typing import Self

from pydantic_core import from_json, to_json

from milepost.errors import InvalidValue

SILENT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Sign:
    """What a replica says of itself."""

    name: str
    """Of the process' incarnation: host, pid, random."""
    leaving: bool = False
    """It projects no more: its share is free at once."""

    def encode(self) -> bytes:
        """Its JSON."""
        return to_json({"name": self.name, "leaving": self.leaving})

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read it back; fields not known here are ignored.

        Raises:
            InvalidValue: it is none.
        """
        try:
            told = from_json(raw)
            return cls(str(told["name"]), bool(told.get("leaving", False)))
        except (ValueError, KeyError, TypeError, AttributeError) as err:
            raise InvalidValue(f"no sign of a replica: {type(err).__name__}") from err


class Replicas:
    """All replicas, as one of them knows them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._heard = dict[str, float]()
        """The others, and when each was last heard."""

    def hear(self, sign: Sign, now: float) -> bool:
        """Take in a sign; whether it is of somebody new, who does not know us either."""
        if sign.name == self.name:
            return False
        if sign.leaving:
            self._heard.pop(sign.name, None)
            return False
        new = sign.name not in self._heard
        self._heard[sign.name] = now
        return new

    def deaf_until(self, now: float) -> None:
        """Nothing could be heard up to now: that makes nobody silent."""
        self._heard = dict.fromkeys(self._heard, now)

    def forget_silent(self, now: float) -> None:
        """Count no more who was not heard for 3 s. To be called while all could be heard."""
        self._heard = {
            name: at for name, at in self._heard.items() if now - at <= SILENT_SECONDS
        }  # fmt: skip

    def mine(self, partition: int) -> bool:
        """Whether the partition is ours: the living take turns, in the order of their names."""
        names = sorted([self.name, *self._heard])
        return names[partition % len(names)] == self.name

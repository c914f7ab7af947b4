"""Owns what is known of a pause: a queue or task type of which nothing is started. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from pydantic_core import from_json, to_json

What = Literal["queue", "type"]


@dataclass(frozen=True, slots=True)
class Pause:
    """A queue or task type that an operator has paused."""

    what: What
    name: str
    since_ms: int
    """By Redis' clock."""
    by: str
    """The operator, as an owner; not for owners of tasks to see."""
    reason: str | None
    """For everybody whose tasks wait; null for none."""
    everywhere: bool = True
    """Whether it holds in all partitions; if not, a command was cut short and is to be repeated."""


def field_of(what: What, name: str) -> str:
    """Its field in the hash of a partition."""
    return f"{what} {name}"


def details_of(by: str, reason: str | None) -> str:
    """Who and why, as stored behind the time."""
    return to_json({"by": by, "reason": reason}).decode()


def read(what: str, name: str, value: bytes) -> Pause:
    """A pause as stored."""
    since, _, details = value.partition(b" ")
    told = from_json(details)
    return Pause(cast(What, what), name, int(since), told["by"], told["reason"])


def read_all(fields: Mapping[bytes, bytes]) -> list[Pause]:
    """All of one partition."""
    found = list[Pause]()
    for field, value in fields.items():
        what, _, name = field.decode().partition(" ")
        found.append(read(what, name, value))
    return found


def joined(partitions: list[list[Pause]]) -> list[Pause]:
    """Those of all partitions, by what and name; the first that said so counts."""
    by_name: dict[tuple[What, str], list[Pause]] = {}
    for pauses in partitions:
        for pause in pauses:
            by_name.setdefault((pause.what, pause.name), []).append(pause)
    return [
        Pause(what, name, first.since_ms, first.by, first.reason, len(same) == len(partitions))
        for (what, name), same in sorted(by_name.items())
        for first in (min(same, key=lambda each: each.since_ms),)
    ]

"""Owns the dead letters of all partitions, for operators: to see, to try again, to remove."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from milepost.cursors import StreamId
from milepost.errors import InvalidCursor, InvalidValue
from milepost.events import Actor
from milepost.keys import PartitionKeys
from milepost_log.scripts import call
from milepost_log.servers import Servers

_WORDS = {
    "unknown": "there is no such dead letter (any more)",
    "log": "an event of the log: what wrote it would have to write it again",
    "nameless": "it names no task",
    "gone": "its task is not there (any more)",
    "elsewhere": "its task goes on without it",
    "ended": "its task has ended",
    "waits": "its task waits for it: put that right and redrive it, or cancel the task",
}
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What nobody could read."""

    id: str
    """`partition:stream id` of the letter."""
    stream: str
    """`log`, or the key of a queue stream."""
    entry: str
    """Its stream id there."""
    reason: str
    age_seconds: float
    task: str | None
    """Id of the task it names; null for none."""
    owner_hash: str | None
    """Whose, as in Redis' keys."""


class DeadLetters:
    """Those of a deployment. Every call raises LogUnavailable when Redis does not answer."""

    def __init__(self, servers: Servers, namespace: str, partitions: int) -> None:
        self._servers = servers
        self._partitions = [PartitionKeys(namespace, number) for number in range(partitions)]

    def all(self) -> list[DeadLetter]:
        """Every one, partition by partition, oldest first."""
        found: list[DeadLetter] = []
        for keys in self._partitions:
            with self._servers.at(keys.dead) as client:
                now = cast(tuple[int, int], client.time())  # pyright: ignore  # untyped
                rows = cast(list[Any], client.xrange(keys.dead, count=_PAGE))  # pyright: ignore  # untyped
            found += [letter_of(keys.partition, row, now[0]) for row in rows]
        return found

    def redrive(self, letters: Sequence[str], by: Actor) -> dict[str, str | None]:
        """Put the tasks of dead queue entries into their queues again: letter id -> why not, or
        null when it was done, which the log says.

        Args:
            by: who does it.

        Raises:
            InvalidValue: an id is none.
        """
        return self._each("redrive", "redriven", letters, f"{by.kind} {by.id}")

    def drop(self, letters: Sequence[str]) -> dict[str, str | None]:
        """Remove dead letters: letter id -> why not, or null when it was done. One whose task has
        nothing but the letter stays.

        Raises:
            InvalidValue: an id is none.
        """
        return self._each("drop", "dropped", letters)

    def _each(
        self, script: str, done: str, letters: Sequence[str], *also: str
    ) -> dict[str, str | None]:
        by_partition: dict[int, list[str]] = {}
        for letter in letters:
            number, _, position = letter.partition(":")
            try:
                StreamId.parse(position)
                keys = self._partitions[int(number)] if number.isdecimal() else None
            except (InvalidCursor, IndexError):
                keys = None
            if keys is None:
                raise InvalidValue(f"{letter[:60]!r} is no id of a dead letter")
            by_partition.setdefault(keys.partition, []).append(position)
        answers: dict[str, str | None] = {}
        for number, ids in by_partition.items():
            keys = self._partitions[number]
            said = call(self._servers, script, [keys.log, keys.dead], [keys.prefix, *also, *ids])
            for position, word in zip(ids, said, strict=True):
                text = word.decode()
                outcome = None if text == done else _WORDS.get(text, text)
                answers[f"{number}:{position}"] = outcome
        return answers


def letter_of(partition: int, row: Any, now: float) -> DeadLetter:
    """A stream entry as a letter; `now` in seconds by Redis' clock."""
    letter_id, fields = row
    said = {name: fields.get(name, b"").decode(errors="replace") for name in _NAMES}
    age = max(0.0, now - StreamId.parse(letter_id).ms / 1000)
    return DeadLetter(
        f"{partition}:{letter_id.decode()}", said[b"stream"], said[b"entry"], said[b"reason"], age,
        said[b".k"] or None, said[b".o"] or None,
    )  # fmt: skip


_NAMES = (b"stream", b"entry", b"reason", b".k", b".o")

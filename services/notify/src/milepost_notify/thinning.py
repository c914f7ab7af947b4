"""Owns which progress events stay in a task's history. No I/O.

Those numbered with a multiple of 2^k stay, k the smallest that keeps them under `MOST`; besides
them the first and the last of each attempt. What stays depends on the numbers alone, so on no
batches; it is found again by whoever thins twice; and it is all that the task's row is folded from.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

MOST = 200
"""A task keeps fewer, firsts and lasts of attempts aside."""


class Numbered(NamedTuple):
    """A progress event of a task, as far as thinning looks at it."""

    position: str
    n: int
    """Its number within the task, from 1."""
    attempt: int


def stride(count: int) -> int:
    """Of `count` progress events those stay whose number is a multiple of this power of two."""
    return 1 << (count // MOST).bit_length()


def surplus(rows: Sequence[Numbered]) -> list[str]:
    """The positions of those that go.

    Args:
        rows: all progress events of a task that are still there, oldest first. Where its id was
            used again the numbers begin again, and each such task is thinned by itself.
    """
    gone, start = list[str](), 0
    for at in range(1, len(rows) + 1):
        if at == len(rows) or rows[at].n <= rows[at - 1].n:
            gone += _surplus(rows[start:at])
            start = at
    return gone


def _surplus(rows: Sequence[Numbered]) -> list[str]:
    step, edges = stride(rows[-1].n), _edges(rows)
    return [row.position for row in rows if row.n % step and row.n not in edges]


def _edges(rows: Iterable[Numbered]) -> set[int]:
    """The numbers of the first and the last of each attempt."""
    first, last = dict[int, int](), dict[int, int]()
    for row in rows:
        first.setdefault(row.attempt, row.n)
        last[row.attempt] = row.n
    return {*first.values(), *last.values()}

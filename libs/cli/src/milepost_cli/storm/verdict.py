"""Owns what a storm comes to: findings, each of a promise of the README. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

PROMISED_SECONDS = 5.0
"""How long a blow may be felt, after the README; what is `slow` is chosen for each storm."""
RULES = {
    "lost": 1,
    "unknown": 1,
    "doubled": 2,
    "ends": 2,
    "attempts": 2,
    "result": 2,
    "backwards": 3,
    "hundred": 3,
    "missed": 4,
    "told_twice": 4,
    "foreign": 4,
    "slow": 5,
    "denied": 6,
    "refused": 6,
    "rebuilt": 0,
    "idle": 0,
}
"""Rule -> number of the promise in the README that it holds to; 0: none of those."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation."""

    rule: str
    """One of `RULES`."""
    about: str
    """A task's id, `owner 3`, `follower 4` or a blow."""
    words: str

    @property
    def promise(self) -> int:
        """Its number in the README; 0 for none."""
        return RULES[self.rule]


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long a blow was felt, in seconds from its end; null: until the end of the storm."""

    blow: str
    commands: float | None
    """To the first command that was answered well."""
    news: float | None
    """To the first change that a follower was told of."""

    @property
    def longest(self) -> float:
        """The longer of both; infinite for until the end."""
        return max(inf if each is None else each for each in (self.commands, self.news))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a history shows."""

    findings: tuple[Finding, ...]
    recoveries: tuple[Recovery, ...]
    counts: Counter[str] = field(default_factory=Counter[str])
    """How much of what there was: `accepted`, `succeeded`, `poll 200`, `blows`, ..."""

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not self.findings

    @property
    def rules(self) -> frozenset[str]:
        """The rules that were violated."""
        return frozenset(found.rule for found in self.findings)


def worst(recoveries: Iterable[Recovery]) -> dict[str, tuple[int, float | None, float | None]]:
    """Of each kind of blow: how many, and the longest recovery of commands and of news."""
    found = dict[str, tuple[int, float | None, float | None]]()
    for each in recoveries:
        if each.blow not in found:
            found[each.blow] = (1, each.commands, each.news)
            continue
        count, commands, news = found[each.blow]
        found[each.blow] = (count + 1, _later(commands, each.commands), _later(news, each.news))
    return found


def _later(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else max(one, other)

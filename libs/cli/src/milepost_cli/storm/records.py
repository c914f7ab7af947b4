"""Owns what a storm remembers: one frozen value for each thing that happened. Pure, judges nothing.

Times (`at`) are seconds since the storm began, of the checker's own monotonic clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass

UNKNOWN_OR_LATER = (404, 408, 429)
"""Answers that there is no such thing for who asks, or to ask again."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A follower of an owner's tasks; both by number."""

    follower: int
    owner: int


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to any request; every one is recorded."""

    at: float
    owner: int
    call: str
    """What was asked: `submit`, `poll`, ...; `pry` asks for another owner's task."""
    status: int
    """Of HTTP; 0 where no answer came."""
    seconds: float
    """Since the request was sent."""
    marks: frozenset[int]
    """Owners whose secret mark is in the answer's bytes."""
    task: str = ""
    """The accepted task it was about; empty for none."""

    @property
    def asked_at(self) -> float:
        """When the request was sent."""
        return self.at - self.seconds

    @property
    def accepts(self) -> bool:
        """Whether it shows that commands are taken."""
        return self.call == "submit" and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Accepted:
    """A task that was answered with 201, or with 200 where it was asked for again."""

    at: float
    owner: int
    task: str
    key: str
    """What names the request: an Idempotency-Key, the place in it for a batch; else the id."""
    revision: str
    result: str | None = None
    """The result it has to have if it succeeds, as canonical JSON; null: any."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A task of a request that had to be refused, by the id that the client chose: it must not be
    there."""

    at: float
    owner: int
    task: str
    status: int
    """The answer."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request to make tasks that got no answer until the end: they may exist, or not."""

    owner: int
    key: str
    tasks: tuple[str, ...]
    """Ids that the client chose; empty where the server chooses."""


@dataclass(frozen=True, slots=True)
class Told:
    """A follower was told of a task."""

    at: float
    follower: int
    cursor: str
    task: str
    status: str
    attempt: int
    progress: float
    dismissed: bool


@dataclass(frozen=True, slots=True)
class Restarted:
    """A follower forgot everything: told of a gap, or like a page that is loaded again."""

    at: float
    follower: int
    gap: bool


@dataclass(frozen=True, slots=True)
class Struck:
    """Something was done to a part of the deployment."""

    at: float
    blow: str
    until: float
    """When the harm itself was over: a frozen process went on. What was killed: `at`."""


@dataclass(frozen=True, slots=True)
class Calmed:
    """From here on nothing is struck and nothing new is asked for."""

    at: float


@dataclass(frozen=True, slots=True)
class Past:
    """One event of a task's history."""

    type: str
    attempt: int
    progress: float | None = None
    """Of `task.progressed` alone."""


@dataclass(frozen=True, slots=True)
class Archived:
    """A task's whole history, as it was at the end; of an accepted task without one it is empty."""

    owner: int
    task: str
    events: tuple[Past, ...]


@dataclass(frozen=True, slots=True)
class Current:
    """What somebody who comes new at the end is shown of an owner's tasks."""

    owner: int
    tasks: Mapping[str, str]
    """Task -> what is shown of it, as canonical JSON without what only the clock changes."""
    statuses: Mapping[str, str]
    """Task -> status: of every task, dismissed ones too."""
    results: Mapping[str, str]
    """Succeeded task -> its result, as canonical JSON; without those that are left out."""
    unread: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a follower knows at the end, in the form of `Current`."""

    follower: int
    tasks: Mapping[str, str]
    statuses: Mapping[str, str]
    unread: int


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild of the read models out of the history would change, where one could be asked
    for."""

    differences: str
    """In words; empty for none."""


Record = (
    Joined | Answered | Accepted | Bad | Unanswered | Told | Restarted | Struck | Calmed
    | Archived | Current | Held | Rebuilt
)  # fmt: skip

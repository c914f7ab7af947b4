"""Owns how one request is made until it is answered: what is repeated, and when it is given up.

Sends nothing: a conversation yields what to ask and is told the answer, so that threads and asyncio
are served by the same code (see `http_exchange`).
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar, cast

from milepost.errors import (
    Conflict,
    InvalidRequest,
    NotAllowed,
    NotEnded,
    NotFound,
    NotSignedIn,
    RequestRefused,
    TooMany,
    Unreachable,
)
from milepost.records import Task

ANSWER_SECONDS = 10.0
PAUSES_SECONDS = (0.1, 0.3, 1.0, 2.0, 4.0)
"""Between tries, while a service cannot be reached or asks to come again."""
PATIENT_PAUSES_SECONDS = (*PAUSES_SECONDS, *(5.0,) * 12)
"""For who has a task under way: a deployment may take a minute to come back."""
LONGEST_RETRY_AFTER_SECONDS = 10.0

_ERRORS: Mapping[int, type[RequestRefused]] = {
    400: InvalidRequest,
    401: NotSignedIn,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    413: InvalidRequest,
    422: InvalidRequest,
    429: TooMany,
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request."""

    service: Literal["submit", "notify"]
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, Any] | None = None
    seconds: float = ANSWER_SECONDS
    """How long to wait for the answer."""
    key: str | None = None
    """Idempotency-Key: what makes a command safe to repeat whose body has no id of its own."""
    task: str | None = None
    """The only task it reads: credentials that can be narrowed are good for that one alone."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is to be done for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request."""

    status: int
    """Of HTTP; 0 when there was no answer."""
    body: Any = None
    """Decoded JSON; null for what is none."""
    reason: str = ""
    """Why there was no answer."""
    retry_after_seconds: float = 0.0


Step = Ask | Pause | Task
"""A Task is told to whoever follows."""
Conversation = Generator[Step, Answer | None, T]
"""Is sent the answer to an Ask, and null to everything else."""


def answered(ask: Ask, pauses: Iterable[float] = PAUSES_SECONDS) -> Conversation[Any]:
    """Ask until there is an answer; the body of a good one.

    What went wrong on the other side (5xx, no answer) is asked again, so every command has to be
    safe to repeat. A query refused for coming too often is asked again as well.

    Raises:
        RequestRefused: one of its kinds.
        Unreachable: no answer, after the last of `pauses`.
    """
    reason = ""
    for pause in (*pauses, None):
        answer = yield ask
        assert answer is not None, "who carries it out answers an Ask"
        if 200 <= answer.status < 300 and isinstance(answer.body, dict | list | None):
            return cast(Any, answer.body)
        too_often = answer.status == 429 and ask.method == "GET"
        if 400 <= answer.status < 500 and not too_often:
            raise refusal(answer)
        reason = answer.reason or _what(answer)
        if pause is not None:
            asked_for = min(answer.retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS)
            yield Pause(max(pause, asked_for))
    raise Unreachable(f"{ask.service}: {reason}")


def refusal(answer: Answer) -> RequestRefused:
    """The error that an answer of 400 to 499 is."""
    problem: Mapping[str, Any] = {"title": _what(answer)}
    if isinstance(answer.body, dict):
        problem = cast(dict[str, Any], answer.body)
    return _ERRORS.get(answer.status, RequestRefused)(answer.status, problem)


def within(
    conversation: Conversation[T], seconds: float | None, monotonic: Callable[[], float]
) -> Conversation[T]:
    """The same, for at most so long; null for as long as it takes. 0 looks once.

    Raises:
        NotEnded: it takes longer.
    """
    if seconds is None:
        return (yield from conversation)
    deadline = monotonic() + seconds
    step, least = next(conversation), 1.0
    while True:
        left = max(deadline - monotonic(), least)
        if left <= 0 and not isinstance(step, Task):
            raise NotEnded(f"the task has not ended within {seconds:g} s")
        if not isinstance(step, Task):
            step = replace(step, seconds=min(step.seconds, left))
        answer, least = (yield step), 0.0
        try:
            step = conversation.send(answer)
        except StopIteration as end:
            return end.value


def _what(answer: Answer) -> str:
    return f"answered {answer.status}" if answer.status >= 300 else "answered what is not ours"

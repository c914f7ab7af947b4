"""Owns every exception Milepost raises on purpose; holds no behaviour beyond carrying facts.

MilepostError
|-- InvalidValue            a value from outside is not what it has to be (422)
|   |-- InvalidCursor       a string that is not a cursor
|   |-- InvalidToken        credentials that prove nothing (401)
|   `-- ParamsChanged       stored params that the task function does not want (any more)
|-- RequestRefused          a service said no; carries its problem details (RFC 9457)
|   |-- InvalidRequest      what was sent is not what it has to be (400, 413, 422)
|   |-- NotSignedIn         credentials that are missing or no good (401)
|   |-- NotAllowed          good credentials, but not for this (403)
|   |-- NotFound            no such task or task type, or another's (404)
|   |-- Conflict            the task's state forbids it (409)
|   `-- TooMany             live tasks, requests or connections of one owner (429)
|-- Unreachable             a service gave no useful answer, after several tries
|-- NotEnded                a task runs longer than `wait` was to wait
|-- Refused                 the state machine forbids the command (409)
|-- UndecodableEvent        a log entry nobody can read; goes to the dead letters
|   `-- NewerEvent          an event of a later version; parked until the code knows it
|-- LogUnavailable          Redis did not answer, or not as promised (503)
|   `-- LogFull             Redis has no room for more; what frees room still works
|-- ConfigurationError      a setting or a server stops the start; one clear line
|-- Unsupported             another library's interface has it, Milepost refuses it on purpose
`-- TaskControl             raised by or into a user's task function
    |-- Fail                ends the task as failed, with a reason its owner may read
    |-- Retry               asks for another attempt later
    `-- Cancelled           the owner asked to stop
"""

from collections.abc import Mapping, Sequence
from typing import Any

MAX_RETRY_SECONDS = 365 * 24 * 3600


class MilepostError(Exception):
    """Base of everything Milepost raises on purpose."""


class InvalidValue(MilepostError):
    """A value from outside is not what it has to be."""


class InvalidCursor(InvalidValue):
    """The string is not a cursor at all (a cursor that is too old is not an error)."""


class InvalidToken(InvalidValue):
    """Credentials that are malformed, expired, for another door, or signed by nobody we know."""


class ParamsChanged(InvalidValue):
    """The stored params are not what this version of the task function wants."""


class RequestRefused(MilepostError):
    """A service said no. The message is what it says for people, field by field where it does."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        words = str(problem.get("detail") or problem.get("title") or f"status {status}")
        places = [
            f"{'.'.join(str(part) for part in error['loc'][1:]) or 'body'}: {error['msg']}"
            for error in problem.get("errors") or ()
        ]
        super().__init__(f"{words} ({'; '.join(places)})" if places else words)
        self.status = status
        """Of HTTP."""
        self.problem = problem
        """Problem details (RFC 9457) as they came."""

    @property
    def code(self) -> str:
        """What it is about, for programs, such as `unknown-type`; empty where a proxy answered."""
        return str(self.problem.get("type") or "").removeprefix("urn:milepost:")

    @property
    def errors(self) -> Sequence[Mapping[str, Any]]:
        """What is wrong, field by field: `loc` (`["body", "params", "to", 0]`) and `msg`."""
        return self.problem.get("errors") or ()


class InvalidRequest(RequestRefused):
    """What was sent is not what it has to be; `errors` says where."""


class NotSignedIn(RequestRefused):
    """The credentials are missing, expired, revoked, or signed with another secret."""


class NotAllowed(RequestRefused):
    """The credentials are good, but not for this."""


class NotFound(RequestRefused):
    """There is no such task or task type, or it is another's: nobody can tell which."""


class Conflict(RequestRefused):
    """The state of the task forbids it: it has ended, or it has not."""


class TooMany(RequestRefused):
    """The owner has as many live tasks, requests or connections as one may have."""


class Unreachable(MilepostError):
    """A service gave no useful answer; whether a command had its effect is unknown."""


class NotEnded(MilepostError, TimeoutError):
    """The task has not ended within the time; it goes on."""


class Refused(MilepostError):
    """The task's state forbids the command; the message says which state it is in."""


class UndecodableEvent(MilepostError):
    """A log entry that no version of the codec can read; the message is the reason."""


class NewerEvent(UndecodableEvent):
    """An event whose version is later than this code knows."""


class LogUnavailable(MilepostError):
    """Redis could not be reached or refused; the outcome of a write may be unknown."""


class LogFull(LogUnavailable):
    """Redis is at its maxmemory; ends, acknowledgements and trimming still work."""


class ConfigurationError(MilepostError):
    """The process must not start like this; the message is one line with the remedy."""


class Unsupported(MilepostError):
    """Another library's interface offers it, and Milepost refuses it on purpose; the message says
    what to do instead."""


class TaskControl(MilepostError):
    """Base of what a task function raises to steer its own task."""


class Fail(TaskControl):
    """End this task as failed, at once and without another attempt.

    `reason` (1..500 characters) and `code` are shown to the task's owner as they are.
    """

    def __init__(self, reason: str, *, code: str = "failed") -> None:
        super().__init__(reason)
        self.reason = str(reason)  # `raise Fail(err)` is what people write
        self.code = str(code)


class Retry(TaskControl):
    """Run this task again, not before `after_seconds` from now (None: the usual back-off)."""

    def __init__(self, *, after_seconds: float | None = None) -> None:
        """At most a year.

        Raises:
            ValueError: it is longer, or no number.
            TypeError: it is something else than a number.
        """
        if after_seconds is not None and not after_seconds <= MAX_RETRY_SECONDS:
            raise ValueError(f"after_seconds has to be at most a year, not {after_seconds!r}")
        super().__init__(f"retry after {after_seconds} seconds")
        self.after_seconds = after_seconds


class Cancelled(TaskControl):
    """Raised inside a task at its next progress call once its owner has asked to stop."""

"""Owns every exception Milepost raises on purpose; holds no behaviour beyond carrying facts.

MilepostError
|-- InvalidValue            a value from outside is not what it has to be (422)
|   |-- InvalidCursor       a string that is not a cursor
|   |-- InvalidToken        credentials that prove nothing (401)
|   `-- ParamsChanged       stored params that the task function does not want (any more)
|-- Refused                 the state machine forbids the command (409)
|-- UndecodableEvent        a log entry nobody can read; goes to the dead letters
|   `-- NewerEvent          an event of a later version; parked until the code knows it
|-- LogUnavailable          Redis did not answer, or not as promised (503)
|   `-- LogFull             Redis has no room for more; what frees room still works
|-- ConfigurationError      a setting or a server stops the start; one clear line
`-- TaskControl             raised by or into a user's task function
    |-- Fail                ends the task as failed, with a reason its owner may read
    |-- Retry               asks for another attempt later
    `-- Cancelled           the owner asked to stop
"""


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


class TaskControl(MilepostError):
    """Base of what a task function raises to steer its own task."""


class Fail(TaskControl):
    """End this task as failed, at once and without another attempt.

    `reason` (1..500 characters) and `code` are shown to the task's owner as they are.
    """

    def __init__(self, reason: str, *, code: str = "failed") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Retry(TaskControl):
    """Run this task again, not before `after_seconds` from now (None: the usual back-off)."""

    def __init__(self, *, after_seconds: float | None = None) -> None:
        super().__init__(f"retry after {after_seconds} seconds")
        self.after_seconds = after_seconds


class Cancelled(TaskControl):
    """Raised inside a task at its next progress call once its owner has asked to stop."""

"""Owns how many connections a process has, and which one makes room. Reads nothing from any."""

import resource
from typing import Protocol

OWN_FILES = 256
"""Files that are no client's: databases, Redis, logs."""


class Connection(Protocol):
    """One client's."""

    def drop(self) -> None:
        """End it at once."""


class Connections:
    """At most so many. Those that have asked for nothing yet, or for nothing more, make room.

    So a flood of connections that dawdle pushes out itself: who sends a whole head before as many
    others have come is served.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = 0
        self._idle: dict[Connection, None] = {}
        """Those that wait for a request, the longest first."""

    def add(self, connection: Connection) -> bool:
        """Take a new one in, idle; false where all are busy and there is no room."""
        if self._open >= self._most:
            longest = next(iter(self._idle), None)
            if longest is None:
                return False
            self.remove(longest)
            longest.drop()
        self._open += 1
        self._idle[connection] = None
        return True

    def remove(self, connection: Connection) -> None:
        """It has ended; not to be called for one that was not taken in."""
        self._idle.pop(connection, None)
        self._open -= 1

    def busy(self, connection: Connection) -> None:
        """It has asked for something."""
        self._idle.pop(connection, None)

    def idle(self, connection: Connection) -> None:
        """It has been answered."""
        self._idle[connection] = None


def within_files(wanted: int) -> int:
    """Let this process open as many files as `wanted` connections need, or as it may; how many
    connections those are for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - OWN_FILES))

"""Owns how often a password may be guessed: failures per account, counted in Redis."""

from milepost import keys
from milepost.problems import HttpProblem
from milepost_log.scripts import call_async
from milepost_log.servers import AsyncServers

MAX_FAILURES = 10
WINDOW_SECONDS = 300


class SignInLimit:
    """At most 10 failures in the 5 minutes from the first. Raises LogUnavailable without Redis.

    An attempt counts before its password is checked, so that many at once are not more. It counts
    when Redis' memory is full as well: people sign in to see what is wrong.
    """

    def __init__(self, servers: AsyncServers, namespace: str) -> None:
        self._servers = servers
        self._namespace = namespace

    async def take(self, account: str) -> None:
        """Count an attempt.

        Raises:
            HttpProblem: 429, there were too many.
        """
        key = keys.limit(self._namespace, "sign-in", account)
        count, seconds = await call_async(self._servers, "limit", [key], [1, WINDOW_SECONDS])
        if int(count) > MAX_FAILURES:
            raise HttpProblem(
                429,
                "too-many-failures",
                "Too many failed attempts",
                "Wait until you try again.",
                headers={"Retry-After": str(max(1, int(seconds)))},
            )

    async def give_back(self, account: str) -> None:
        """The attempt was no failure. Sets an expiry even where the window has just ended."""
        key = keys.limit(self._namespace, "sign-in", account)
        await call_async(self._servers, "limit", [key], [-1, WINDOW_SECONDS])

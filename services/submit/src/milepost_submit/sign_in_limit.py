"""Owns how often passwords may be guessed: failures of an account, from an address, in Redis."""

from ipaddress import IPv6Address, ip_address, ip_network

from milepost import keys
from milepost.problems import HttpProblem
from milepost_log.scripts import call_async
from milepost_log.servers import AsyncServers

MAX_FAILURES = 10
MAX_ADDRESS_FAILURES = 100
"""More than of one account: many people may share an address."""
WINDOW_SECONDS = 300


class SignInLimit:
    """At most 10 failures of an account and 100 from an address in the 5 minutes from the first.

    An attempt counts before its password is checked, so that many at once are not more. It counts
    when Redis' memory is full as well: people sign in to see what is wrong. Every method raises
    LogUnavailable without Redis.
    """

    def __init__(self, servers: AsyncServers, namespace: str) -> None:
        self._servers = servers
        self._namespace = namespace

    async def take(self, account: str, address: str) -> None:
        """Count an attempt.

        Args:
            account: whatever all spellings of a username have in common.
            address: where it comes from, as far as TRUSTED_PROXIES let us know.

        Raises:
            HttpProblem: 429, there were too many.
        """
        await self._count("address", block_of(address), MAX_ADDRESS_FAILURES)
        await self._count("account", account, MAX_FAILURES)

    async def give_back(self, account: str, address: str) -> None:
        """The attempt was no failure. Sets an expiry even where the window has just ended."""
        await self._add(-1, "address", block_of(address))
        await self._add(-1, "account", account)

    async def _count(self, kind: str, name: str, most: int) -> None:
        count, seconds = await self._add(1, kind, name)
        if count > most:
            raise HttpProblem(
                429,
                "too-many-failures",
                "Too many failed attempts",
                "Wait until you try again.",
                headers={"Retry-After": str(max(1, seconds))},
            )

    async def _add(self, number: int, kind: str, name: str) -> tuple[int, int]:
        key = keys.limit(self._namespace, "sign-in", kind, name)
        count, seconds = await call_async(self._servers, "limit", [key], [number, WINDOW_SECONDS])
        return int(count), int(seconds)


def block_of(address: str) -> str:
    """What one customer of a network has: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ip_network((found.packed, 64), strict=False))
    return str(found)

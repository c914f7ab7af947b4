"""Owns the URL of a cluster: how it is read, and what it means for one node. No I/O."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, urlsplit

from milepost.errors import ConfigurationError
from milepost_log.slots import Address

DEFAULT_PORT = 6379
_SCHEMES = {"redis+cluster": "redis", "rediss+cluster": "rediss"}


@dataclass(frozen=True, slots=True)
class ClusterUrl:
    """`redis+cluster://user:password@host:port,host:port/0?option=value`, or `rediss+cluster`."""

    scheme: str
    """Of one node: `redis` or `rediss`."""
    credentials: str
    """`user:password@`; empty for none."""
    seeds: tuple[Address, ...]
    """Nodes to ask first; any of the cluster will do."""
    options: str
    """`?option=value` for redis-py, the same for every node; empty for none."""

    @classmethod
    def names_one(cls, url: str) -> bool:
        """Whether a URL means a cluster."""
        return url.partition("://")[0] in _SCHEMES

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read it.

        Raises:
            ConfigurationError: it is none; the message has no password in it.
        """
        parts = urlsplit(url)
        credentials, at, hosts = parts.netloc.rpartition("@")
        try:
            seeds = tuple(_address(host.strip()) for host in hosts.split(",") if host.strip())
        except ValueError as err:
            raise ConfigurationError(f"MILEPOST_REDIS_URL: {hosts!r} is no list of nodes") from err
        if parts.scheme not in _SCHEMES or not seeds:
            raise ConfigurationError(
                "MILEPOST_REDIS_URL: a cluster is redis+cluster://host:port,host:port"
            )
        if parts.path not in ("", "/", "/0") or parse_qs(parts.query).get("db", ["0"]) != ["0"]:
            raise ConfigurationError("MILEPOST_REDIS_URL: a cluster has database 0 alone")
        options = f"?{parts.query}" if parts.query else ""
        return cls(_SCHEMES[parts.scheme], credentials + at, seeds, options)

    def of(self, node: Address) -> str:
        """The URL of one node."""
        return f"{self.scheme}://{self.credentials}{node}/0{self.options}"


def _address(text: str) -> Address:
    found = urlsplit(f"//{text}")
    if not found.hostname or found.path:
        raise ValueError(text)
    return Address(found.hostname, found.port or DEFAULT_PORT)

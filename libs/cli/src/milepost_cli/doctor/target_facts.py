"""Owns what is found at a store that somebody thinks of relying on. No I/O; judges nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from milepost_log.server_checks import Server

Pooling = Literal["none", "session", "transaction", "statement", "unknown"]


@dataclass(frozen=True, slots=True)
class RedisTarget:
    """One primary. Null is what it does not tell."""

    name: str
    """Its address; empty where it is the only one."""
    server: Server
    version: tuple[str, str] | None
    """What it is and its version."""
    role: str | None
    replicas: int | None
    replicas_to_write: int | None
    """Its min-replicas-to-write."""
    has_snapshots: bool | None
    """Whether it saves snapshots by itself."""
    of_cluster: bool
    """Whether the URL says that it is one of a cluster."""
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    """Command that Milepost sends -> why this user may not."""
    answer_ms: float = 0.0
    """How long a PING takes from here, the median."""


@dataclass(frozen=True, slots=True)
class SqlTarget:
    """One PostgreSQL, as this user sees it."""

    version: int
    """Its `server_version_num`, such as 180004."""
    encoding: str
    fsync: bool
    synchronous_commit: str
    is_replica: bool
    connections: int
    """That it has for everybody but superusers."""
    may_create: bool
    """Whether the user may make schemas in the database."""
    schemas: Mapping[str, bool]
    """Of ours that are there -> whether the user may use them."""
    pooling: Pooling
    answer_ms: float

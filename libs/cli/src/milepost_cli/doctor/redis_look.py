"""Owns finding the facts in Redis. Reads only; judges nothing. Raises LogUnavailable."""

import time
from typing import Any, cast

from milepost import keys as names
from milepost.cursors import ZERO, StreamId
from milepost.keys import PartitionKeys
from milepost_cli.doctor.facts import BehindFacts, LogFacts, RedisFacts
from milepost_log import catalogue
from milepost_log.paused import read_all
from milepost_log.scripts import call
from milepost_log.servers import Servers
from milepost_notify.checkpoints import Checkpoint

_TYPE = b"type "


def look(servers: Servers, namespace: str, partitions: int) -> RedisFacts:
    """Look at everything that belongs to no server."""
    logs = {number: _log(servers, PartitionKeys(namespace, number)) for number in range(partitions)}
    name = names.offers(namespace)
    with servers.at(name) as client:
        before = time.time()
        seconds, micros = cast(tuple[int, int], client.time())  # pyright: ignore  # untyped
        ours = (before + time.time()) / 2
        rows = cast(list[Any], client.zrange(name, 0, -1, withscores=True))  # pyright: ignore  # untyped
    now = seconds + micros / 1e6
    offers = {
        member.removeprefix(_TYPE).decode(errors="replace"): now - at / 1000
        for member, at in rows
        if member.startswith(_TYPE)
    }
    announced = catalogue.read_since(servers, namespace, now - catalogue.KEEP_SECONDS)
    return RedisFacts(now - ours, logs, offers, frozenset(announced))


def behind(servers: Servers, namespace: str, at: Checkpoint) -> BehindFacts:
    """Look at the log from a checkpoint on."""
    keys, position = PartitionKeys(namespace, at.partition), str(at.position)
    name = keys.log
    with servers.at(name) as client:
        found = cast(list[Any], client.xrange(name, position, position, count=1))  # pyright: ignore  # untyped
        first = cast(list[Any], client.xrange(name, count=1))  # pyright: ignore  # untyped
        base = cast(bytes | None, client.hget(keys.meta, "base"))  # pyright: ignore  # untyped
        following = cast(list[Any], client.xrange(name, f"({position}", "+", count=1))  # pyright: ignore  # untyped
        seconds, micros = cast(tuple[int, int], client.time())  # pyright: ignore  # untyped
    oldest = None
    if following:
        written = StreamId.parse(following[0][0]).ms / 1000
        oldest = max(0.0, seconds + micros / 1e6 - written)
    continues = at.position == ZERO or bool(found) or base == position.encode()
    return BehindFacts(continues, StreamId.parse(first[0][0]) if first else None, oldest)


def _log(servers: Servers, partition: PartitionKeys) -> LogFacts:
    with servers.at(partition.log) as client:
        log_id, made = cast(
            tuple[bytes | None, bytes | None],
            client.hmget(partition.meta, ["log_id", "partitions"]),  # pyright: ignore  # untyped
        )
        dead = cast(int, client.xlen(partition.dead))  # pyright: ignore  # untyped
        paused = cast(dict[bytes, bytes], client.hgetall(partition.paused))  # pyright: ignore  # untyped
    beats, waiting = call(servers, "census", [partition.log, partition.leases], [partition.prefix])
    return LogFacts(
        None if log_id is None else log_id.decode(),
        None if made is None else int(made),
        dead,
        frozenset(name.decode(errors="replace") for name in beats[::2]),
        sum(map(int, waiting[1::2])),
        read_all(paused),
    )

"""Owns asking a Redis what it is and what it lets us do. Executes nothing that changes anything."""

import time
from collections.abc import Mapping
from contextlib import suppress
from statistics import median
from typing import Any, cast

import redis
from redis.exceptions import NoPermissionError, ResponseError

from milepost_cli.doctor import needed_commands
from milepost_cli.doctor.target_facts import RedisTarget
from milepost_log.connection import translated
from milepost_log.server_checks import ask

_ROUNDS = 20


def look(name: str, client: redis.Redis, namespace: str, *, of_cluster: bool) -> RedisTarget:
    """Ask one primary.

    Raises:
        LogUnavailable: it does not answer.
    """
    server = ask(client)
    with translated():
        info: Mapping[str, Any] = {}
        with suppress(NoPermissionError):
            info = cast(dict[str, Any], client.info())  # pyright: ignore  # untyped
        return RedisTarget(
            name=name,
            server=server,
            version=_version(info),
            role=info.get("role"),
            replicas=info.get("connected_slaves"),
            replicas_to_write=_number(client, "min-replicas-to-write"),
            has_snapshots=_has_snapshots(client),
            of_cluster=of_cluster,
            refused=_refused(client, namespace, cluster=of_cluster),
            answer_ms=_answer_ms(client),
        )


def _version(info: Mapping[str, Any]) -> tuple[str, str] | None:
    if "valkey_version" in info:
        return "Valkey", str(info["valkey_version"])
    return ("Redis", str(info["redis_version"])) if "redis_version" in info else None


def _config(client: redis.Redis, name: str) -> str | None:
    with suppress(ResponseError):
        found = cast(dict[str, str], client.config_get(name))  # pyright: ignore  # untyped
        return found.get(name)
    return None


def _number(client: redis.Redis, name: str) -> int | None:
    found = _config(client, name)
    return None if found is None else int(found)


def _has_snapshots(client: redis.Redis) -> bool | None:
    found = _config(client, "save")
    return None if found is None else bool(found)


def _answer_ms(client: redis.Redis) -> float:
    times: list[float] = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        client.ping()  # pyright: ignore[reportUnknownMemberType]  # untyped
        times.append(time.perf_counter() - began)
    return median(times) * 1000


def _refused(client: redis.Redis, namespace: str, *, cluster: bool) -> Mapping[str, str]:
    """What we may not do -> why, in the server's words.

    The commands are queued in a transaction, where rights are looked at, and the connection is
    closed before it is executed: nothing of it ever happens.
    """
    pool: Any = client.connection_pool
    connection: Any = pool.get_connection()
    found: dict[str, str] = {}
    try:
        if refusal := _answer(connection, "MULTI"):
            return {"multi": refusal}
        for name, command in needed_commands.calls(namespace, cluster=cluster):
            if refusal := _answer(connection, *command):
                found[name] = refusal
    finally:
        connection.disconnect()
        pool.release(connection)
    if refusal := _answer_to_exec(client):
        found["exec"] = refusal
    return found


def _answer_to_exec(client: redis.Redis) -> str | None:
    """Whether a transaction may be ended: an EXEC outside of one is an error of another kind."""
    try:
        client.execute_command("EXEC")  # pyright: ignore  # untyped
    except ResponseError as err:
        return None if "without MULTI" in str(err) else str(err)
    return None


def _answer(connection: Any, *command: str) -> str | None:
    """Why a command was refused; null where it would be done, here or at another primary."""
    connection.send_command(*command)
    try:
        connection.read_response()
    except ResponseError as err:
        if type(err).__name__ in ("MovedError", "AskError", "ClusterCrossSlotError"):
            return None
        return str(err)
    return None

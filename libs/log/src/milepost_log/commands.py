"""Owns the commands of submit on the log: create, cancel, dismiss, read. One atomic append each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, cast

from milepost.codec import encode_data
from milepost.cursors import Cursor, StreamId, log_prefix
from milepost.errors import ConfigurationError, LogUnavailable, MilepostError
from milepost.events import Actor, TaskCreated
from milepost.keys import PartitionKeys
from milepost.owners import owner_hash, partition_of
from milepost.task_state import Status
from milepost_log.scripts import Argument, call_async
from milepost_log.servers import AsyncServers


class RequestConflict(MilepostError):
    """The idempotency key or task id was used before, for another request."""

    def __init__(self, index: int) -> None:
        super().__init__("used before for another request")
        self.index = index


class TooManyTasks(MilepostError):
    """The owner has as many live tasks as allowed."""

    def __init__(self, room: int) -> None:
        super().__init__("too many live tasks")
        self.room = room
        """How many more would be accepted now."""


@dataclass(frozen=True, slots=True)
class NewTask:
    """A checked request for one task."""

    id: str
    fingerprint: str
    """Hash of the request without spaces; equal requests have equal ones."""
    created: TaskCreated
    """Without `runs_at`, which the log sets from `delay_ms` by its own clock."""
    delay_ms: int | None = None
    idempotency_key: str | None = None
    key_fingerprint: str | None = None
    """Of all that the key was sent with, such as a whole batch; null: the same as `fingerprint`."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The log's answer for one task; the first answer when it was accepted before."""

    id: str
    status: Status
    revision: str
    replayed: bool


class CommandLog:
    """The write side of the log, for owners' commands. Every method may be repeated safely."""

    def __init__(self, servers: AsyncServers, namespace: str, partitions: int) -> None:
        self._servers = servers
        self._namespace = namespace
        self._partitions = partitions

    async def prepare(self, partitions: Iterable[int] | None = None) -> list[int]:
        """Name the logs that have no name yet, and check how many partitions there are.

        Args:
            partitions: which; null for all.

        Returns:
            Those whose primary does not answer while others do.

        Raises:
            ConfigurationError: the deployment was made with another number of partitions.
            LogUnavailable: Redis does not answer.
        """
        wanted = list(range(self._partitions) if partitions is None else partitions)
        away: dict[str, LogUnavailable] = {}
        left: list[int] = []
        for partition in wanted:
            address = self._servers.address_of(PartitionKeys(self._namespace, partition).log)
            try:
                if address not in away:
                    await self._name(partition)
                    continue
            except LogUnavailable as err:
                away[address] = err
            left.append(partition)
        if left == wanted:
            for err in away.values():
                raise err
        return left

    async def _name(self, partition: int) -> None:
        keys = PartitionKeys(self._namespace, partition)
        arguments = [keys.prefix, token_hex(16), self._partitions]
        answer = await call_async(self._servers, "meta", [keys.log, keys.meta], arguments)
        if int(answer[1]) != self._partitions:
            raise ConfigurationError(
                f"this log was made with MILEPOST_PARTITIONS={int(answer[1])}, "
                f"not {self._partitions}: the number is fixed"
            )

    async def create(
        self,
        owner: str,
        tasks: Sequence[NewTask],
        *,
        max_live: int,
        by: Actor | None = None,
        trace: str | None = None,
    ) -> list[Accepted]:
        """Accept all `tasks` of one owner, or none, in one atomic step.

        Args:
            by: who asks, when it is not the owner.
            trace: W3C traceparent of the request.

        Raises:
            RequestConflict: an id or key was used for another request.
            TooManyTasks: more than `max_live` would be alive.
            LogUnavailable: no answer; repeat with the same ids.
        """
        keys = self._keys(owner)
        o = owner_hash(owner)
        arguments: list[Argument] = [keys.prefix, owner, o, max_live, _by(by), trace or ""]
        for task in tasks:
            created = task.created
            arguments += [
                task.id,
                keys.idempotency(owner, task.idempotency_key) if task.idempotency_key else "",
                task.fingerprint,
                f"{created.queue}:{created.priority[0]}",
                encode_data(created),
                "" if task.delay_ms is None else task.delay_ms,
                task.key_fingerprint or task.fingerprint,
            ]
        names = [keys.log, keys.meta, keys.owner(o)]
        answer = await call_async(self._servers, "create", names, arguments)
        if answer[0] == b"unnamed":  # Redis came back empty: a new log, which needs a new name
            await self._name(keys.partition)
            answer = await call_async(self._servers, "create", names, arguments)
        if answer[0] == b"conflict":
            raise RequestConflict(int(answer[1]))
        if answer[0] == b"full":
            raise TooManyTasks(int(answer[1]))
        log = log_prefix(cast(bytes, answer[1]).decode())
        return [self._accepted(keys.partition, log, row) for row in answer[2:]]

    async def cancel(self, owner: str, task_id: str, by: Actor | None = None) -> Status | None:
        """Stop a task, or ask it to; its status after that, null when it is unknown here."""
        keys = self._keys(owner)
        arguments = [keys.prefix, owner_hash(owner), task_id, _by(by)]
        status = (await call_async(self._servers, "cancel", [keys.log], arguments)).decode()
        return status or None

    async def dismiss(
        self, owner: str, task_id: str, *, known_ended: bool = False, by: Actor | None = None
    ) -> str | None:
        """Show an ended task no more: "ok", the status of one that lives, null when unknown here.

        Args:
            known_ended: the archive says that it has ended; then it may be unknown here.
        """
        keys = self._keys(owner)
        ended = "ended" if known_ended else ""
        arguments = [keys.prefix, owner, owner_hash(owner), task_id, _by(by), ended]
        answer = (await call_async(self._servers, "dismiss", [keys.log], arguments)).decode()
        return answer or None

    async def read(self, owner: str, until: StreamId, by: Actor | None = None) -> None:
        """Mark everything up to `until` as read; earlier than the last mark changes nothing."""
        keys = self._keys(owner)
        arguments = [keys.prefix, owner, str(until), _by(by)]
        names = [keys.log, keys.owner(owner_hash(owner))]
        await call_async(self._servers, "read", names, arguments)

    async def request_of(
        self, owner: str, task_id: str
    ) -> tuple[Status, TaskCreated | None] | None:
        """The status of a task, and what it was asked to do: null once it has succeeded, since
        nobody may run it again. Null when it is unknown here."""
        key = self._keys(owner).task(owner_hash(owner), task_id)
        async with self._servers.at(key) as client:
            found = cast(list[Any], await client.hmget(key, ["s", "d"]))  # pyright: ignore  # untyped
        if found[0] is None:
            return None
        made = TaskCreated.model_validate_json(found[1]) if found[1] else None
        return cast(Status, found[0].decode()), made

    def partition(self, owner: str) -> int:
        """The partition of `owner` in this deployment."""
        return partition_of(owner, self._partitions)

    def log_key(self, owner: str) -> str:
        """The key of the log of `owner`, which says where everything of theirs is."""
        return self._keys(owner).log

    def _keys(self, owner: str) -> PartitionKeys:
        return PartitionKeys(self._namespace, self.partition(owner))

    @staticmethod
    def _accepted(partition: int, log: bytes, row: list[Any]) -> Accepted:
        replayed, task_id, created_id, runs_at = row
        revision = Cursor(partition, log, 0, StreamId.parse(created_id), 0)
        status: Status = "queued" if runs_at == b"-" else "scheduled"
        return Accepted(task_id.decode(), status, str(revision), bool(replayed))


def _by(actor: Actor | None) -> str:
    return "" if actor is None else f"{actor.kind} {actor.id}"

"""Owns the names of everything Milepost keeps in Redis; touches no server.

All keys of a partition share the hash tag `{namespace:partition}`, so that one Lua script
can work on them atomically on a cluster too.
"""

from dataclasses import dataclass
from typing import Literal

from milepost.owners import key_hash

Priority = Literal["high", "normal", "low"]
PRIORITIES: tuple[Priority, ...] = ("high", "normal", "low")

GROUP = "workers"


@dataclass(frozen=True, slots=True)
class PartitionKeys:
    """Key names of one partition."""

    namespace: str
    partition: int

    @property
    def prefix(self) -> str:
        """The hash tag every key of this partition starts with."""
        return f"{{{self.namespace}:{self.partition}}}"

    @property
    def meta(self) -> str:
        """Hash: random `log_id`, number of partitions, versions."""
        return f"{self.prefix}:meta"

    @property
    def log(self) -> str:
        """Stream: every event of the partition, in order."""
        return f"{self.prefix}:log"

    @property
    def delayed(self) -> str:
        """Sorted set: tasks not due yet, by the milliseconds they are due at."""
        return f"{self.prefix}:delayed"

    @property
    def queues(self) -> str:
        """Set: names of the queues that ever had an entry here."""
        return f"{self.prefix}:queues"

    @property
    def leases(self) -> str:
        """Hash: worker incarnation -> beat counter."""
        return f"{self.prefix}:leases"

    @property
    def readers(self) -> str:
        """Hash: projector -> checkpoint, for trimming."""
        return f"{self.prefix}:readers"

    @property
    def dead(self) -> str:
        """Stream: what nobody could decode, with the reason."""
        return f"{self.prefix}:dead"

    @property
    def counts(self) -> str:
        """Hash: how many tasks stand where: `accepted`, by status, queued ones by queue."""
        return f"{self.prefix}:counts"

    @property
    def claimed(self) -> str:
        """Stream: tasks that had waited aside and were started at once; nothing waits in it."""
        return f"{self.prefix}:claimed"

    @property
    def unclaimed(self) -> str:
        """Set: lines, `queue:priority letter:name`, in which tasks wait aside for another worker.

        The name of a line is a task type; with `!` behind it its tasks are suspects.
        """
        return f"{self.prefix}:unclaimed"

    @property
    def paused(self) -> str:
        """Hash: `queue <name>` or `type <name>` that operators paused -> since when, who, why."""
        return f"{self.prefix}:paused"

    def queue(self, queue: str, priority: Priority) -> str:
        """Stream: tasks of `queue` ready to run at `priority`."""
        return f"{self.prefix}:queue:{queue}:{priority[0]}"

    def express(self, queue: str, priority: Priority) -> str:
        """Stream: the same, of owners who have little in the queue; served first."""
        return f"{self.prefix}:express:{queue}:{priority[0]}"

    def running(self, owner_hash: str, task_type: str) -> str:
        """Set: ids of an owner's running tasks of a type, where the type limits them."""
        return f"{self.prefix}:running:{owner_hash}:{task_type}"

    def waiting(self, owner_hash: str, queue: str, priority: Priority) -> str:
        """List: ids of ready tasks beyond their owner's share of a queue."""
        return f"{self.prefix}:waiting:{owner_hash}:{queue}:{priority[0]}"

    def task(self, owner_hash: str, task_id: str) -> str:
        """Hash: the write side's view of one task."""
        return f"{self.prefix}:task:{owner_hash}:{task_id}"

    def owner(self, owner_hash: str) -> str:
        """Hash: live count, share in use of each queue, read mark of one owner."""
        return f"{self.prefix}:owner:{owner_hash}"

    def idempotency(self, owner: str, key: str) -> str:
        """String: the answer once given to this owner's Idempotency-Key."""
        return f"{self.prefix}:idem:{key_hash(owner, key)}"


def catalogue(namespace: str) -> str:
    """Hash: task type -> its announcement with JSON Schema; outlives workers by 30 days."""
    return f"{namespace}:catalogue"


def offers(namespace: str) -> str:
    """Sorted set: `type <name>` or `queue <name>` by when a live worker last offered it, in ms."""
    return f"{namespace}:offers"


def workers(namespace: str) -> str:
    """Sorted set: worker incarnation and build, by when it was last heard of, in ms."""
    return f"{namespace}:workers"


def limit(namespace: str, *parts: str) -> str:
    """String with expiry: one request or sign-in bucket."""
    return f"{namespace}:limit:{key_hash(*parts)}"


def revoked(namespace: str) -> str:
    """Sorted set: ids of sessions and access tokens revoked of late, by when, in ms."""
    return f"{namespace}:revoked"


def doorbell(namespace: str, queue: str) -> str:
    """Pub/sub channel: rung with the partition number when a task of `queue` is ready."""
    return f"{namespace}:bell:{queue}"


def stops(namespace: str) -> str:
    """Pub/sub channel: `owner hash:task id` of each running task whose owner asks it to stop."""
    return f"{namespace}:stop"


def wakeups(namespace: str, partition: int) -> str:
    """Pub/sub channel: what the projector of `partition` has committed."""
    return f"{namespace}:wake:{partition}"


def projectors(namespace: str) -> str:
    """Pub/sub channel: signs of life of projector replicas, which share the partitions."""
    return f"{namespace}:projectors"

"""Owns the worker's steps on the log: take, report, finish, leases. For threads, by batches."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from milepost.errors import MilepostError
from milepost.keys import PRIORITIES, PartitionKeys
from milepost.task_state import MAX_CRASHES
from milepost_log.scripts import Argument, call
from milepost_log.servers import Servers


class Fenced(MilepostError):
    """This worker was taken for dead: what it held is no longer its own."""


@dataclass(frozen=True, slots=True)
class StartedTask:
    """A task whose attempt has begun on this worker."""

    partition: int
    owner_hash: str
    id: str
    owner: str
    attempt: int
    entry: str
    """Its queue entry, under a name that no other entry of the partition has."""
    queue_key: str
    """`queue:priority letter`."""
    created: bytes
    """JSON of the TaskCreated event."""
    saved: bytes
    """What the task saved in an earlier attempt; empty for nothing."""
    trace: str
    """W3C traceparent; empty for none."""
    failures: int = 0
    """Attempts that failed before this one."""
    crashes: int = 0
    """Workers that vanished with it."""

    @property
    def is_suspect(self) -> bool:
        """Whether it may be what its workers vanished of: then nothing else runs beside it."""
        return self.crashes >= MAX_CRASHES - 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a worker takes, but for the number, and what it remembers of a partition's answers."""

    rooms: Mapping[str, int] = field(default_factory=dict[str, int])
    """Task type -> how many of it; other types: any number."""
    alone: bool = True
    """Whether it holds no task anywhere: then it may take a suspect, with nothing beside it."""
    turn: int = 0
    """The last answer's `turn`."""
    drains: bool = False
    """The last answer's `drains`."""


ANYTHING = Bounds()
"""For a worker that holds nothing and has had no answer yet."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to `take`."""

    tasks: list[StartedTask]
    beats: dict[str, int]
    """Every worker's beat counter in this partition."""
    next_due_ms: int | None
    """Milliseconds until there is more to take: 0 now, null when nothing is known of."""
    unclaimed: list[str]
    """Types of tasks that wait aside for a worker which knows them, and this one does not."""
    full: list[str]
    """Types of tasks that wait aside since this worker has no room for more of them."""
    turn: int
    """Whose turn it is next, to be told to the next `take`."""
    drains: bool
    """Whether this worker shall take nothing more until it is alone, since a suspect waits."""
    stood: list[bool]
    """Per outcome that was sent along, what `finish` answers."""


@dataclass(frozen=True, slots=True)
class Report:
    """Progress of one running attempt."""

    task: StartedTask
    sequence: int
    percent: str
    """0..99.9 as decimal text."""
    rest: str
    """The rest of the event's JSON behind the percent: `,"message":"x"}` or `}`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt."""

    task: StartedTask
    kind: Literal["succeeded", "failed", "cancelled", "retrying"]
    data: str
    """JSON of the event; without `runs_at`, which the log sets from `delay_ms` by its own clock."""
    delay_ms: int | None = None
    """Milliseconds until the next attempt; null for an end."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What an attempt wants to go on from."""

    task: StartedTask
    sequence: int
    state: bytes
    """JSON."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line an attempt wrote for its owner."""

    task: StartedTask
    sequence: int
    data: str
    """JSON of the event."""


class WorkLog:
    """The log as one worker incarnation sees it. Every method may be repeated safely and raises
    LogUnavailable when Redis does not answer."""

    def __init__(
        self,
        servers: Servers,
        namespace: str,
        worker: str,
        queues: Sequence[str],
        types: Collection[str] = (),
        limits: Mapping[str, int] | None = None,
    ) -> None:
        """Connect at the first call.

        Args:
            worker: the incarnation's name.
            types: the task types it takes; empty for all.
            limits: task type -> most running ones of an owner, over all workers.
        """
        self._servers = servers
        self._namespace = namespace
        self.worker = worker
        self.asked = 0
        """The partition of the last call: of the one that failed, if one did."""
        self._types = types
        self._limits = limits or {}
        self._served = [f"{queue}:{p[0]}" for p in PRIORITIES for queue in queues]

    def primary(self, partition: int) -> str:
        """A name of the primary that has a partition, as far as is known; asks nobody."""
        return self._servers.address_of(PartitionKeys(self._namespace, partition).log)

    def check(self, partition: int) -> None:
        """Return if its primary answers, where others would wait for that."""
        self.asked = partition
        self._servers.check(PartitionKeys(self._namespace, partition).log)

    def take(
        self,
        partition: int,
        room: int,
        *,
        holding: bool,
        also: Collection[str] = (),
        outcomes: Sequence[Outcome] = (),
        bounds: Bounds = ANYTHING,
    ) -> Taken:
        """End attempts, show life, then take and start at most `room` tasks, higher priorities
        first.

        Tasks of other types than this worker's, and those it has no room for, are set aside for
        other workers; those beyond their owner's limit until one of the owner's has ended.

        Args:
            holding: whether this worker holds tasks of the partition; then its lease must exist.
            also: types to take besides its own.
            outcomes: ends as for `finish`, in the same step: a batch costs one round trip.

        Raises:
            Fenced: its lease is gone.
        """
        keys = PartitionKeys(self._namespace, partition)
        names = [keys.log, keys.leases, keys.claimed]
        for served in self._served:
            names += [f"{keys.prefix}:queue:{served}", f"{keys.prefix}:express:{served}"]
        arguments: list[Argument] = [keys.prefix, self.worker, room, int(holding)]
        arguments.append(" ".join((*self._types, *also)) if self._types else "")
        arguments.append(self._limited(bounds.rooms))
        arguments += [bounds.turn, int(bounds.alone), int(bounds.drains)]
        arguments += _ends(outcomes)
        answer = self._call(partition, "take", names, arguments)
        if answer[0] == b"fenced":
            raise Fenced(self.worker)
        _, beats, rows, next_due_ms, unclaimed, full, turn, drains, stood = answer
        return Taken(
            [_started(partition, row) for row in rows],
            _beats(beats),
            int(next_due_ms) if int(next_due_ms) >= 0 else None,
            [kind.decode() for kind in unclaimed],
            [kind.decode() for kind in full],
            int(turn),
            bool(drains),
            [bool(row) for row in stood],
        )

    def _limited(self, rooms: Mapping[str, int]) -> str:
        return " ".join(
            f"{kind} {self._limits.get(kind, '-')} {rooms.get(kind, '-')}"
            for kind in {*self._limits, *rooms}
        )

    def resume(self, partition: int, held: Iterable[str]) -> list[StartedTask]:
        """Find tasks that Redis started for this worker in answers that got lost."""
        keys = PartitionKeys(self._namespace, partition)
        known = set(held)
        streams = [(keys.claimed, "c")]
        for served in self._served:
            streams.append((f"{keys.prefix}:queue:{served}", f"{served}/"))
            streams.append((f"{keys.prefix}:express:{served}", f"{served}/x"))
        found: list[StartedTask] = []
        for stream, mark in streams:
            there = [e.removeprefix(mark) for e in known if e.startswith(mark)]
            arguments: list[Argument] = [keys.prefix, self.worker, *there]
            rows = self._call(partition, "resume", [keys.log, stream], arguments)
            found += [_started(partition, row) for row in rows]
        return found

    def beat(
        self, partition: int, running: Sequence[StartedTask] = ()
    ) -> tuple[dict[str, int], list[StartedTask]]:
        """Show life; everybody's counters, and which of the `running` tasks are asked to stop.

        Raises:
            Fenced: its lease is gone.
        """
        keys = PartitionKeys(self._namespace, partition)
        arguments: list[Argument] = [keys.prefix, self.worker]
        for task in running:
            arguments += [task.owner_hash, task.id]
        answer = self._call(partition, "beat", [keys.log, keys.leases], arguments)
        if answer[0] == b"fenced":
            raise Fenced(self.worker)
        return _beats(answer[1]), [running[int(index)] for index in answer[2]]

    def take_over(self, partition: int, worker: str, beats: int) -> int:
        """Queue again what a dead worker held, unless it has beaten since; how many tasks."""
        return self._release(partition, worker, "worker_lost", str(beats))

    def hand_back(self, partition: int) -> int:
        """Queue again what this worker still holds and give up its lease; how many tasks."""
        return self._release(partition, self.worker, "shutdown", "")

    def give_back(self, partition: int, tasks: Sequence[StartedTask]) -> int:
        """Queue again some tasks that this worker holds and has not begun; how many."""
        keys = PartitionKeys(self._namespace, partition)
        arguments: list[Argument] = [keys.prefix, self.worker, "shutdown", ""]
        for task in tasks:
            arguments += [task.queue_key, task.entry.rpartition("/")[2]]
        answer = self._call(partition, "release", [keys.log, keys.leases], arguments)
        return int(answer[1])

    def report(self, partition: int, reports: Sequence[Report]) -> list[int]:
        """Tell progress: per report 1 told, 2 told and asked to stop, 0 the attempt is over."""
        keys = PartitionKeys(self._namespace, partition)
        arguments: list[Argument] = [keys.prefix, self.worker]
        for report in reports:
            task = report.task
            arguments += [task.owner_hash, task.id, task.attempt]
            arguments += [report.sequence, report.percent, report.rest]
        return self._call(partition, "report", [keys.log], arguments)

    def save(self, partition: int, states: Sequence[Saved]) -> list[int]:
        """Keep states to go on from; answers as `report`."""
        keys = PartitionKeys(self._namespace, partition)
        arguments: list[Argument] = [keys.prefix, self.worker]
        for saved in states:
            task = saved.task
            arguments += [task.owner_hash, task.id, task.attempt, saved.sequence, saved.state]
        return self._call(partition, "save", [keys.log], arguments)

    def log(self, partition: int, lines: Sequence[Line], *, most: int) -> list[int]:
        """Append log lines, at most `most` a task; answers as `report`."""
        keys = PartitionKeys(self._namespace, partition)
        arguments: list[Argument] = [keys.prefix, self.worker, most]
        for line in lines:
            task = line.task
            arguments += [task.owner_hash, task.id, task.attempt, line.sequence, line.data]
        return self._call(partition, "log", [keys.log], arguments)

    def finish(self, partition: int, outcomes: Sequence[Outcome]) -> list[bool]:
        """End attempts: per outcome, whether the end stands (False: the attempt was taken over)."""
        keys = PartitionKeys(self._namespace, partition)
        arguments: list[Argument] = [keys.prefix, self.worker, *_ends(outcomes)]
        return [bool(row) for row in self._call(partition, "finish", [keys.log], arguments)]

    def _release(self, partition: int, worker: str, reason: str, beats: str) -> int:
        keys = PartitionKeys(self._namespace, partition)
        released = 0
        while True:
            arguments = [keys.prefix, worker, reason, beats]
            answer = self._call(partition, "release", [keys.log, keys.leases], arguments)
            if answer[0] == b"moved":
                return released
            released += int(answer[1])
            if int(answer[2]):
                return released

    def _call(
        self, partition: int, name: str, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> Any:
        self.asked = partition
        return call(self._servers, name, keys, arguments)


def _ends(outcomes: Iterable[Outcome]) -> list[Argument]:
    arguments: list[Argument] = []
    for outcome in outcomes:
        task = outcome.task
        arguments += [task.owner_hash, task.id, task.attempt, outcome.kind, outcome.data]
        arguments.append("" if outcome.delay_ms is None else outcome.delay_ms)
    return arguments


def _beats(flat: list[bytes]) -> dict[str, int]:
    return {flat[i].decode(): int(flat[i + 1]) for i in range(0, len(flat), 2)}


def _started(partition: int, row: list[Any]) -> StartedTask:
    o, task_id, owner, attempt, entry, queue_key, created, saved, trace, failures, crashes = row
    q, e = queue_key.decode(), entry.decode()
    return StartedTask(
        partition, o.decode(), task_id.decode(), owner.decode(), int(attempt),
        e if e.startswith("c") else f"{q}/{e}", q, created, saved, trace.decode(), int(failures),
        int(crashes),
    )  # fmt: skip

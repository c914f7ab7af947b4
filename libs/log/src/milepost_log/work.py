"""Owns the worker's steps on the log: take, report, finish, leases. For threads, by batches."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from milepost.codec import encode_data
from milepost.errors import MilepostError
from milepost.events import TaskStarted
from milepost.keys import PRIORITIES, PartitionKeys
from milepost_log.attempts import ANYTHING, Bounds, Line, Outcome, Report, Saved, StartedTask, Taken
from milepost_log.scripts import Argument, call
from milepost_log.servers import Servers


class Fenced(MilepostError):
    """This worker was taken for dead: what it held is no longer its own."""


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
        build: str | None = None,
    ) -> None:
        """Connect at the first call.

        Args:
            worker: the incarnation's name.
            types: the task types it takes; empty for all.
            limits: task type -> most running ones of an owner, over all workers.
            build: of the worker's code, for operators.
        """
        self._servers = servers
        self._namespace = namespace
        self.worker = worker
        self.asked = 0
        """The partition of the last call: of the one that failed, if one did."""
        self._types = types
        self._limits = limits or {}
        self._says = encode_data(TaskStarted(worker=worker, build=build))
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
        arguments.append(self._says)
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
            arguments: list[Argument] = [keys.prefix, self.worker, self._says, *there]
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

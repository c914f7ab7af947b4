"""Owns one worker incarnation's conversation with the log: leases, takeover, taking work.

dramatiq's one consumer thread turns it; task threads only leave notes in the outbox. Each step is
for many tasks in one call, so that a batch costs one round trip and one fsync.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping

from milepost.errors import LogUnavailable
from milepost_log.attempts import Bounds, Outcome, StartedTask, Taken
from milepost_log.work import Fenced, WorkLog
from milepost_worker.held import Held, Holdings
from milepost_worker.interrupts import interrupt
from milepost_worker.jobs import Job
from milepost_worker.leases import Observer
from milepost_worker.outages import Outages
from milepost_worker.outbox import FLUSH_SECONDS, Outbox
from milepost_worker.pace import LATE_SECONDS
from milepost_worker.rooms import Rooms
from milepost_worker.turns import Turns

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 5.0


class Session:
    """Turns until the process ends; never raises for Redis."""

    def __init__(
        self,
        open_log: Callable[[], WorkLog],
        *,
        partitions: int,
        threads: int,
        lease_seconds: float,
        grace_seconds: float,
        max_log_lines: int,
        describe: Callable[[StartedTask, Outbox], Job],
        given_up: Callable[[Collection[str]], Collection[str]] = lambda types: (),
        max_running: Mapping[str, int] | None = None,
    ) -> None:
        """Connect nowhere yet.

        Args:
            open_log: gives the log under a fresh incarnation's name.
            threads: how many tasks may run at once.
            grace_seconds: how long a task that was asked to stop has until it is made to.
            describe: makes the job of a started task.
            given_up: of task types that this worker does not know, those to take in order to fail
                them, since nobody knows them.
            max_running: task type -> how many of it may run at once in this process.
        """
        self._open_log = open_log
        self._log = open_log()
        self._lease = lease_seconds
        self._grace = grace_seconds
        self._sweep = min(SWEEP_SECONDS, lease_seconds / 3)
        self._describe = describe
        self._given_up = given_up
        self._observer = Observer(self._log.worker, lease_seconds)
        self._holdings = Holdings(partitions)
        self._wake = threading.Event()
        self._outbox = Outbox(self._holdings, max_log_lines=max_log_lines, wake=self._wake.set)
        self._ready: deque[Job] = deque()
        self._rooms = Rooms(threads, max_running or {})
        self._turns = Turns(self._holdings, self._rooms)
        self._outages = Outages(self._holdings)
        self._turned_at = time.monotonic()
        self.on_held: Callable[[int], None] = lambda partition: None
        """Told of every partition that a task is taken from."""

    @property
    def turned_at(self) -> float:
        """When it was last seen to turn, monotonic seconds; from any thread."""
        return self._turned_at

    def state(self) -> tuple[str, list[int]]:
        """Its name, and the partitions it holds tasks of; from any thread."""
        return self.worker, [number for number, held in self._holdings.items() if held.jobs]

    def figures(self) -> tuple[int, int, int]:
        """Attempts held, notes in the outbox, 1 while some of the log is away; from any thread."""
        return len(self._holdings.snapshot()), len(self._outbox), int(self._outages.some)

    @property
    def worker(self) -> str:
        """The incarnation it speaks as."""
        return self._log.worker

    def ring(self, partition: int | None = None) -> None:
        """Say that work may be ready in a partition, or anywhere; from any thread."""
        for number in self._holdings if partition is None else (partition,):
            if number in self._holdings:
                self._holdings[number].look_at = 0.0
        self._wake.set()

    def stop(self, owner_hash: str, task_id: str) -> None:
        """Pass on that an owner asks a task to stop; from any thread, unknown ones are ignored."""
        for job in self._holdings.snapshot():
            if job.started.id == task_id and job.started.owner_hash == owner_hash:
                self._holdings[job.started.partition].stop(job)

    def drain(self) -> None:
        """Take nothing new from now on: the process shall stop; from any thread."""
        self._turns.draining = True

    def finished(self, job: Job, ending: Outcome) -> None:
        """Note the end of an attempt and that its thread is free; from any thread."""
        now = time.monotonic()
        self._outbox.finished(job, ending)
        self._turns.ended(job, now)
        self._rooms.end(job, now)
        self._wake.set()

    def next_job(self, timeout: float) -> Job | None:
        """Give the next started job, after at most `timeout` seconds of turning; else null."""
        self._turned_at = time.monotonic()
        deadline = self._turned_at + timeout
        while not self._ready:
            now = time.monotonic()
            if now >= deadline:
                return None
            wait = self.turn(now)
            if not self._ready and wait > 0:
                self._wake.wait(min(wait, max(0.0, deadline - time.monotonic())))
                self._wake.clear()
        return self._ready.popleft()

    def turn(self, now: float) -> float:
        """Do all that is due at `now`, monotonic seconds; seconds until the next thing will be."""
        try:
            if self._outages.some:
                self._reconnect(now)
            self._outbox.send(self._log, now)
            wait = min(self._show_life(now), self._take(now))
            self._interrupt_the_deaf(now)
            self._give_back_the_late(now)
        except LogUnavailable as err:
            self._outages.begin(self._log, err, now)
            return 0.0  # the others go on
        except Fenced:
            self._begin_anew()
            return 0.0
        if self._outages.some:
            wait = min(wait, self._outages.have_ended(self._log, now, self._sweep))
        return min(wait, FLUSH_SECONDS) if any(self._holdings.jobs()) else wait

    def close(self) -> None:
        """Send what is left and hand the rest back to the queue; best effort."""
        left = set(self._holdings)
        while left:
            now = time.monotonic()
            try:
                self._outbox.send(self._log, now)
                for number in sorted(left):
                    held = self._holdings[number]
                    if held.endings:
                        self._outbox.finish(self._log, number, held)
                    self._log.hand_back(number)
                    left.discard(number)
            except LogUnavailable as err:
                left -= self._outages.begin(self._log, err, now)
                reason = {"reason": str(err)}
                logger.warning("could not hand back, a takeover will", extra=reason)
            except Fenced:
                return

    def _show_life(self, now: float) -> float:
        wait = self._lease
        for number, held in self._holdings.items():
            if held.jobs and not held.is_away(now):
                if now >= held.beat_at:
                    held.beat_at = now + self._lease / 3
                    beats, to_stop = self._log.beat(
                        number, [job.started for job in held.jobs.values()]
                    )
                    for started in to_stop:
                        held.stop(held.jobs[started.entry])
                    self._observe(number, beats, now)
                wait = min(wait, held.beat_at - now)
        return wait

    def _take(self, now: float) -> float:
        """End what has ended and take where work may be; where there is no room, still show life
        and watch others."""
        for number, held, room in self._turns.due(now):
            if room > 0:
                self._take_from(number, held, room, now)
            elif held.endings:
                self._outbox.finish(self._log, number, held)
            elif not self._turns.draining and now >= held.beat_at:
                self._take_from(number, held, 0, now)
        return self._turns.wait(now, self._sweep)

    def _take_from(self, number: int, held: Held, room: int, now: float) -> None:
        if room:  # without, it was not looked at
            held.look_at = now + self._sweep
        held.beat_at = now + self._lease / 3
        taken = self._log.take(
            number,
            room,
            holding=bool(held.jobs),
            also=self._given_up(held.unclaimed),
            outcomes=held.endings,
            bounds=Bounds(self._rooms.by_type(), self._turns.is_alone(now), held.turn, held.drains),
        )
        self._outbox.confirm(held, taken.stood)
        self._accept(held, taken, room, now)
        self._observe(number, taken.beats, now)

    def _accept(self, held: Held, taken: Taken, room: int, now: float) -> None:
        for started in taken.tasks:
            self._hand_out(held, started)
        if not room:
            return
        held.unclaimed, held.full = taken.unclaimed, taken.full  # setting aside rings for others
        held.turn, held.drains = taken.turn, taken.drains
        if taken.tasks:
            held.taken_at = now
        if len(taken.tasks) == room:
            held.look_at = 0.0  # there may be more
        elif taken.next_due_ms is not None:
            held.look_at = min(held.look_at, now + taken.next_due_ms / 1000)

    def _hand_out(self, held: Held, started: StartedTask) -> None:
        job = self._describe(started, self._outbox)
        held.jobs[started.entry] = job
        self.on_held(started.partition)
        job.handed_at = time.monotonic()
        self._rooms.begin(job)
        self._ready.append(job)

    def _observe(self, number: int, beats: dict[str, int], now: float) -> None:
        for worker, count in self._observer.see(number, beats, now):
            released = self._log.take_over(number, worker, count)
            logger.warning(
                "worker vanished, its tasks are queued again",
                extra={"action": "takeover", "worker": worker, "tasks": released},
            )
            self._holdings[number].look_at = 0.0

    def _interrupt_the_deaf(self, now: float) -> None:
        """Stop by force what was asked to stop and makes no progress call."""
        for job in self._holdings.jobs():
            if job.asked_at is not None and now - job.asked_at >= self._grace:
                job.asked_at = float("inf")
                interrupt(job)

    def _give_back_the_late(self, now: float) -> None:
        """What was taken ahead of its thread and now waits behind something long, others may do."""
        waiting = [job for job in self._holdings.jobs() if job.began_at is None]
        is_full = bool(waiting) and self._rooms.is_full(waiting)
        # What was let go of is given back until the log has answered, whoever is free by then: no
        # thread will run it.
        late = [
            job
            for job in waiting
            if job.abandoned or (is_full and now - job.handed_at >= LATE_SECONDS)
        ]
        for number, held in self._holdings.items():
            if held.is_away(now):
                continue
            mine = [job for job in late if held.holds(job) and job.give_up_waiting()]
            if mine:
                self._rooms.was_late()
                self._log.give_back(number, [job.started for job in mine])
                for job in mine:
                    del held.jobs[job.started.entry]

    def _reconnect(self, now: float) -> None:
        """Compare what Redis thinks is ours with what is: an answer may have been lost."""
        checked: set[str] = set()
        for number, held in self._holdings.items():
            if held.lost and not held.is_away(now):
                if (primary := self._log.primary(number)) not in checked:
                    self._log.check(number)
                    checked.add(primary)
                self._observer.forget(number)
                for started in self._log.resume(number, held.jobs):
                    self._hand_out(held, started)
                held.lost = False
                held.look_at = 0.0

    def _begin_anew(self) -> None:
        """Taken for dead: give up everything held and go on under a new name."""
        self._holdings.abandon_all()
        self._log = self._open_log()
        self._observer = Observer(self._log.worker, self._lease)
        self.ring()

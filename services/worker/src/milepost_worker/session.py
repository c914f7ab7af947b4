"""Owns all Redis traffic of one worker process. Runs no task.

dramatiq's one consumer thread turns it: end attempts, tell progress, show life, take work - each
for many tasks in one call, so that a batch costs one round trip and one fsync. Task threads only
leave notes: `finished` and the jobs' Progress. What could not be sent stays and is sent again,
since every step is safe to repeat.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from milepost.errors import LogUnavailable
from milepost_log.work import Fenced, Outcome, StartedTask, Taken, WorkLog
from milepost_worker.jobs import Job
from milepost_worker.leases import Observer

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.1
SWEEP_SECONDS = 5.0
MAX_BACKOFF_SECONDS = 1.0


@dataclass(slots=True)
class _Partition:
    """What this worker knows of one partition."""

    jobs: dict[str, Job] = field(default_factory=dict[str, Job])
    """By queue entry: attempts that run here."""
    endings: list[Outcome] = field(default_factory=list[Outcome])
    look_at: float = 0.0
    """When to take from it next, monotonic seconds."""
    beat_at: float = 0.0


class Session:
    """One worker incarnation's conversation with the log."""

    def __init__(
        self,
        open_log: Callable[[], WorkLog],
        *,
        partitions: int,
        threads: int,
        lease_seconds: float,
        describe: Callable[[StartedTask], Job],
    ) -> None:
        self._open_log = open_log
        self._log = open_log()
        self._threads = threads
        self._lease = lease_seconds
        self._describe = describe
        self._sweep = min(SWEEP_SECONDS, lease_seconds / 3)
        self._observer = Observer(self._log.worker, lease_seconds)
        self._partitions = {number: _Partition() for number in range(partitions)}
        self._ready: deque[Job] = deque()
        self._ended: deque[tuple[Job, Outcome]] = deque()
        self._wake = threading.Event()
        self._busy = 0
        self._busy_lock = threading.Lock()
        self._flush_at = 0.0
        self._backoff = 0.0
        self._lost = False
        self.draining = False
        """Set when the process shall stop: nothing new is taken."""

    @property
    def worker(self) -> str:
        """The incarnation it speaks as."""
        return self._log.worker

    def ring(self, partition: int | None = None) -> None:
        """Say that work may be ready in a partition, or anywhere."""
        for number in self._partitions if partition is None else (partition,):
            if number in self._partitions:
                self._partitions[number].look_at = 0.0
        self._wake.set()

    def finished(self, job: Job, ending: Outcome) -> None:
        """Note the end of an attempt; from a task thread, waits for nothing."""
        self._ended.append((job, ending))
        self._release_thread()

    def _release_thread(self) -> None:
        with self._busy_lock:
            self._busy -= 1
        self._wake.set()

    def next_job(self, timeout: float) -> Job | None:
        """Give the next started job, after at most `timeout` seconds of turning; else null."""
        deadline = time.monotonic() + timeout
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
        """Do all that is due; seconds until the next thing will be. Never raises for Redis."""
        try:
            if self._lost:
                self._reconnect()
            self._end()
            self._tell(now)
            wait = min(self._show_life(now), self._take(now))
        except LogUnavailable as err:
            return self._stand_back(err)
        except Fenced:
            self._begin_anew()
            return 0.0
        self._backoff = 0.0
        running = any(partition.jobs for partition in self._partitions.values())
        return min(wait, FLUSH_SECONDS) if running else wait

    def _end(self) -> None:
        while self._ended:
            job, ending = self._ended.popleft()
            partition = self._partitions[job.started.partition]
            if job.abandoned or partition.jobs.get(job.started.entry) is not job:
                continue
            partition.endings.append(ending)
        for number, partition in self._partitions.items():
            if partition.endings:
                ending_jobs = [partition.jobs[ending.task.entry] for ending in partition.endings]
                self._tell_of(number, ending_jobs)
                endings = [end for end in partition.endings if end.task.entry in partition.jobs]
                stood = self._log.finish(number, endings)
                for ending, stands in zip(endings, stood, strict=True):
                    del partition.jobs[ending.task.entry]
                    if not stands:
                        logger.warning(
                            "attempt was taken over before its end",
                            extra={"action": "finish", "task_id": ending.task.id},
                        )
                partition.endings = []
                partition.look_at = 0.0

    def _tell(self, now: float) -> None:
        if now < self._flush_at:
            return
        self._flush_at = now + FLUSH_SECONDS
        for number, partition in self._partitions.items():
            if partition.jobs:
                self._tell_of(number, partition.jobs.values())

    def _tell_of(self, number: int, jobs: Iterable[Job]) -> None:
        news = [(job, report) for job in jobs if (report := job.news()) is not None]
        if not news:
            return
        answers = self._log.report(number, [report for _, report in news])
        for (job, _), answer in zip(news, answers, strict=True):
            job.told()
            if answer == 0:
                self._abandon(job)
            elif answer == 2:
                job.progress.cancel()

    def _show_life(self, now: float) -> float:
        wait = self._lease
        for number, partition in self._partitions.items():
            if partition.jobs:
                if now >= partition.beat_at:
                    partition.beat_at = now + self._lease / 3
                    self._observe(number, self._log.beat(number), now)
                wait = min(wait, partition.beat_at - now)
        return wait

    def _take(self, now: float) -> float:
        wait = self._sweep
        for number, partition in self._partitions.items():
            room = 0 if self.draining else self._threads - self._busy
            if now < partition.look_at:
                wait = min(wait, partition.look_at - now)
            elif room > 0 or (not self.draining and now >= partition.beat_at):
                partition.look_at = now + self._sweep
                taken = self._log.take(number, room, holding=bool(partition.jobs))
                partition.beat_at = now + self._lease / 3
                self._accept(partition, taken, room)
                self._observe(number, taken.beats, now)
                if taken.next_due_ms is not None:
                    due = now + taken.next_due_ms / 1000
                    partition.look_at = min(partition.look_at, due)
                wait = min(wait, max(0.0, partition.look_at - now))
        return wait

    def _accept(self, partition: _Partition, taken: Taken, room: int) -> None:
        for started in taken.tasks:
            self._hand_out(partition, started)
        if room and len(taken.tasks) == room:
            partition.look_at = 0.0

    def _hand_out(self, partition: _Partition, started: StartedTask) -> None:
        job = self._describe(started)
        partition.jobs[started.entry] = job
        with self._busy_lock:
            self._busy += 1
        self._ready.append(job)

    def _observe(self, number: int, beats: dict[str, int], now: float) -> None:
        for worker, count in self._observer.see(number, beats, now):
            released = self._log.take_over(number, worker, count)
            logger.warning(
                "worker vanished, its tasks are queued again",
                extra={"action": "takeover", "worker": worker, "tasks": released},
            )
            self._partitions[number].look_at = 0.0

    def _stand_back(self, err: LogUnavailable) -> float:
        if not self._lost:
            logger.warning("the log is away, trying again", extra={"reason": str(err)})
        self._lost = True
        self._backoff = min(MAX_BACKOFF_SECONDS, max(0.05, self._backoff * 2))
        return self._backoff

    def _reconnect(self) -> None:
        """Compare what Redis thinks is ours with what is: an answer may have been lost."""
        self._observer.forget()
        for number, partition in self._partitions.items():
            for started in self._log.resume(number, partition.jobs):
                self._hand_out(partition, started)
        self._lost = False
        self.ring()
        logger.info("the log is back")

    def _abandon(self, job: Job) -> None:
        job.abandoned = True
        job.progress.cancel()
        self._partitions[job.started.partition].jobs.pop(job.started.entry, None)
        logger.warning("attempt was taken over", extra={"task_id": job.started.id})

    def _begin_anew(self) -> None:
        """Taken for dead: give up everything held and go on under a new name."""
        for partition in self._partitions.values():
            for job in list(partition.jobs.values()):
                self._abandon(job)
            partition.endings = []
        self._log = self._open_log()
        self._observer = Observer(self._log.worker, self._lease)
        self.ring()

    def close(self) -> None:
        """Send what is left and hand the rest back to the queue; best effort."""
        try:
            self._end()
            for number in self._partitions:
                self._log.hand_back(number)
        except (LogUnavailable, Fenced) as err:
            logger.warning("could not hand back, a takeover will", extra={"reason": str(err)})

"""Owns what attempts have to tell the log: ends, saved states, lines, progress. Takes no work.

Task threads leave notes here and go on (only `keep` waits); the session's thread sends them, many
in one call. What could not be sent stays and is sent again: every step is safe to repeat.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from milepost.errors import Cancelled, LogFull
from milepost_log.attempts import Line, Outcome, Saved
from milepost_log.work import WorkLog
from milepost_worker.held import Held, Holdings
from milepost_worker.jobs import Job

FLUSH_SECONDS = 0.1
LOOK_SECONDS = 1.0
"""How often a task that waits for its state to be safe looks whether it was taken over."""


@dataclass(frozen=True, slots=True)
class _Keeping:
    """A state that a task waits for to be safe."""

    job: Job
    state: Saved
    safe: threading.Event = field(default_factory=threading.Event)


class Outbox:
    """Notes of all attempts on their way to the log."""

    def __init__(self, holdings: Holdings, *, max_log_lines: int, wake: Callable[[], None]) -> None:
        self._holdings = holdings
        self._max_log_lines = max_log_lines
        self._wake = wake
        self._ended: deque[tuple[Job, Outcome]] = deque()
        self._keeping: deque[_Keeping] = deque()
        self._flush_at = 0.0

    def __len__(self) -> int:
        """Ends and states that the log has not confirmed; from any thread."""
        unsent = sum(len(held.endings) for held in self._holdings.values())
        return len(self._ended) + len(self._keeping) + unsent

    def finished(self, job: Job, ending: Outcome) -> None:
        """Note the end of an attempt; from a task thread, waits for nothing."""
        self._ended.append((job, ending))

    def keep(self, job: Job, state: bytes) -> None:
        """Make a state safe; from a task thread, returns when the log has answered.

        Raises:
            Cancelled: the attempt was taken over meanwhile, or is asked to stop.
        """
        job.sequence += 1
        keeping = _Keeping(job, Saved(job.started, job.sequence, state))
        self._keeping.append(keeping)
        self._wake()
        while not keeping.safe.wait(LOOK_SECONDS):
            if job.abandoned:
                raise Cancelled
        if job.abandoned:
            raise Cancelled

    def send(self, log: WorkLog, now: float) -> None:
        """Send everything that is due but ends: these go with the next `take`, or by `finish`. What
        is for a partition that is away stays.

        Raises:
            LogUnavailable: the rest, and what may not have arrived, is kept for the next time.
        """
        self._send_states(log, now)
        while self._ended:
            job, ending = self._ended.popleft()
            held = self._holdings[job.started.partition]
            if held.holds(job) and not job.abandoned:
                held.endings.append(ending)
        for number, held in self._holdings.items():
            if held.endings and not held.is_away(now):  # the last of everything goes before the end
                jobs = [held.jobs[end.task.entry] for end in held.endings]
                self._tell(log, number, held, jobs)
                held.endings = [end for end in held.endings if end.task.entry in held.jobs]
        if now >= self._flush_at:
            self._flush_at = now + FLUSH_SECONDS
            for number, held in self._holdings.items():
                if held.jobs and not held.is_away(now):
                    self._tell(log, number, held, list(held.jobs.values()))

    def finish(self, log: WorkLog, number: int, held: Held) -> None:
        """End a partition's attempts without taking others for them."""
        self.confirm(held, log.finish(number, held.endings))
        held.look_at = 0.0

    @staticmethod
    def confirm(held: Held, stood: list[bool]) -> None:
        """Let go of the attempts whose ends the log has answered."""
        endings, held.endings = held.endings, []
        for ending, stands in zip(endings, stood, strict=True):
            if stands:
                del held.jobs[ending.task.entry]
            else:
                held.abandon(held.jobs[ending.task.entry])

    def _send_states(self, log: WorkLog, now: float) -> None:
        waiting = list(self._keeping)
        for number in {item.job.started.partition for item in waiting}:
            held = self._holdings[number]
            if held.is_away(now):
                continue
            batch = [item for item in waiting if item.job.started.partition == number]
            mine = [item for item in batch if held.holds(item.job)]
            if mine:
                answers = log.save(number, [item.state for item in mine])
                self._heed(held, [item.job for item in mine], answers)
            for item in batch:
                self._keeping.remove(item)
                item.safe.set()

    def _tell(self, log: WorkLog, number: int, held: Held, jobs: list[Job]) -> None:
        """Tell what there is to tell; a full log hears of it later, ends may not wait for that."""
        with suppress(LogFull):
            self._send_news(log, number, held, jobs)

    def _send_news(self, log: WorkLog, number: int, held: Held, jobs: list[Job]) -> None:
        lines = [(job, line) for job in jobs for line in job.lines()]
        if lines:
            self._send_lines(log, number, held, lines)
        news = [(job, report) for job in jobs if (report := job.news()) is not None]
        if news:
            answers = log.report(number, [report for _, report in news])
            for job, _ in news:
                job.told()
            self._heed(held, [job for job, _ in news], answers)

    def _send_lines(
        self, log: WorkLog, number: int, held: Held, lines: list[tuple[Job, Line]]
    ) -> None:
        answers = log.log(number, [line for _, line in lines], most=self._max_log_lines)
        for job, _ in lines:
            job.untold.popleft()
        self._heed(held, [job for job, _ in lines], answers)

    @staticmethod
    def _heed(held: Held, jobs: Iterable[Job], answers: list[int]) -> None:
        """0: the attempt is no longer ours; 2: its owner asks it to stop."""
        for job, answer in zip(jobs, answers, strict=True):
            if answer == 2:
                held.stop(job)
            elif answer == 0 and held.holds(job):
                held.abandon(job)

"""Owns the beat helper: a small process that beats for its worker, so that code which holds the
interpreter's lock for long loses no lease. Run by the worker as `python -m milepost_log.heart`.

It reads lines `name partition,partition,...` from the worker, sent by a timer thread there. It
beats as long as such lines come, or the worker uses CPU (it is busy, with the lock held), never
while the worker is stopped, and ends when its input ends: with the worker. With each beat it says
what its worker offers, so that people can be told when nobody does.
"""

import logging
import os
import select
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from milepost.errors import LogUnavailable
from milepost_log.connection import ANSWER_SECONDS
from milepost_log.offers import offer
from milepost_log.presence import appear
from milepost_log.servers import Servers, open_servers
from milepost_log.work import Fenced, WorkLog

READ_BYTES = 65_536
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
BUSY_SHARE = 0.05
"""Of one core: less is not a worker that computes."""


class Vitals:
    """Whether a process is alive in the sense above. Linux; elsewhere only its lines count."""

    def __init__(self, pid: int) -> None:
        self._stat = Path(f"/proc/{pid}/stat")
        self._cpu_seconds, self._at = 0.0, 0.0

    def shows_work(self, now: float) -> bool:
        """Whether it has used CPU since the last call and is not stopped."""
        try:
            fields = self._stat.read_text().rpartition(")")[2].split()
        except OSError:
            return False
        used = (int(fields[11]) + int(fields[12])) / CLOCK_TICKS
        spent, passed = used - self._cpu_seconds, now - self._at
        self._cpu_seconds, self._at = used, now
        return fields[0] not in "TtZX" and spent >= BUSY_SHARE * passed


def main() -> None:
    """Beat until standard input ends. Arguments: namespace, seconds between beats, worker's pid."""
    namespace, interval, pid = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    logging.disable()
    # A primary that does not answer is not to keep the others from hearing the next beat.
    url, most = os.environ["MILEPOST_HEART_URL"], min(ANSWER_SECONDS, interval / 2)
    servers = open_servers(url, answer_seconds=most)
    offered = os.environ["MILEPOST_HEART_OFFERS"].split("\n")
    vitals = Vitals(pid)
    name, partitions, told, buffer = "", list[int](), False, b""
    beat_at = time.monotonic() + interval
    build = os.environ.get("MILEPOST_HEART_BUILD", "")
    _offer(servers, namespace, offered)
    while True:
        readable, _, _ = select.select([0], [], [], max(0.0, beat_at - time.monotonic()))
        if readable:
            chunk = os.read(0, READ_BYTES)
            if not chunk:
                return
            *lines, buffer = (buffer + chunk).split(b"\n")
            if lines:
                before, (name, _, numbers) = name, lines[-1].decode().partition(" ")
                partitions = [int(number) for number in numbers.split(",") if number]
                told = True
                if name != before:
                    _appear(servers, namespace, name, build)
        now = time.monotonic()
        if now >= beat_at:
            beat_at = now + interval
            works = vitals.shows_work(now)
            if told or works:
                beat(WorkLog(servers, namespace, name, ()), partitions)
                _offer(servers, namespace, offered)
                _appear(servers, namespace, name, build)
            told = False


def beat(log: WorkLog, partitions: Sequence[int]) -> None:
    """Beat in all partitions but those of a primary that has just failed to answer."""
    away: set[str] = set()
    for partition in partitions:
        if log.primary(partition) in away:
            continue
        try:
            log.beat(partition)
        except LogUnavailable:
            away.add(log.primary(partition))
        except Fenced:
            continue  # the worker finds out by itself


def _offer(servers: Servers, namespace: str, offered: Sequence[str]) -> None:
    with suppress(LogUnavailable):
        offer(servers, namespace, offered)


def _appear(servers: Servers, namespace: str, name: str, build: str) -> None:
    with suppress(LogUnavailable):
        appear(servers, namespace, name, build)


if __name__ == "__main__":
    main()

"""Owns finding, killing and freezing processes by pid. Never strikes one that was not named."""

import asyncio
import os
import random
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from milepost.errors import ConfigurationError
from milepost_cli.storm.blows import Blow

Find = Callable[[], Sequence[int]]
"""The pids of a part, as they are now."""
FROZEN_SECONDS = (0.2, 2.5)


def kills(part: str, find: Find, number: signal.Signals = signal.SIGKILL) -> Blow:
    """End one process of a part, as `number` does."""
    verb = "kill" if number == signal.SIGKILL else "stop"

    async def deal(dice: random.Random) -> bool:
        pid = await _one(find, dice)
        return pid is not None and _send(pid, number)

    return Blow(f"{verb} {part}", deal)


def freezes(
    part: str, find: Find, seconds: tuple[float, float] = FROZEN_SECONDS, name: str | None = None
) -> Blow:
    """Stop one process of a part for so long, then let it go on."""

    async def deal(dice: random.Random) -> bool:
        pid = await _one(find, dice)
        if pid is None or not _send(pid, signal.SIGSTOP):
            return False
        try:
            await asyncio.sleep(dice.uniform(*seconds))
        finally:
            _send(pid, signal.SIGCONT)
        return True

    return Blow(name or f"freeze {part}", deal)


async def _one(find: Find, dice: random.Random) -> int | None:
    pids = await asyncio.to_thread(find)
    return dice.choice(pids) if pids else None


def _send(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def the_one(pid: int) -> Find:
    """Find a process that was named, while it is the same: its number may be another's later.

    Raises:
        ConfigurationError: there is no such process.
    """
    named = _born(pid)
    if named is None:
        raise ConfigurationError(f"there is no process {pid}")
    return lambda: [pid] if _born(pid) == named else []


def _born(pid: int) -> str | None:
    """When a process was started; null for one that has ended."""
    with suppress(OSError):
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if state in "ZX" else rest[18]
    if Path("/proc/self/stat").exists():
        return None
    listed = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip() or None


def children(parent: int) -> dict[int, str]:
    """Living children of a process: pid -> command line."""
    if Path("/proc/self/stat").exists():
        return _children_by_proc(parent)
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = (line.split(None, 2) for line in listed.stdout.splitlines())
    return {int(row[0]): row[2] for row in rows if len(row) == 3 and int(row[1]) == parent}


def _children_by_proc(parent: int) -> dict[int, str]:
    found = dict[int, str]()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            state, ppid = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(ppid) == parent and state not in "ZX":
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = line.decode(errors="replace")
    return found

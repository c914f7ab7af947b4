"""Owns the list of what has happened in a storm, and its clock. Judges nothing."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from milepost_cli.storm.records import Record


class History:
    """What has happened, in order."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic, self._began = monotonic, monotonic()
        self.records: list[Record] = []

    def now(self) -> float:
        """Seconds since the storm began."""
        return self._monotonic() - self._began

    def add(self, record: Record) -> None:
        """Remember it."""
        self.records.append(record)

    def write(self, file: Path) -> None:
        """Write all of it, a JSON object a line, its kind as `record`."""
        with file.open("w") as out:
            for each in self.records:
                line = {"record": type(each).__name__} | asdict(each)
                out.write(json.dumps(line, default=sorted) + "\n")


def canonical(value: Any) -> str:
    """JSON that is equal where the values are."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


CHANGING = frozenset(("eta_at", "liveness", "queue_position"))
"""What the clock and the queue change of a task without an event."""


def lasting(task: Mapping[str, Any]) -> str:
    """A task as a notification shows it, without what changes by itself."""
    return canonical({name: task[name] for name in task if name not in CHANGING})

"""Owns how much a task that is asked for may have, as configured. Checks nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskLimits:
    """The most a request for a task may have; what `requests` allows is never exceeded."""

    params_bytes: int
    """Of params as compact JSON."""
    title_chars: int
    tags: int
    tag_chars: int

"""Owns a load for real workers: tasks of every kind of end and length, by dice."""

import random
from typing import Any


def mixture(dice: random.Random, count: int) -> list[tuple[str, dict[str, Any]]]:
    """So many requests for `LogProbe.create_many`."""
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("sample.noop", {}),
        ("sample.count", {"upto": 1000}),
        ("sample.sleep", {"seconds": 0.05}),
        ("sample.sleep", {"seconds": 0.6}),
        ("sample.flaky", {"fail_times": 1}),
        ("sample.fail", {"reason": "as told"}),
    ]
    return dice.choices(kinds, weights=[50, 15, 15, 8, 8, 4], k=count)

"""What a page sees of reports: how old each is, and how long those waited that it never saw."""

import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from benches.stage.pages import PAUSE_SECONDS, Seen, watch

PAUSE_MS = 1000 * PAUSE_SECONDS
SLACK_MS = 50.0
"""Of a machine that is busy; far less than the ages told here."""


def told(done: int | None, age_ms: float, status: str = "running") -> dict[str, Any]:
    """One report of so long ago, as a notification shows it; none yet where `done` is null."""
    made = None if done is None else str(time.monotonic_ns() - int(age_ms * 1e6))
    return {"name": "task_progress", "data": {"status": status, "message": made, "done": done}}


async def seen_of(*notifications: dict[str, Any]) -> Seen:
    async def come() -> AsyncGenerator[dict[str, Any]]:
        for each in notifications:
            yield each

    seen = Seen()
    await watch(come(), seen)
    return seen


async def test_who_sees_every_report_waits_for_each_as_long_as_it_is_old() -> None:
    seen = await seen_of(told(None, 0, "queued"), told(0, 1000), told(1, 2000), told(2, 3000))
    assert seen.ages == pytest.approx([1000, 2000, 3000], abs=SLACK_MS)
    assert seen.waits == seen.ages


async def test_reports_that_were_never_seen_waited_until_a_newer_one_was() -> None:
    seen = await seen_of(told(0, 1000), told(3, 1000))
    assert len(seen.ages) == 2
    waits = [1000, 1000, 1000 + PAUSE_MS, 1000 + 2 * PAUSE_MS]
    assert seen.waits == pytest.approx(waits, abs=SLACK_MS)


async def test_the_last_report_comes_with_the_end_and_counts() -> None:
    last = told(1, 2000, "succeeded")
    seen = await seen_of(told(0, 1000), last, told(2, 0))
    assert seen.ages == pytest.approx([1000, 2000], abs=SLACK_MS)
    assert len(seen.waits) == 2, "each that was made waited once; behind the end comes nothing"


async def test_a_last_report_that_was_seen_before_the_end_counts_once() -> None:
    report = told(0, 1000)
    end = {**report, "data": {**report["data"], "status": "succeeded"}}
    seen = await seen_of(report, end)
    assert len(seen.ages) == len(seen.waits) == 1


async def test_a_task_that_failed_is_no_measurement() -> None:
    with pytest.raises(AssertionError):
        await seen_of(told(0, 1000), told(0, 1000, "failed"))

"""The rate of a running task is the recent one, and the same from a thinned history."""

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histories import NOON, Story, created, fold_all
from milepost import events as e
from milepost_notify import present, thinning
from milepost_notify.rates import spacing
from milepost_notify.thinning import stride

SECOND = 1000


def told(story: Story, count: int, *, first: float, step: float, later_ms: int) -> None:
    for number in range(count):
        progress = e.TaskProgressed(progress=first + step * number)
        story.tell(progress, attempt=1, later_ms=later_ms)


@pytest.mark.parametrize("count", [40, 300])
def test_a_task_that_has_become_slower_is_measured_at_its_present_rate(count: int):
    story = Story()
    story.tell(created())
    story.tell(e.TaskStarted(worker="w"), attempt=1)
    told(story, count, first=0, step=50 / count, later_ms=SECOND)
    told(story, count, first=50, step=5 / count, later_ms=SECOND)
    eta = present.eta_ms(fold_all(story.told)[0].tasks["bob", "t1"], story.ms)
    assert eta is not None
    left = 45 / (5 / count)  # percent, at a tenth of the rate
    assert eta - story.ms == pytest.approx(left * SECOND, rel=0.05)


def test_the_first_reports_are_measured_from_the_start():
    story = Story()
    story.tell(created())
    story.tell(e.TaskStarted(worker="w"), attempt=1)
    told(story, 1, first=10, step=0, later_ms=SECOND)
    eta = present.eta_ms(fold_all(story.told)[0].tasks["bob", "t1"], story.ms)
    assert eta == NOON + 2 + SECOND + 9 * SECOND


def milestones(count: int) -> list[int]:
    """The last two up to a number, the newest first."""
    found = list[int]()
    for n in range(count, 0, -1):
        if n % spacing(n) == 0:
            found.append(n)
        if len(found) == 2:
            break
    return found


@given(st.integers(1, 20_000), st.sampled_from((1, 2, 3, 10, 16, 17, 20, 31, 33, 100, 200)))
def test_thinning_keeps_the_last_two_milestones(count: int, most: int):
    with patch.object(thinning, "MOST", most):
        assert all(milestone % stride(count) == 0 for milestone in milestones(count))

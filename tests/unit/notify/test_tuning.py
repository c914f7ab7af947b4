"""What a projector sets aside from the search for cycles, and how often."""

import gc
import sys
from collections.abc import Iterator

import pytest

from milepost_notify.projecting import YOUNG_OBJECTS, tune


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(700, 10, 10)
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


def test_what_was_there_at_the_start_is_set_aside_once() -> None:
    before = gc.get_freeze_count()
    tune()
    assert gc.get_threshold()[0] == YOUNG_OBJECTS
    frozen = gc.get_freeze_count()
    assert frozen > before
    later: list[list[int]] = [[] for _ in range(1000)]
    tune()
    assert gc.get_freeze_count() <= frozen, f"a second time, with {len(later)} more"

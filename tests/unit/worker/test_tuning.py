"""How often a worker looks for cycles among young objects."""

import gc
from collections.abc import Iterator

import pytest

from milepost_worker.main import PYTHONS_OWN, YOUNG_OBJECTS, tune


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_a_worker_looks_less_often_than_python_would() -> None:
    gc.set_threshold(*PYTHONS_OWN)
    tune()
    assert gc.get_threshold()[0] == YOUNG_OBJECTS > PYTHONS_OWN[0]


@pytest.mark.parametrize("chosen", [(0, 10, 10), (500, 5, 5)], ids=["never", "often"])
def test_what_a_user_s_module_has_chosen_stays(chosen: tuple[int, int, int]) -> None:
    gc.set_threshold(*chosen)
    tune()
    assert gc.get_threshold() == chosen

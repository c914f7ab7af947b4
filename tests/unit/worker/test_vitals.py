"""What a worker says of its own health."""

import pytest

from milepost_worker.vitals import STUCK_SECONDS, Vitals


def vitals(
    *,
    still: float = 0.0,
    away: bool = False,
    fault: str = "",
    announced: bool = True,
    stopping: bool = False,
) -> Vitals:
    return Vitals(
        turned_at=lambda: 1000.0,
        monotonic=lambda: 1000.0 + still,
        log_is_away=lambda: away,
        fault=lambda: fault,
        announced=lambda: announced,
        stopping=lambda: stopping,
    )


def test_one_that_turns_and_misses_nothing_is_live_and_ready():
    well = vitals(still=STUCK_SECONDS - 1)
    assert set(well.live().values()) == {"ok"} == set(well.ready().values())


def test_one_whose_session_stands_still_is_not_live():
    assert "120 s" in vitals(still=STUCK_SECONDS).live()["session"]


@pytest.mark.parametrize(
    ("missing", "found"),
    [
        ("redis", vitals(away=True)),
        ("redis", vitals(fault="evicts")),
        ("task_types", vitals(announced=False)),
        ("takes_work", vitals(stopping=True)),
    ],
)
def test_what_is_missing_is_named_and_is_nothing_that_a_restart_helps(missing: str, found: Vitals):
    assert {name for name, said in found.ready().items() if said != "ok"} == {missing}
    assert set(found.live().values()) == {"ok"}

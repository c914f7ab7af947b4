"""However many task types there are, a process has figures of so many at most."""

from milepost_notify.measures import Kind, Measures
from milepost_notify.projection_figures import MOST_KINDS, ProjectionFigures

KINDS = [Kind("default", f"type{number}") for number in range(MOST_KINDS + 3)]


def samples(figures: ProjectionFigures, name: str) -> dict[tuple[str, ...], float]:
    """Queue, type and outcome -> how many."""
    return {
        tuple(sample.labels.values()): sample.value
        for metric in figures.collect()
        for sample in metric.samples
        if sample.name == name
    }


def test_types_beyond_those_that_are_counted_are_counted_together():
    figures = ProjectionFigures()
    measures = Measures(
        waits=[(kind, 1.0) for kind in KINDS], runs=[(kind, "failed", 2.0) for kind in KINDS]
    )
    for _ in range(2):
        figures.saved(measures, seconds=0.1, since_read=0.1)
    waits = samples(figures, "milepost_task_wait_seconds_count")
    runs = samples(figures, "milepost_task_run_seconds_count")
    assert len(waits) == len(runs) == MOST_KINDS + 1
    assert waits["default", "type0"] == runs["default", "type0", "failed"] == 2
    assert waits["other", "other"] == runs["other", "other", "failed"] == 6

"""What each event makes of a task's row."""

import math

import pytest
from hypothesis import given

from histories import NOON, OOPS, Story, created, fold_all, legal_logs
from milepost import events as e
from milepost.task_state import ENDED, TaskState, evolve
from milepost_notify.archive import Logged
from milepost_notify.projection import Unprojectable, project
from milepost_notify.rows import TaskRow


def row_of(story: Story, task: str = "t1", owner: str = "bob") -> TaskRow:
    return fold_all(story.told)[0].tasks[owner, task]


def started(story: Story, attempt: int = 1) -> None:
    story.tell(e.TaskStarted(worker="w"), attempt=attempt)


def progressed(story: Story, percent: float, attempt: int = 1, **more: object) -> None:
    told = e.TaskProgressed.model_validate({"progress": percent, **more})
    story.tell(told, attempt=attempt)


def test_a_new_task_is_queued_at_nought_percent_and_no_attempt():
    story = Story()
    story.tell(created("Mail", tags=("a", "b"), parent="p", retry_of="r"))
    row = row_of(story)
    assert (row["status"], row["progress"], row["attempt"]) == ("queued", 0.0, 0)
    assert row["indeterminate"] is False
    assert (row["title"], row["tags"], row["parent"], row["retry_of"]) == (
        "Mail", '["a","b"]', "p", "r"
    )  # fmt: skip
    assert row["created_at"] == story.ms
    assert row["started_at"] is row["ended_at"] is row["progress_at"] is None


def test_a_delayed_task_is_scheduled_until_it_starts():
    story = Story()
    story.tell(created(runs_at=NOON + 60_000))
    assert (row_of(story)["status"], row_of(story)["runs_at"]) == ("scheduled", NOON + 60_000)
    started(story)
    assert row_of(story)["status"] == "running"


def test_a_running_task_is_indeterminate_until_it_tells_a_value():
    story = Story()
    story.tell(created())
    started(story)
    assert row_of(story)["indeterminate"] is True
    progressed(story, 0, indeterminate=True, message="counting")
    assert (row_of(story)["indeterminate"], row_of(story)["message"]) == (True, "counting")
    progressed(story, 12.5, done=1, total=8, step="one")
    row = row_of(story)
    assert (row["indeterminate"], row["progress"], row["done"], row["total"]) == (
        False, 12.5, 1, 8
    )  # fmt: skip
    assert (row["step"], row["message"]) == ("one", None)


def test_progress_stays_below_one_hundred_until_success():
    story = Story()
    story.tell(created())
    started(story)
    progressed(story, 99.99999)
    assert row_of(story)["progress"] == 99.9
    story.tell(e.TaskSucceeded(result={"n": 1}), attempt=1)
    assert row_of(story)["progress"] == 100.0


@pytest.mark.parametrize(
    "end",
    [e.TaskFailed(error=OOPS, failures=1), e.TaskCancelled()],
    ids=["failed", "cancelled"],
)
def test_a_task_that_did_not_succeed_keeps_the_progress_it_had(end: e.Payload):
    story = Story()
    story.tell(created())
    started(story)
    progressed(story, 99.99)
    story.tell(end, attempt=1)
    row = row_of(story)
    assert row["progress"] == 99.9
    assert row["ended_at"] == story.ms
    assert row["worker"] is None


def test_a_task_that_failed_before_it_told_anything_stands_at_nought():
    story = Story()
    story.run(end=e.TaskFailed(error=OOPS))
    assert row_of(story)["progress"] == 0.0


def test_the_next_attempt_begins_again_at_nought():
    story = Story()
    story.tell(created())
    started(story)
    progressed(story, 60, message="half")
    story.tell(e.TaskRetrying(error=OOPS, runs_at=NOON + 99, failures=1), attempt=1)
    row = row_of(story)
    assert (row["status"], row["progress"], row["attempt"], row["failures"]) == (
        "retrying", 60, 1, 1
    )  # fmt: skip
    assert row["runs_at"] == NOON + 99
    assert row["error"] is not None
    first_start = row["started_at"]
    started(story, attempt=2)
    row = row_of(story)
    assert (row["status"], row["progress"], row["attempt"]) == ("running", 0.0, 2)
    assert row["message"] is row["error"] is None
    assert row["started_at"] == first_start
    assert row["attempt_started_at"] == row["progress_at"] == story.ms


def test_a_task_taken_from_its_worker_keeps_its_progress_while_it_waits():
    story = Story()
    story.tell(created())
    started(story)
    progressed(story, 40)
    story.tell(e.TaskReturned(reason="worker_lost", worker="w", crashes=1), attempt=1)
    row = row_of(story)
    assert (row["status"], row["progress"], row["attempt"], row["crashes"]) == ("queued", 40, 1, 1)
    assert row["worker"] is None
    assert row["indeterminate"] is False


def test_a_report_of_another_attempt_changes_nothing():
    story = Story()
    story.tell(created())
    started(story)
    started(story, attempt=2)
    before = row_of(story)
    progressed(story, 80, attempt=1)
    assert row_of(story) == before


def test_nothing_but_a_dismissal_changes_an_ended_task():
    story = Story()
    story.run()
    before = row_of(story)
    started(story, attempt=2)
    progressed(story, 10, attempt=2)
    story.tell(e.TaskFailed(error=OOPS), attempt=2)
    assert row_of(story) == before
    story.tell(e.TaskDismissed(), attempt=1)
    row = row_of(story)
    assert row == {**before, "dismissed": True, "read": True, "position": row["position"]}


def test_asking_to_cancel_is_noted_while_the_task_runs_on():
    story = Story()
    story.tell(created())
    started(story)
    story.tell(e.TaskCancelRequested(), attempt=1)
    row = row_of(story)
    assert (row["status"], row["cancel_requested_at"]) == ("running", story.ms)


def test_a_log_line_is_news():
    story = Story()
    story.tell(created())
    started(story)
    story.tell(e.TaskLogged(text="hello"), attempt=1)
    assert row_of(story)["progress_at"] == story.ms


def test_a_large_result_is_left_to_the_history():
    story = Story()
    story.run("small", end=e.TaskSucceeded(result="x" * 4094))
    story.run("large", end=e.TaskSucceeded(result="é" * 2048))
    rows = fold_all(story.told)[0].tasks
    assert (rows["bob", "small"]["result"], rows["bob", "small"]["result_omitted"]) == (
        '"' + "x" * 4094 + '"', False
    )  # fmt: skip
    assert (rows["bob", "large"]["result"], rows["bob", "large"]["result_omitted"]) == (None, True)


def test_figures_that_json_cannot_hold_are_not_shown():
    story = Story()
    story.tell(created())
    started(story)
    progressed(story, 5, done=math.inf, total=math.nan)
    row = row_of(story)
    assert row["done"] is row["total"] is None


def test_an_event_of_a_task_that_was_never_created_cannot_be_projected():
    story = Story()
    event = story.tell(e.TaskStarted(worker="w"), attempt=1)
    with pytest.raises(Unprojectable, match="never created"):
        project(None, event)


@given(legal_logs())
def test_what_people_see_never_falls_within_an_attempt_and_100_is_success(told: list[Logged]):
    rows: dict[tuple[str, str], TaskRow] = {}
    for each in told:
        event = each.event
        if not event.task:
            continue
        key = (event.owner, event.task)
        before = rows.get(key)
        after = rows[key] = project(before, event)
        assert (after["progress"] == 100) == (after["status"] == "succeeded")
        assert 0 <= after["progress"] <= 99.9 or after["status"] == "succeeded"
        if before is not None:
            assert after["attempt"] >= before["attempt"]
            if after["attempt"] == before["attempt"]:
                assert after["progress"] >= before["progress"]


@given(legal_logs())
def test_the_row_agrees_with_the_state_machine(told: list[Logged]):
    states: dict[tuple[str, str], TaskState] = {}
    for each in told:
        if each.event.task:
            key = (each.event.owner, each.event.task)
            states[key] = evolve(states.get(key), each.event.payload)
    rows = fold_all(told)[0].tasks
    assert rows.keys() == states.keys()
    for key, state in states.items():
        row = rows[key]
        assert (row["status"], row["attempt"], row["dismissed"]) == (
            state.status, state.attempt, state.dismissed
        )  # fmt: skip
        assert (row["ended_at"] is not None) == (state.status in ENDED)

"""How rows look to people."""

import json
from dataclasses import replace
from typing import Any

import pytest

from histories import LOG_ID, NOON, OOPS, Story, checkpoint, created, fold_all
from milepost import events as e
from milepost.cursors import Cursor, StreamId
from milepost.records import Task
from milepost_notify import present
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.explain import explain
from milepost_notify.routers.shapes import Event, Explanation, Notification, NotifiedTask
from milepost_notify.rows import TASK_PROGRESS, UNREAD_MESSAGE_COUNT
from milepost_notify.standing import UNKNOWN, Standing

SECOND = 1000


def running(story: Story, **more: Any) -> None:
    story.tell(created(**more))
    story.tell(e.TaskStarted(worker="w"), attempt=1)


def progressed(story: Story, percent: float, *, later_ms: int = SECOND, attempt: int = 1) -> None:
    story.tell(e.TaskProgressed(progress=percent), attempt=attempt, later_ms=later_ms)


def record(
    story: Story, *, now_ms: int | None = None, standing: Standing = UNKNOWN
) -> dict[str, Any]:
    known, changes = fold_all(story.told)
    row = known.tasks["bob", "t1"]
    params = present.params_of(changes.history[0])
    result = present.result_of(changes.history[-1])
    at = checkpoint(story.told)
    return present.task_record(row, params, result, at, now_ms or story.ms, standing)


def notified(story: Story, name: str = TASK_PROGRESS) -> dict[str, Any]:
    known, changes = fold_all(story.told)
    task = known.tasks["bob", "t1"] if name == TASK_PROGRESS else None
    row = changes.notifications["bob", name, "t1" if task else ""]
    return present.notification(row, task, checkpoint(story.told), story.ms)


def test_a_record_has_every_field_of_the_contract_and_no_other():
    story = Story()
    running(story, params={"to": ["a@b.test"]}, tags=["x"], runs_at=NOON + 5)
    progressed(story, 50)
    shown = record(story)
    assert shown.keys() == Task.model_fields.keys()
    assert Task.model_validate(shown).model_dump(mode="json") == shown
    assert shown["params"] == {"to": ["a@b.test"]}
    assert shown["created_at"] == "2027-01-15T08:00:00.001Z"
    assert shown["runs_at"] == "2027-01-15T08:00:00.005Z"
    assert shown["queue_position"] is None


def test_a_revision_names_the_last_event_as_submit_would():
    story = Story()
    running(story)
    end = story.told[-1].event
    revision = Cursor.parse(record(story)["revision"])
    assert (revision.era, revision.ordinal, revision.id) == (0, 0, end.id)


def test_a_notification_tells_the_task_without_its_params():
    story = Story()
    story.run()
    shown = notified(story)
    assert shown["data"].keys() == NotifiedTask.model_fields.keys() - {"params"}
    NotifiedTask.model_validate(shown["data"])
    Notification.model_validate(shown)
    assert shown["data"]["task_id"] == shown["data"]["id"] == "t1"
    assert shown["timestamp"] == story.ms / 1000
    assert Cursor.parse(shown["id"]).ordinal == 1


def test_the_unread_count_is_its_data():
    story = Story()
    story.run()
    shown = notified(story, UNREAD_MESSAGE_COUNT)
    assert shown["data"] == 1
    assert Cursor.parse(shown["id"]).ordinal == 2


def test_a_large_result_is_left_out_of_a_notification_and_said_so():
    story = Story()
    story.run(end=e.TaskSucceeded(result="x" * 5000))
    data = notified(story)["data"]
    assert (data["result"], data["result_omitted"]) == (None, True)
    assert record(story)["result"] == "x" * 5000


def test_the_end_is_estimated_from_the_rate_of_the_attempt():
    story = Story()
    running(story)
    progressed(story, 25)
    assert record(story)["eta_at"] == "2027-01-15T08:00:04.002Z"


def test_an_attempt_that_resumes_in_the_middle_is_measured_from_there():
    story = Story()
    running(story)
    story.tell(e.TaskReturned(reason="shutdown", worker="w", crashes=0), attempt=1)
    story.tell(e.TaskStarted(worker="w"), attempt=2)
    progressed(story, 80, later_ms=1, attempt=2)
    assert record(story)["eta_at"] is None
    progressed(story, 90, attempt=2)
    assert record(story)["eta_at"] == "2027-01-15T08:00:02.005Z"


def test_an_estimate_is_never_in_the_past():
    story = Story()
    running(story)
    progressed(story, 50)
    eta = present.eta_ms(fold_all(story.told)[0].tasks["bob", "t1"], story.ms + 60 * SECOND)
    assert eta is not None
    assert eta > story.ms + 60 * SECOND


def test_there_is_no_estimate_without_progress_or_when_nothing_runs():
    story = Story()
    running(story)
    assert record(story)["eta_at"] is None
    story.tell(e.TaskProgressed(progress=10, indeterminate=True), attempt=1, later_ms=SECOND)
    assert record(story)["eta_at"] is None
    progressed(story, 50)
    story.tell(e.TaskSucceeded(), attempt=1)
    assert record(story)["eta_at"] is None


def test_a_running_task_that_tells_nothing_becomes_quiet():
    story = Story()
    running(story, quiet_after_seconds=10)
    progressed(story, 1)
    assert record(story, now_ms=story.ms + 10 * SECOND)["liveness"] == "moving"
    assert record(story, now_ms=story.ms + 10 * SECOND + 1)["liveness"] == "quiet"
    story.tell(e.TaskSucceeded(), attempt=1)
    assert record(story)["liveness"] is None


def test_exception_text_is_for_operators_only():
    story = Story()
    story.run(end=e.TaskFailed(error=OOPS, failures=1, detail="Traceback: secret"))
    row, at = fold_all(story.told)[1].history[-1], checkpoint(story.told)
    shown = present.event_record(row, at, with_detail=False, for_operators=False)
    Event.model_validate(shown)
    assert "secret" not in json.dumps(shown)
    assert shown["data"]["error"] == OOPS.model_dump()
    told = present.event_record(row, at, with_detail=True, for_operators=False)
    assert told["data"]["detail"] == "Traceback: secret"


def test_an_event_of_a_later_version_is_shown_as_it_is_stored():
    story = Story()
    story.tell(created())
    row = fold_all(story.told)[1].history[0]
    row["v"], row["data"] = 9, '{"new": 1, "detail": "x", "params": {"a": 1}}'
    shown = present.event_record(
        row, checkpoint(story.told), with_detail=False, for_operators=False
    )
    assert (shown["v"], shown["data"]) == (9, {"new": 1, "params": {"a": 1}})
    assert present.params_of(row) == {"a": 1}


def explained(
    story: Story, now_ms: int | None = None, standing: Standing = UNKNOWN
) -> dict[str, Any]:
    found = explain(fold_all(story.told)[0].tasks["bob", "t1"], now_ms or story.ms, standing)
    Explanation.model_validate(found)
    return found


def test_every_state_is_explained():
    story = Story()
    story.tell(created(runs_at=NOON + 60 * SECOND))
    assert explained(story)["reason"] == "scheduled"
    assert "2027-01-15T08:01:00.000Z" in explained(story)["words"]
    assert explained(story, NOON + 61 * SECOND)["reason"] == "due"
    story.tell(e.TaskStarted(worker="w"), attempt=1)
    assert explained(story)["reason"] == "running"
    assert explained(story, story.ms + 61 * SECOND)["reason"] == "quiet"
    story.tell(e.TaskRetrying(error=OOPS, runs_at=story.ms + 9000, failures=1), attempt=1)
    assert explained(story)["reason"] == "retrying"
    assert "failed once" in explained(story)["words"]
    story.tell(e.TaskStarted(worker="w"), attempt=2)
    story.tell(e.TaskReturned(reason="worker_lost", worker="w", crashes=1), attempt=2)
    assert explained(story)["reason"] == "returned"
    story.tell(e.TaskStarted(worker="w"), attempt=3)
    story.tell(e.TaskCancelRequested(), attempt=3)
    assert "was asked to stop" in explained(story)["words"]
    story.tell(e.TaskFailed(error=OOPS, failures=2), attempt=3)
    assert explained(story)["words"] == "It has failed: It did not work"


def test_a_queued_task_says_which_queue_it_waits_in():
    story = Story()
    story.tell(created(queue="mail"))
    assert explained(story)["words"] == "It waits in the queue mail for a free worker."


def test_a_task_handed_back_or_cancelled_or_done_says_so():
    story = Story()
    running(story)
    story.tell(e.TaskReturned(reason="shutdown", worker="w", crashes=0), attempt=1)
    assert "handed it back" in explained(story)["words"]
    story.tell(e.TaskCancelled(), attempt=1)
    assert explained(story)["reason"] == "cancelled"
    done = Story()
    done.run()
    assert explained(done)["reason"] == "succeeded"


def test_a_stream_id_of_any_size_can_be_shown():
    at = Checkpoint(0, LOG_ID, 0, StreamId(1, 1))
    huge = StreamId(2**64 - 1, 2**64 - 1)
    assert Cursor.parse(str(at.revision(huge))).id == huge


def queued(**more: Any) -> Standing:
    return replace(Standing("queued", 0, "stream"), **more)


def test_a_queued_task_says_how_many_are_before_it():
    story = Story()
    story.tell(created(queue="mail"))
    for ahead, words in (
        (0, "It is the next in its queue. It waits for a free worker."),
        (1, "About 1 task is before it in its queue. It waits for a free worker."),
        (7, "About 7 tasks are before it in its queue. It waits for a free worker."),
    ):
        standing = queued(ahead=ahead)
        assert record(story, standing=standing)["queue_position"] == ahead
        why = explained(story, standing=standing)
        assert (why["reason"], why["words"], why["queue_position"]) == ("queued", words, ahead)


@pytest.mark.parametrize(
    ("standing", "reason", "words"),
    [
        (queued(waits="own", ahead=99), "own_limit", "About 99 tasks are before it"),
        (queued(waits="limit"), "own_limit", "As many tasks of this type run"),
        (queued(waits="aside"), "no_room", "run as many of it as they may at a time"),
        (queued(waits="alone"), "runs_alone", "Two workers vanished while they ran it"),
        (queued(suspects=True, ahead=3), "queued", "A worker takes nothing new meanwhile"),
        (queued(waits="alone", suspects=True), "runs_alone", "nothing else to do."),
        (queued(missing="type"), "no_worker", "No live worker offers the type unit.job."),
        (
            queued(missing="queue", missing_since=NOON), "no_worker",
            "No live worker offers the queue default since 2027-01-15T08:00:00.000Z.",
        ),
    ],
)  # fmt: skip
def test_a_queued_task_says_what_it_waits_for(standing: Standing, reason: str, words: str):
    story = Story()
    story.tell(created())
    why = explained(story, standing=standing)
    assert why["reason"] == reason
    assert words in why["words"]


def test_a_task_that_is_due_stands_in_its_queue_though_no_event_says_so():
    story = Story()
    story.tell(created(runs_at=NOON + SECOND))
    why = explained(story, NOON + 2 * SECOND, queued(ahead=3))
    assert (why["reason"], why["queue_position"]) == ("due", 3)


def test_a_task_whose_worker_is_gone_is_lost_until_it_is_taken_over():
    story = Story()
    running(story)
    gone = Standing("running", 1, lost=True, vanished_at=NOON)
    assert record(story, standing=gone)["liveness"] == "lost"
    why = explained(story, standing=gone)
    assert (why["reason"], why["vanished_at"]) == ("lost", "2027-01-15T08:00:00.000Z")
    assert "vanished at 2027-01-15T08:00:00.000Z" in why["words"]
    story.tell(e.TaskReturned(reason="worker_lost", worker="w", crashes=1), attempt=1)
    assert record(story, standing=gone)["liveness"] is None
    assert "vanished during attempt 1" in explained(story, standing=gone)["words"]


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_a_task_that_has_ended_and_whose_end_is_not_here_does_not_run(status: str):
    story = Story()
    running(story)
    over = Standing(status, 1)
    assert record(story, standing=over)["liveness"] is None
    why = explained(story, standing=over)
    assert (why["reason"], why["liveness"]) == ("ended_elsewhere", None)
    assert f"It has ended ({status})" in why["words"]
    assert "reconcile" in why["words"]
    story.tell(e.TaskFailed(error=OOPS, failures=1), attempt=1)
    assert explained(story, standing=over)["reason"] == "failed"


def test_a_suspect_that_runs_says_why_nothing_runs_beside_it():
    story = Story()
    running(story)
    story.tell(e.TaskReturned(reason="worker_lost", worker="w", crashes=2), attempt=1)
    story.tell(e.TaskStarted(worker="w"), attempt=2)
    assert "with nothing beside it" in explained(story)["words"]


def test_what_is_known_of_another_attempt_is_not_told_of_this_one():
    story = Story()
    running(story)
    assert record(story, standing=Standing("running", 2, lost=True))["liveness"] == "moving"
    story.tell(e.TaskReturned(reason="shutdown", worker="w", crashes=0), attempt=1)
    assert record(story, standing=queued(ahead=3))["queue_position"] is None

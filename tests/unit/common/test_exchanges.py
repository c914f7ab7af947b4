"""How a request is made until it is answered, and a task followed: no server, no clock."""

from collections.abc import Iterable
from typing import Any

import pytest

from milepost import errors
from milepost.conversations import followed
from milepost.exchanges import (
    PAUSES_SECONDS,
    Answer,
    Ask,
    Conversation,
    Pause,
    answered,
    within,
)
from milepost.records import Task

GET, POST = Ask("notify", "GET", "/x"), Ask("submit", "POST", "/x")
GOOD = Answer(200, {"x": 1})
AWAY, BROKEN = Answer(0, reason="refused"), Answer(502, "<html>")


def drive(conversation: Conversation[Any], answers: Iterable[Answer]) -> tuple[list[Any], Any]:
    """What a conversation yields when it is told these answers, and what it comes to."""
    told, steps, answer = iter(answers), list[Any](), None
    while True:
        try:
            steps.append(conversation.send(answer))
        except StopIteration as end:
            return steps, end.value
        answer = next(told) if isinstance(steps[-1], Ask) else None


def task(status: str = "running", progress: float = 0, **fields: Any) -> dict[str, Any]:
    record = dict[str, Any].fromkeys(Task.model_fields)
    record |= {"id": "t", "type": "x", "title": "X", "owner": "bob", "queue": "default"}
    record |= {"tags": list[str](), "priority": "normal", "params": {"a": 1}, "attempt": 1}
    record |= {"indeterminate": False, "dismissed": False, "read": False, "children_count": 0}
    record |= {"quiet_after_seconds": 60, "created_at": "2026-01-01T00:00:00.000Z"}
    return record | {"status": status, "progress": progress, "revision": f"r{progress:g}"} | fields


def news(cursor: str, *tasks: dict[str, Any], gap: bool = False) -> Answer:
    """A page of notifications, which leaves params out."""
    rows = [
        {"name": "task_progress", "data": {**each, "task_id": each["id"], "params": None}}
        for each in tasks
    ]
    unread = {"name": "unread_message_count", "data": 3}
    return Answer(200, {"cursor": cursor, "gap": gap, "notifications": [unread, *rows]})


def test_what_went_wrong_on_the_other_side_is_asked_again_the_same():
    steps, body = drive(answered(POST), [AWAY, BROKEN, GOOD])
    assert body == {"x": 1}
    assert steps == [POST, Pause(PAUSES_SECONDS[0]), POST, Pause(PAUSES_SECONDS[1]), POST]


def test_the_other_side_says_when_to_come_again():
    steps, _ = drive(answered(POST), [Answer(503, {}, retry_after_seconds=2), GOOD])
    assert steps[1] == Pause(2)


def test_it_is_given_up_after_the_last_pause_with_the_last_reason():
    with pytest.raises(errors.Unreachable, match="notify: answered 502"):
        drive(answered(GET), [AWAY] * len(PAUSES_SECONDS) + [BROKEN])


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.InvalidRequest), (401, errors.NotSignedIn), (403, errors.NotAllowed),
        (404, errors.NotFound), (409, errors.Conflict), (418, errors.RequestRefused),
        (422, errors.InvalidRequest), (429, errors.TooMany),
    ],
)  # fmt: skip
def test_a_refusal_is_a_typed_error_at_once(status: int, kind: type[errors.RequestRefused]):
    problem = {
        "type": "urn:milepost:invalid", "title": "Bad", "status": status, "detail": "No good",
        "errors": [{"loc": ["body", "params", "to", 0], "msg": "no address"}],
    }  # fmt: skip
    with pytest.raises(errors.RequestRefused) as refused:
        drive(answered(POST), [Answer(status, problem)])
    assert type(refused.value) is kind
    assert (refused.value.status, refused.value.code) == (status, "invalid")
    assert refused.value.errors[0]["msg"] == "no address"
    assert str(refused.value) == "No good (params.to.0: no address)"


def test_a_proxys_refusal_is_one_too():
    with pytest.raises(errors.NotFound, match="answered 404"):
        drive(answered(GET), [Answer(404, "<html>")])


def test_a_page_that_is_not_ours_is_no_answer():
    with pytest.raises(errors.Unreachable, match="not ours"):
        drive(answered(GET, pauses=()), [Answer(200, "<html>")])


def test_a_query_that_came_too_often_is_asked_again():
    steps, body = drive(answered(GET), [Answer(429, {}, retry_after_seconds=1), GOOD])
    assert body == {"x": 1}
    assert steps[1] == Pause(1)


def test_a_task_is_followed_to_its_end_by_cursor():
    ended = task("succeeded", 100, result="large")
    answers = [
        Answer(200, task(progress=0)), news("c1", task(progress=40)), AWAY,
        news("c1", task(progress=90, id="other")), news("c2", task("succeeded", 100)),
        Answer(200, ended),
    ]  # fmt: skip
    steps, last = drive(followed("t", "bob", "r"), answers)
    shown = [step for step in steps if isinstance(step, Task)]
    assert [each.progress for each in shown] == [0, 40, 100]
    assert all(each.params == {"a": 1} for each in shown)
    assert last == shown[-1]
    assert last.result == "large"
    asked = [step for step in steps if isinstance(step, Ask)]
    assert [ask.query.get("since") for ask in asked] == [None, "r0", "c1", "c1", "c1", None]
    assert asked[0].query["at_least"] == "r"
    assert all(ask.query["owner"] == "bob" and ask.task == "t" for ask in asked)


def test_a_gap_is_followed_by_the_task_itself():
    answers = [
        Answer(200, task(progress=10)), news("c9", task(progress=5), gap=True),
        Answer(200, task(progress=60)), news("c10", task("failed", 60)),
        Answer(200, task("failed", 60)),
    ]  # fmt: skip
    steps, last = drive(followed("t", None), answers)
    assert [each.progress for each in steps if isinstance(each, Task)] == [10, 60, 60]
    assert last.status == "failed"


def test_it_takes_no_longer_than_it_may():
    now, granted = [0.0], list[float]()

    def clocked() -> Conversation[Task]:
        """Each step takes 12 s."""
        conversation, answer = within(followed("t", None), 30, lambda: now[0]), None
        while True:
            step = conversation.send(answer)
            if not isinstance(step, Task):
                granted.append(step.seconds)
            answer = yield step
            now[0] += 12

    with pytest.raises(errors.NotEnded, match="30 s"):
        drive(clocked(), [Answer(200, task()), news("c"), AWAY])
    assert granted == [10, 6]
    with pytest.raises(TimeoutError):
        raise errors.NotEnded


def test_without_time_it_looks_once():
    looked = within(followed("t", None), 0, lambda: 0.0)
    _, last = drive(looked, [Answer(200, task("cancelled"))])
    assert last.status == "cancelled"
    with pytest.raises(errors.NotEnded):
        drive(within(followed("t", None), 0, lambda: 0.0), [Answer(200, task())])

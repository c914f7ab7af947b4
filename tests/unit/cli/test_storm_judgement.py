"""What a storm's history is judged by: each violation is found, and what is right is not one."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from milepost_cli.storm.judgement import judge
from milepost_cli.storm.records import (
    Accepted,
    Answered,
    Archived,
    Bad,
    Calmed,
    Current,
    Held,
    Joined,
    Past,
    Rebuilt,
    Record,
    Restarted,
    Struck,
    Told,
    Unanswered,
)
from milepost_cli.storm.verdict import worst

RESULT = '{"steps":3}'
NOBODY = frozenset[int]()


def told(at: float, cursor: str, status: str, attempt: int, progress: float) -> Told:
    return Told(at, 0, cursor, "t", status, attempt, progress, dismissed=False)


ACCEPTED = Accepted(1, 0, "t", "t", "r1", RESULT)
CURRENT = Current(0, {"t": "whole"}, {"t": "succeeded"}, {"t": RESULT}, 1)
HELD = Held(0, {"t": "whole"}, {"t": "succeeded"}, 1)
EVENTS = (
    Past("task.created", 0), Past("task.started", 1), Past("task.progressed", 1, 40.0),
    Past("task.returned", 1), Past("task.started", 2), Past("task.progressed", 2, 10.0),
    Past("task.succeeded", 2),
)  # fmt: skip
ARCHIVED = Archived(0, "t", EVENTS)
STRUCK = Struck(1.5, "kill worker", 1.5)
RIGHT: tuple[Record, ...] = (
    Joined(0, 0), Answered(1, 0, "submit", 201, 0.1, frozenset({0})), ACCEPTED,
    told(1.1, "a", "queued", 0, 0), told(1.2, "b", "running", 1, 40), STRUCK,
    Answered(2.5, 0, "submit", 200, 0.1, frozenset({0})), replace(ACCEPTED, at=2.5),
    told(3, "c", "running", 2, 10), told(4, "d", "succeeded", 2, 100),
    Answered(4.1, 0, "pry", 404, 0.1, NOBODY, "of another"), Calmed(5), CURRENT, HELD, ARCHIVED,
    Rebuilt(""),
)  # fmt: skip

Change = Callable[[Sequence[Record]], list[Record]]


def adds(*more: Record) -> Change:
    return lambda records: [*records[:10], *more, *records[10:]]


def changes(old: Record, new: Record | None) -> Change:
    news = [] if new is None else [new]
    return lambda records: [kept for each in records for kept in (news if each is old else [each])]


def history(*events: Past) -> Change:
    return changes(ARCHIVED, replace(ARCHIVED, events=events))


def test_a_history_without_a_fault_is_judged_kept() -> None:
    verdict = judge(RIGHT)
    assert verdict.findings == ()
    assert verdict.kept
    assert verdict.counts["accepted"] == verdict.counts["succeeded"] == 1


BROKEN: list[tuple[str, Change]] = [
    ("lost", changes(CURRENT, replace(CURRENT, statuses={"t": "running"}))),
    ("lost", changes(CURRENT, replace(CURRENT, statuses={}))),
    ("lost", adds(Accepted(2, 0, "u", "u", "r2"))),
    ("unknown", changes(ARCHIVED, None)),
    ("unknown", adds(Answered(2, 0, "cancel", 404, 0.1, NOBODY, "t"))),
    ("doubled", adds(Accepted(2, 0, "u", "t", "r1"))),
    ("doubled", adds(replace(ACCEPTED, revision="r9"))),
    ("doubled", changes(CURRENT, replace(CURRENT, statuses={**CURRENT.statuses, "u": "failed"}))),
    ("doubled", history(EVENTS[0], *EVENTS)),
    ("ends", history(*EVENTS, Past("task.succeeded", 2))),
    ("ends", history(*EVENTS[:-1], Past("task.failed", 2))),
    ("ends", history(*EVENTS[:-1])),
    ("ends", adds(told(4.5, "e", "running", 2, 99))),
    ("attempts", history(*EVENTS[:4], Past("task.started", 1), Past("task.succeeded", 1))),
    ("attempts", history(*EVENTS[:4], Past("task.started", 3), Past("task.succeeded", 3))),
    ("result", changes(CURRENT, replace(CURRENT, results={"t": "null"}))),
    ("backwards", adds(Told(1, 1, "a", "t", "running", 2, 20, False),
                       Told(2, 1, "b", "t", "running", 2, 19.9, False))),
    ("backwards", adds(Told(1, 1, "a", "t", "running", 2, 20, False),
                       Told(2, 1, "b", "t", "running", 1, 50, False))),
    ("backwards", history(*EVENTS[:3], Past("task.progressed", 1, 39.9), *EVENTS[3:])),
    ("hundred", adds(Told(1, 1, "a", "t", "running", 1, 100, False))),
    ("hundred", adds(Told(1, 1, "a", "t", "succeeded", 1, 99, False))),
    ("hundred", history(*EVENTS[:-1], Past("task.progressed", 2, 100.0), EVENTS[-1])),
    ("missed", changes(HELD, replace(HELD, statuses={"t": "running"}))),
    ("missed", changes(HELD, replace(HELD, tasks={}, statuses={}))),
    ("missed", changes(HELD, replace(HELD, tasks={"t": "older"}))),
    ("missed", changes(HELD, replace(HELD, unread=2))),
    ("told_twice", adds(told(4.5, "d", "succeeded", 2, 100))),
    ("foreign", adds(Answered(2, 0, "poll", 200, 0.1, frozenset({0, 1})))),
    ("foreign", adds(Answered(2, 0, "pry", 200, 0.1, NOBODY, "u"))),
    ("foreign", adds(Answered(2, 0, "pry", 409, 0.1, NOBODY, "u"))),
    ("slow", adds(Struck(4.05, "kill web", 4.05))),
    ("slow", adds(Struck(2.45, "kill web", 2.45))),  # what was asked before is no recovery
    ("denied", adds(Answered(1.4, 0, "submit", 422, 0.1, NOBODY))),
    ("refused", lambda records: [
        *changes(CURRENT, replace(CURRENT, statuses={**CURRENT.statuses, "u": "queued"}))(records),
        Bad(1, 0, "u", 422)]),
    ("rebuilt", adds(Rebuilt("1 changed, 0 gone"))),
    ("idle", lambda _: [Joined(0, 0), Calmed(1)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "change"), BROKEN, ids=[f"{rule}-{number}" for number, (rule, _) in enumerate(BROKEN)]
)
def test_a_violation_is_found_under_its_rule(rule: str, change: Change) -> None:
    verdict = judge(change(RIGHT))
    assert not verdict.kept
    assert rule in verdict.rules, verdict.findings


def test_a_gap_or_a_reload_begins_anew_but_undoes_nothing() -> None:
    again = told(4.5, "d", "succeeded", 2, 100)
    assert judge(adds(Restarted(4.4, 0, gap=True), again)(RIGHT)).kept
    back = told(4.5, "d", "running", 2, 10)
    assert judge(adds(Restarted(4.4, 0, gap=True), back)(RIGHT)).rules >= {"ends", "backwards"}


def test_what_nobody_answered_may_exist_or_not() -> None:
    there = changes(CURRENT, replace(CURRENT, statuses={**CURRENT.statuses, "u": "failed"}))
    assert judge([*there(RIGHT), Unanswered(0, "u", ("u",))]).kept
    assert judge([*RIGHT, Unanswered(0, "u", ("u",))]).kept


def test_a_keyed_request_that_nobody_answered_may_have_made_one_task_of_its_owners() -> None:
    key, one, two = Unanswered(0, "key", ()), {"u": "failed"}, {"u": "failed", "v": "failed"}

    def rules(more: dict[str, str], *records: Record) -> frozenset[str]:
        there = changes(CURRENT, replace(CURRENT, statuses={**CURRENT.statuses, **more}))
        return judge([*there(RIGHT), *records]).rules

    assert rules(one, key) == frozenset()
    assert rules(two, key) == {"doubled"}
    assert rules(two, key, replace(key, key="another")) == frozenset()
    assert rules(two, key, key) == {"doubled"}, "the same request, twice"
    assert rules(one, replace(key, owner=1)) == {"doubled"}, "somebody else's"
    assert rules(one, replace(key, key=ACCEPTED.key)) == {"doubled"}, "answered the time before"


def test_a_dismissed_task_that_came_and_went_was_not_missed() -> None:
    current = replace(CURRENT, tasks={}, unread=0)
    held = replace(HELD, tasks={}, statuses={}, unread=0)
    assert judge(changes(HELD, held)(changes(CURRENT, current)(RIGHT))).kept


@pytest.mark.parametrize("status", [0, 404, 408, 429, 502, 503])
def test_who_asks_for_anothers_task_may_be_told_of_none_or_to_come_later(status: int) -> None:
    assert judge(adds(Answered(2, 0, "pry", status, 0.1, NOBODY, "u"))(RIGHT)).kept


def test_recovery_is_measured_from_the_end_of_the_harm_to_what_came_first() -> None:
    verdict = judge(RIGHT)
    assert worst(verdict.recoveries) == {"kill worker": (1, 1.0, 1.5)}
    frozen = changes(STRUCK, Struck(1.5, "freeze web", 2.4))
    assert worst(judge(frozen(RIGHT)).recoveries)["freeze web"][0] == 1
    assert judge(RIGHT, recovery_seconds=1.2).rules == {"slow"}

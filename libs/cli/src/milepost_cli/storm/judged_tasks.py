"""Owns what a storm's history says of tasks: promises 1, 2, 3 and 6. Pure."""

from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import chain

from milepost.task_state import ENDED
from milepost_cli.storm import records as r
from milepost_cli.storm.verdict import Finding

TERMINAL = frozenset(f"task.{status}" for status in ENDED)
DONE = "succeeded"


def violations(records: Sequence[r.Record]) -> Iterable[Finding]:
    """What is wrong with tasks, whoever followed them."""
    accepted = {each.task: each for each in records if isinstance(each, r.Accepted)}
    currents = [each for each in records if isinstance(each, r.Current)]
    statuses = dict(chain.from_iterable(each.statuses.items() for each in currents))
    results = dict(chain.from_iterable(each.results.items() for each in currents))
    yield from _lost(accepted, statuses)
    yield from _results(accepted, statuses, results)
    yield from _doubled(records, accepted)
    yield from _refused(records, accepted, statuses)
    archived = {each.task for each in records if isinstance(each, r.Archived)}
    for task in accepted.keys() - archived:
        yield Finding("unknown", task, "its history is not to be had")
    yield from _denied(records)
    for each in records:
        if isinstance(each, r.Archived):
            yield from _history(each, statuses.get(each.task))
        elif isinstance(each, r.Answered) and each.status == 404 and each.call != "pry":
            yield Finding("unknown", each.task, f"{each.call} of an accepted task: 404")


def _lost(accepted: dict[str, r.Accepted], statuses: dict[str, str]) -> Iterator[Finding]:
    """Accepted is ended."""
    for task, one in accepted.items():
        status = statuses.get(task)
        if status is None:
            words = f"accepted at {one.at:.1f} s, shown to nobody at the end"
            yield Finding("lost", task, words)
        elif status not in ENDED:
            words = f"accepted at {one.at:.1f} s, still {status} at the end"
            yield Finding("lost", task, words)


def _results(
    accepted: dict[str, r.Accepted], statuses: dict[str, str], results: dict[str, str]
) -> Iterator[Finding]:
    """A success has the result of the work that was asked for."""
    for task, one in accepted.items():
        if one.result is None or statuses.get(task) != DONE:
            continue
        if (found := results.get(task)) != one.result:
            yield Finding("result", task, f"has {found}, not {one.result}")


def _doubled(records: Sequence[r.Record], accepted: dict[str, r.Accepted]) -> Iterator[Finding]:
    """A request asked again makes no second task, nor does it move the first one."""
    first = dict[tuple[int, str], r.Accepted]()
    for each in records:
        if not isinstance(each, r.Accepted):
            continue
        known = first.setdefault((each.owner, each.key), each)
        if known.task != each.task:
            yield Finding("doubled", known.task, f"the same request made {each.task} as well")
        elif known.revision != each.revision:
            yield Finding("doubled", known.task, "the same request was accepted as new again")
    yield from _untold(records, accepted.keys(), first.keys())


def _untold(
    records: Sequence[r.Record], accepted: Set[str], answered: Set[tuple[int, str]]
) -> Iterator[Finding]:
    """What is there was accepted, or may have been by a request that got no answer."""
    named = {task for each in records if isinstance(each, r.Unanswered) for task in each.tasks}
    refused = {each.task for each in records if isinstance(each, r.Bad)}
    explained = accepted | named | refused
    for current in records:
        if not isinstance(current, r.Current):
            continue
        untold = sorted(current.statuses.keys() - explained)
        open_keys = {
            each.key
            for each in records
            if isinstance(each, r.Unanswered) and each.owner == current.owner and not each.tasks
        }
        # Each stands for one task at most, and for none where an earlier answer named it.
        may_be = sum((current.owner, key) not in answered for key in open_keys)
        if len(untold) > may_be:
            words = f"{len(untold)} tasks were shown that nobody was told of, {may_be} may be there"
            yield Finding("doubled", untold[-1], words)


def _refused(
    records: Sequence[r.Record], accepted: dict[str, r.Accepted], statuses: dict[str, str]
) -> Iterator[Finding]:
    """Bad input changes nothing."""
    for each in records:
        if isinstance(each, r.Bad) and each.task not in accepted and each.task in statuses:
            yield Finding(
                "refused", each.task, f"of a bad request (answered {each.status}), and is there"
            )


def _denied(records: Sequence[r.Record]) -> Iterator[Finding]:
    """Good input is taken: a good request is not answered as if it were a bad one."""
    for each in records:
        if (
            isinstance(each, r.Answered)
            and each.call == "submit"
            and 400 <= each.status < 500
            and each.status not in r.UNKNOWN_OR_LATER
        ):
            yield Finding("denied", f"owner {each.owner}", f"a good request: {each.status}")


def _history(one: r.Archived, status: str | None) -> Iterator[Finding]:
    """One end, attempts in order, no bar that falls."""
    kinds = [event.type for event in one.events]
    ends = [kind for kind in kinds if kind in TERMINAL]
    if kinds.count("task.created") != 1:
        words = f"{kinds.count('task.created')} events tell of its creation"
        yield Finding("doubled" if kinds else "lost", one.task, words)
    if len(ends) > 1:
        yield Finding("ends", one.task, f"ended {len(ends)} times: {', '.join(ends)}")
    if status in ENDED and ends and ends[-1] != f"task.{status}":
        yield Finding("ends", one.task, f"is shown as {status}, and its history says {ends[-1]}")
    if status in ENDED and kinds and not ends:
        yield Finding("ends", one.task, f"is shown as {status}, and its history has no end")
    starts = [event.attempt for event in one.events if event.type == "task.started"]
    if starts != list(range(1, len(starts) + 1)):
        yield Finding("attempts", one.task, f"its attempts are {starts}")
    last = (0, 0.0)
    for event in one.events:
        now = (event.attempt, event.progress if event.progress is not None else 0.0)
        if event.attempt < last[0] or (event.progress is not None and now < last):
            yield Finding("backwards", one.task, f"its history goes from {last} to {now}")
        if event.progress is not None and event.progress >= 100:
            yield Finding("hundred", one.task, "its history has 100 before its end")
        last = max(last, now)

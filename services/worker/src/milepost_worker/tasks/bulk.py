"""Owns milepost.bulk: an operator's act on every task that a filter finds. Knows no database.

First it counts, then it acts, newest first, one task after the other. What it is about to do is
saved before it is done, and doing it again changes nothing: an attempt that follows goes on there.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from pydantic import BaseModel

from milepost.bulk import MAX_SECONDS, QUEUE, TYPE, Action, Bulk
from milepost.definitions import task
from milepost.owners import owner_hash
from milepost.progress import Progress
from milepost.running import RunningTask, current
from milepost.settings import Settings
from milepost.task_state import ENDED
from milepost_worker.operating import Operating, Outcome, Target

MAX_EXAMPLES = 10
Letters = dict[tuple[str, str], str]


class _State(BaseModel):
    """How far it is."""

    matched: int | None = None
    """Null until they are counted."""
    done: int = 0
    refused: int = 0
    examples: list[dict[str, str]] = []
    before: str | None = None
    """Place of the last one that was acted on."""
    doing: Target | None = None
    """The one that is acted on now, or was when an attempt ended."""


@task(TYPE, title="Act on many tasks", queue=QUEUE, max_attempts=100)
def bulk(wanted: Bulk, progress: Progress) -> dict[str, Any]:
    """Cancel, retry or redrive all tasks that a filter finds, for an operator; or say which."""
    running = current()
    state = _State.model_validate(progress.saved or {})
    with Operating(running, Settings.load()) as operating:
        letters = operating.letters() if wanted.action == "redrive" else {}
        targets = partial(_targets, wanted, running, operating, letters)
        if state.matched is None:
            _count(wanted, targets(None), state, progress)
        if not wanted.dry_run:
            _act(wanted.action, operating, targets, state, progress)
    found = state.model_dump(include={"done", "refused", "examples"})
    return {"action": wanted.action, "dry_run": wanted.dry_run, "matched": state.matched, **found}


def _count(wanted: Bulk, targets: Iterable[Target], state: _State, progress: Progress) -> None:
    count = 0
    for target in targets:
        count += 1
        progress.report(message=f"counting: {count}")
        if wanted.dry_run and len(state.examples) < MAX_EXAMPLES:
            would = {"owner": target.owner, "id": target.id, "outcome": f"would {wanted.action}"}
            state.examples.append(would)
    state.matched = count
    progress.save(state.model_dump())


def _act(
    action: Action,
    operating: Operating,
    targets: Callable[[str | None], Iterable[Target]],
    state: _State,
    progress: Progress,
) -> None:
    total = state.matched or 0
    if state.doing is not None:  # whether it was done, nobody knows
        outcome = operating.act(action, state.doing)
        _note(state, state.doing, "done" if outcome == "absent" else outcome)
    _tell(state, total, progress)
    for target in targets(state.before):
        state.doing = target
        progress.save(state.model_dump())
        _note(state, target, operating.act(action, target))
        _tell(state, total, progress)
    state.matched = max(total, state.done + state.refused)


def _note(state: _State, target: Target, outcome: Outcome) -> None:
    state.doing, state.before = None, target.before
    if outcome == "done":
        state.done += 1
        return
    state.refused += 1
    if len(state.examples) < MAX_EXAMPLES:
        why = "there is no such dead letter" if outcome == "absent" else outcome
        state.examples.append({"owner": target.owner, "id": target.id, "outcome": why})


def _tell(state: _State, total: int, progress: Progress) -> None:
    at = state.done + state.refused
    progress.report(done=at, total=max(at, total), message=f"{state.done} done")


def _targets(
    wanted: Bulk,
    running: RunningTask,
    operating: Operating,
    letters: Letters,
    before: str | None,
) -> Iterator[Target]:
    """Tasks that it is about, newest first, from a place on; none that came after the request."""
    query = wanted.filter.model_dump(exclude_none=True)
    while True:
        ago = _seconds_since(running.id)
        for name, given in (("older_than_seconds", True), ("younger_than_seconds", False)):
            if given or name in query:
                asked = getattr(wanted.filter, name) or 0
                query[name] = min(MAX_SECONDS, asked + ago)
        page = operating.tasks(query, before)
        for row in page["tasks"]:
            letter = letters.get((owner_hash(row["owner"]), row["id"]))
            if row["type"] != TYPE and _is_for(wanted.action, row["status"], letter):
                yield Target(row["owner"], row["id"], row["before"], letter)
        before = page["before"]
        if before is None:
            return


def _is_for(action: Action, status: str, letter: str | None) -> bool:
    if action == "redrive":
        return letter is not None
    return status not in ENDED if action == "cancel" else status in ("failed", "cancelled")


def _seconds_since(task_id: str) -> int:
    """How long ago the request was: a UUIDv7 begins with its milliseconds."""
    return max(0, int(time.time() - int(task_id.replace("-", "")[:12], 16) / 1000))

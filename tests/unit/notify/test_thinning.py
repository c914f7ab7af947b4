"""Which progress events stay, and that what stays is enough."""

from collections.abc import Generator
from contextlib import contextmanager
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from histories import LOG_ID, Story, busy_logs, created, cuts, legal_logs, project
from milepost import events as e
from milepost_notify import thinning
from milepost_notify.archive import HistoryRow, Logged
from milepost_notify.changes import Known
from milepost_notify.memory import MemoryStore
from milepost_notify.refolding import refold
from milepost_notify.rows import TaskRow
from milepost_notify.thinning import MOST, Numbered, stride, surplus
from stores import looking

TEN_THOUSAND = 10_000
ATTEMPTS = st.lists(st.integers(0, 9), min_size=1, max_size=20)


@contextmanager
def keeping(most: int) -> Generator[None]:
    with patch.object(thinning, "MOST", most):
        yield


def numbered(attempts: list[int]) -> list[Numbered]:
    """Progress events of a task whose attempts told so many each."""
    rows = list[Numbered]()
    for attempt, count in enumerate(attempts, 1):
        rows += [
            Numbered(f"{len(rows) + i:032x}", len(rows) + i, attempt) for i in range(1, count + 1)
        ]
    return rows


def edges(rows: list[Numbered]) -> set[int]:
    attempts = {row.attempt for row in rows}
    each = [[row.n for row in rows if row.attempt == attempt] for attempt in attempts]
    return {n for numbers in each for n in (numbers[0], numbers[-1])}


@given(st.integers(0, 10_000_000))
def test_the_step_is_the_least_power_of_two_that_keeps_fewer_than_the_most(count: int):
    step = stride(count)
    assert step & (step - 1) == 0
    assert count // step < MOST
    assert step == 1 or count // (step // 2) >= MOST


@given(ATTEMPTS, st.integers(1, 5))
def test_multiples_stay_with_the_first_and_the_last_of_each_attempt(attempts: list[int], most: int):
    with keeping(most):
        rows = numbered(attempts)
        gone = set(surplus(rows))
        step = stride(len(rows))
        stay = {row.n for row in rows if row.position not in gone}
        assert stay == {row.n for row in rows if row.n % step == 0} | edges(rows)
        assert surplus([row for row in rows if row.position not in gone]) == []


async def stored(told: list[Logged], sizes: list[int]) -> tuple[dict[str, HistoryRow], Known]:
    """What is in the history after projecting in batches of these sizes, and the rows."""
    store = MemoryStore()
    at = await store.begin(0, LOG_ID)
    for batch in cuts(told, sizes):
        at, _ = await project(store, at, batch)
    found = dict[str, HistoryRow]()
    async with looking(store) as snapshot:
        for key in {(each.event.owner, each.event.task) for each in told}:
            rows = await snapshot.events(*key, start="", after=None, limit=10**6)
            found |= {row["position"]: row for row in rows}
    keys = {(each.event.owner, each.event.task) for each in told}
    owners = {each.event.owner for each in told}
    return found, await store.known(at, keys, owners, owners)


sizes = st.lists(st.integers(1, 9), min_size=1, max_size=5)


@settings(deadline=None)
@given(busy_logs(), sizes, st.integers(1, 5))
async def test_what_stays_depends_on_no_batches(told: list[Logged], sizes: list[int], most: int):
    with keeping(most):
        found, _ = await stored(told, sizes)
        at_once, _ = await stored(told, [len(told)])
        one_by_one, _ = await stored(told, [1])
        lives = dict[tuple[str, int], list[Numbered]]()
        born, count = dict[str, int](), dict[str, int]()
        others = list[str]()
        for number, each in enumerate(told):
            event = each.event
            if isinstance(event.payload, e.TaskCreated):
                born[event.task], count[event.task] = number, 0
            if not isinstance(event.payload, e.TaskProgressed):
                others.append(event.id.sortable)
                continue
            count[event.task] += 1
            row = Numbered(event.id.sortable, count[event.task], event.attempt)
            lives.setdefault((event.task, born[event.task]), []).append(row)
        gone = {position for rows in lives.values() for position in surplus(rows)}
        numbers = {row.position for rows in lives.values() for row in rows}
        assert found.keys() == at_once.keys() == one_by_one.keys() == {*others, *numbers} - gone
    assert found == at_once == one_by_one


@settings(deadline=None)
@given(busy_logs() | legal_logs(), sizes, st.integers(1, 5))
async def test_the_kept_history_folds_to_the_same_rows(
    told: list[Logged], sizes: list[int], most: int
):
    with keeping(most):
        history, live = await stored(told, sizes)
        again = Known()
        changes = refold(again, [row for _, row in sorted(history.items())])
        assert changes.thinned == set()
    assert (again.tasks, again.inboxes) == (live.tasks, live.inboxes)


async def test_ten_thousand_reports_leave_two_hundred():
    story = Story()
    story.tell(created())
    story.tell(e.TaskStarted(worker="w"), attempt=1)
    for n in range(TEN_THOUSAND):
        story.tell(e.TaskProgressed(progress=n / 101), attempt=1)
    history, live = await stored(story.told, [1000])
    numbers = [row["n"] for row in history.values() if row["n"] is not None]
    assert len(numbers) <= MOST
    assert (numbers[0], numbers[-1]) == (1, TEN_THOUSAND)
    row: TaskRow = live.tasks["bob", "t1"]
    assert row["progress_count"] == TEN_THOUSAND

"""Pages of the state, what is behind a cursor, waiting: over the read models in memory."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histories import LOG_ID, Story, created, cuts, legal_logs, project
from milepost import events as e
from milepost.cursors import ZERO, Cursor
from milepost_notify.archive import Logged
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.delivery import Delivery, Feed, NotProjected, Page
from milepost_notify.hub import Hub
from milepost_notify.load import Load
from milepost_notify.memory import MemoryStore
from milepost_notify.memory_standings import MemoryStandings
from milepost_notify.rows import UNREAD_MESSAGE_COUNT
from milepost_notify.store import Filters, Snapshot
from milepost_notify.wakeups import WakeUp
from waiting import until

BOB = Feed("bob")


class Counting(MemoryStore):
    """A store that counts how often it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def read(self, work: Callable[[Snapshot], Any]) -> Any:
        self.reads += 1
        return await super().read(work)


@dataclass
class Stage:
    """A story that is told, projected and announced, and the delivery of it."""

    story: Story = field(default_factory=Story)
    store: Counting = field(default_factory=Counting)
    now: float = 0.0
    used: float = 0.0
    """CPU seconds of the process."""

    def __post_init__(self) -> None:
        self.standings = MemoryStandings()
        self.hub = Hub(lambda: self.now)
        self.delivery = Delivery(
            self.store, self.hub, partitions=1, now_ms=lambda: self.story.ms,
            monotonic=time.monotonic, load=Load(lambda: self.used, lambda: self.now),
            standings=self.standings,
        )  # fmt: skip
        self.at = Checkpoint(0, LOG_ID, 0, ZERO)
        self._done = 0

    async def project(self, told: list[Logged] | None = None, *, announced: bool = True) -> None:
        """Project what has been told since the last time."""
        batch = self.story.told[self._done :] if told is None else told
        self._done = len(self.story.told)
        await self.store.begin(0, LOG_ID)
        before, owners = self.at, set[str]()
        if batch:
            self.at, changes = await project(self.store, before, batch)
            owners = changes.owners
        if announced:
            self.hub.hear(0, WakeUp.of(before, self.at, owners))

    async def state(self, feed: Feed = BOB) -> list[Page]:
        """The whole current state, in pages."""
        pages = [await self.delivery.page(feed, None)]
        while pages[-1].more:
            pages.append(await self.delivery.page(feed, pages[-1].cursor))
        return pages


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    await stage.project()
    return stage


def names(*pages: Page) -> list[str]:
    """The tasks of the rows, or the row's name where it is about none."""
    return [
        row["name"] if row["name"] == UNREAD_MESSAGE_COUNT else row["data"]["task_id"]
        for page in pages
        for row in page.notifications
    ]


async def test_before_anything_was_projected_there_is_no_cursor_to_give():
    with pytest.raises(NotProjected):
        await Stage().delivery.page(BOB, None)


async def test_someone_with_nothing_gets_a_cursor(stage: Stage):
    page = await stage.delivery.page(BOB, None)
    assert (page.notifications, page.gap, page.more) == ([], False, False)
    again = await stage.delivery.page(BOB, page.cursor)
    assert (again.notifications, again.gap) == ([], False)


async def test_the_state_is_every_task_oldest_change_first_and_the_count(stage: Stage):
    stage.story.run("t1")
    stage.story.tell(created(), "t2")
    stage.story.tell(e.TaskStarted(worker="w"), "t2", attempt=1)
    await stage.project()
    page = await stage.delivery.page(BOB, None)
    assert names(page) == ["t1", UNREAD_MESSAGE_COUNT, "t2"]
    assert page.cursor == stage.at.end()


async def test_pages_of_the_state_have_everything_once_even_within_one_event(stage: Stage):
    for task in "abcdefg":
        stage.story.tell(created(), task, later_ms=0)
    read = [stage.story.run(task) for task in "xyz"][-1]
    stage.story.tell(e.InboxRead(until=str(read.id)), "")  # one event, four rows
    await stage.project()
    for limit in (1, 2, 3, 4, 100):
        pages = await stage.state(replace(BOB, limit=limit))
        assert sorted(names(*pages)) == sorted([*"abcdefgxyz", UNREAD_MESSAGE_COUNT])
        assert all(len(page.notifications) <= limit for page in pages)
        assert pages[-1].cursor == stage.at.end()


async def test_a_dismissed_task_is_in_no_page_of_the_state(stage: Stage):
    for task in "abcd":
        stage.story.run(task)
    for task in "ad":
        stage.story.tell(e.TaskDismissed(), task, attempt=1)
    await stage.project()
    for limit in (1, 2, 100):
        pages = await stage.state(replace(BOB, limit=limit))
        assert names(*pages) == ["b", "c", UNREAD_MESSAGE_COUNT]


async def test_a_task_dismissed_between_two_pages_comes_once_more_as_dismissed(stage: Stage):
    for task in "abc":
        stage.story.run(task)
    await stage.project()
    first = await stage.delivery.page(replace(BOB, limit=1), None)
    assert names(first) == ["a"]
    stage.story.tell(e.TaskDismissed(), "a", attempt=1)
    await stage.project()
    rest = await stage.delivery.page(BOB, first.cursor)
    assert names(rest) == ["b", "c", "a", UNREAD_MESSAGE_COUNT]
    assert rest.notifications[2]["data"]["dismissed"] is True


async def test_a_follower_is_told_of_a_dismissal_once(stage: Stage):
    stage.story.run("t1")
    await stage.project()
    seen = await stage.delivery.page(BOB, None)
    stage.story.tell(e.TaskDismissed(), "t1", attempt=1)
    await stage.project()
    told = await stage.delivery.page(BOB, seen.cursor)
    assert [row["data"] for row in told.notifications if row["name"] == UNREAD_MESSAGE_COUNT] == [0]
    assert [row["data"]["dismissed"] for row in told.notifications[:1]] == [True]
    assert names(await stage.delivery.page(BOB, told.cursor)) == []


async def test_every_row_is_a_cursor_behind_which_the_rest_comes(stage: Stage):
    end = [stage.story.run(task) for task in "abc"][-1]
    stage.story.tell(e.InboxRead(until=str(end.id)), "")
    await stage.project()
    page = await stage.delivery.page(BOB, None)
    for place, row in enumerate(page.notifications):
        rest = await stage.delivery.page(BOB, Cursor.parse(row["id"]))
        assert rest.notifications == page.notifications[place + 1 :]
        assert not rest.gap


@pytest.mark.parametrize(
    "wrong", [{"era": 7}, {"partition": 5}, {"log": b"none"}], ids=["era", "partition", "log"]
)
async def test_a_cursor_of_elsewhere_gives_a_gap_and_the_state(stage: Stage, wrong: dict[str, Any]):
    stage.story.run("t1")
    await stage.project()
    page = await stage.delivery.next_page(BOB, replace(stage.at.end(), **wrong), 30)
    assert (page.gap, names(page)) == (True, ["t1", UNREAD_MESSAGE_COUNT])


async def test_a_cursor_beyond_the_end_gives_a_gap_even_when_there_is_nothing(stage: Stage):
    beyond = replace(stage.at.end(), id=stage.story.tell(created(), "t1", "bobby").id)
    page = await stage.delivery.next_page(BOB, beyond, 30)
    assert (page.gap, page.notifications) == (True, [])


async def test_owners_whose_names_look_alike_see_only_their_own(stage: Stage):
    owners = ("bob", "bobby", "bob_1", "%", "Bob", "bob ")
    for owner in owners:
        stage.story.run("t1", owner, end=e.TaskSucceeded(result=owner))
    await stage.project()
    for owner in owners:
        page = await stage.delivery.page(Feed(owner), None)
        assert [row["data"]["result"] for row in page.notifications[:1]] == [owner]
        assert names(page) == ["t1", UNREAD_MESSAGE_COUNT]


async def test_a_tag_or_credentials_for_some_tasks_leave_everything_else_out(stage: Stage):
    stage.story.tell(created(tags=["red", "dark"]), "a")
    stage.story.tell(created(tags=["dark red"]), "b")
    stage.story.run("c")
    await stage.project()
    red = await stage.delivery.page(Feed("bob", Filters(tag="red")), None)
    assert names(red) == ["a"]
    one = await stage.delivery.page(Feed("bob", Filters(tasks=frozenset({"c", "x"}))), None)
    assert names(one) == ["c"]


async def test_an_idle_poll_touches_no_database(stage: Stage):
    stage.story.run("t1")
    await stage.project()
    page = await stage.delivery.page(BOB, None)
    before = stage.store.reads
    for _ in range(3):
        stage.story.run("t2", "bobby")
        await stage.project()
        page = await stage.delivery.next_page(BOB, page.cursor, 0)
        assert (page.notifications, page.cursor) == ([], stage.at.end())
    assert stage.store.reads == before


async def test_a_poll_looks_for_itself_when_an_announcement_was_lost(stage: Stage):
    page = await stage.delivery.page(BOB, None)
    stage.story.run("t1")
    await stage.project(announced=False)
    assert names(await stage.delivery.next_page(BOB, page.cursor, 0)) == []
    stage.story.run("t2", "bobby")
    await stage.project()
    assert "t1" in names(await stage.delivery.next_page(BOB, page.cursor, 0))


async def test_who_waits_is_answered_as_soon_as_there_is_something(stage: Stage):
    page = await stage.delivery.page(BOB, None)
    waiting = asyncio.create_task(stage.delivery.next_page(BOB, page.cursor, 30))
    await asyncio.sleep(0)
    stage.story.run("t1", "bobby")
    await stage.project()
    assert not waiting.done()
    stage.story.tell(created(), "t1")
    await stage.project()
    assert names(await asyncio.wait_for(waiting, 5)) == ["t1"]


async def test_who_waits_for_nothing_gets_an_empty_page_and_a_newer_cursor(stage: Stage):
    page = await stage.delivery.page(BOB, None)
    stage.story.run("t1", "bobby")
    await stage.project()
    empty = await stage.delivery.next_page(BOB, page.cursor, 0.01)
    assert (empty.notifications, empty.cursor, empty.gap) == ([], stage.at.end(), False)


async def test_a_revision_is_waited_for(stage: Stage):
    event = stage.story.tell(created())
    revision = stage.at.revision(event.id)
    waiting = asyncio.create_task(stage.delivery.visible("bob", revision, 30))
    await asyncio.sleep(0)
    await stage.project()
    assert await asyncio.wait_for(waiting, 5) is True
    missing = stage.at.revision(stage.story.tell(created()).id)
    assert await stage.delivery.visible("bob", missing, 0) is False


async def test_the_next_poll_is_soon_while_something_moves_and_later_when_nothing_does(
    stage: Stage,
):
    empty = await stage.delivery.page(BOB, None)
    stage.story.tell(created())
    await stage.project()
    polls = list[int]()
    for seconds in (0, 2, 8, 100):
        stage.now += seconds
        polls.append(stage.delivery.next_poll_ms("bob", empty))
    assert polls == [250, 500, 2500, 5000]
    assert stage.delivery.next_poll_ms("bob", replace(empty, more=True)) == 250
    news = await stage.delivery.page(BOB, None)
    assert stage.delivery.next_poll_ms("bob", news) == 250


async def test_who_was_never_heard_of_is_asked_to_come_later_the_longer_that_is_certain(
    stage: Stage,
):
    empty = await stage.delivery.page(BOB, None)
    polls = list[int]()
    for seconds in (0, 8, 100):
        stage.now += seconds
        polls.append(stage.delivery.next_poll_ms("%", empty))
    assert polls == [1000, 2000, 5000]
    stage.hub.interrupted()
    assert stage.delivery.next_poll_ms("%", empty) == 1000


async def test_the_next_poll_is_later_when_the_process_is_busy(stage: Stage):
    news = Page(stage.at.end(), more=True)
    polls = list[int]()
    for used in (0.0, 1.0, 1.8, 2.0, 8.0, 0.0):
        stage.now += 2
        stage.used += used
        polls.append(stage.delivery.next_poll_ms("bob", news))
    assert polls == [250, 500, 2500, 5000, 5000, 250]


async def test_of_thousands_who_wait_without_announcements_one_looks_for_all(stage: Stage):
    since = (await stage.delivery.page(BOB, None)).cursor
    stage.hub.interrupted()
    before = stage.store.reads
    waits = [asyncio.create_task(stage.delivery.next_page(BOB, since, 30)) for _ in range(1000)]
    await asyncio.sleep(0)
    assert stage.store.reads == before + 1000  # whoever asks gets an answer of his own at first
    stage.hub.interrupted()  # wakes them all

    async def reads() -> int:
        return stage.store.reads

    await until(reads, lambda count: count > before + 1000)
    assert stage.store.reads < before + 1010
    stage.story.run("t1")
    await stage.project(announced=False)
    pages = await asyncio.wait_for(asyncio.gather(*waits), 30)
    assert all("t1" in names(page) for page in pages)


async def test_a_task_older_than_what_retention_removed_is_in_the_state_all_the_same(stage: Stage):
    for task in "abc":
        stage.story.tell(created(), task)
    await stage.project()
    first = await stage.delivery.page(replace(BOB, limit=1), None)
    removed = replace(stage.at, retained=stage.at.position)
    assert removed.continues(first.cursor)
    stage.story.tell(created(), "d")
    await stage.project()
    assert not replace(stage.at, retained=stage.at.position).continues(first.cursor)


@given(legal_logs(), st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 4))
async def test_who_follows_cursors_ends_with_the_final_state(
    told: list[Logged], sizes: list[int], limit: int
):
    stage = Stage()
    await stage.project()
    feed = replace(BOB, limit=limit)
    shown: dict[str, Any] = {}
    cursor: Cursor | None = None
    for batch in cuts(told, sizes):
        await stage.project(batch)
        while True:
            page = await stage.delivery.next_page(feed, cursor, 0)
            assert not page.gap
            for row in page.notifications:
                shown[_about(row)] = row
            cursor = page.cursor
            if not page.more:
                break
    whole = {_about(row): row for page in await stage.state() for row in page.notifications}
    assert whole == {
        about: row
        for about, row in shown.items()
        if about == UNREAD_MESSAGE_COUNT or not row["data"]["dismissed"]
    }


def _about(row: dict[str, Any]) -> str:
    return row["name"] if row["name"] == UNREAD_MESSAGE_COUNT else row["data"]["task_id"]

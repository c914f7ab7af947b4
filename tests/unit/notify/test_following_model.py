"""Any mix of polls, streams, lost announcements and restarts, against a model of a client."""

import asyncio
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from follower import Follower
from histories import LOG_ID, Story, created, project
from milepost import events as e
from milepost.cursors import ZERO, Cursor
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.delivery import Delivery, Feed, Page
from milepost_notify.hub import SILENCE_SECONDS, Hub
from milepost_notify.load import Load
from milepost_notify.memory import MemoryStore
from milepost_notify.memory_standings import MemoryStandings
from milepost_notify.wakeups import WakeUp

OWNERS = ("bob", "bobby")
TASKS = ("t1", "t2")  # the same ids for all of them
owners, tasks = st.sampled_from(OWNERS), st.sampled_from(TASKS)


class Following(RuleBasedStateMachine):
    """A log, a projector, one API process at a time, and a client and a half for each owner."""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.story, self.store = Story(), MemoryStore()
        self.now, self.at, self.done = 0.0, Checkpoint(0, LOG_ID, 0, ZERO), 0
        self.status = dict[tuple[str, str], tuple[str, int]]()
        self.followers = [Follower(owner) for owner in (*OWNERS, "bob")]
        self.runner.run(self.store.begin(0, LOG_ID))
        self.start_api()

    def teardown(self) -> None:
        if not hasattr(self, "runner"):
            return
        with self.runner:
            self.project_and_announce()
            self.everybody_has_the_truth()

    def everybody_has_the_truth(self) -> None:
        """Whoever goes on from where he is ends where somebody new begins."""
        for follower in self.followers:
            self.drain(follower, 3)
            fresh = Follower(follower.owner)
            self.drain(fresh, 100)
            assert follower.shown == fresh.shown
            assert follower.unread == fresh.unread
            known = {id for (owner, id) in self.status if owner == follower.owner}
            assert fresh.tasks.keys() <= known

    @rule(owner=owners, task=tasks, what=st.sampled_from(("start", "report", "end", "back")))
    def something_happens(self, owner: str, task: str, what: str) -> None:
        status, attempt = self.status.get((owner, task), ("", 0))
        payload: e.Payload | None = None
        match status, what:
            case "", _:
                status, payload = "queued", created()
            case "queued", _:
                status, attempt, payload = "running", attempt + 1, e.TaskStarted(worker="w")
            case "running", "report":
                payload = e.TaskProgressed(progress=min(99.0, 10.0 * len(self.story.told) % 100))
            case "running", "end":
                status, payload = "ended", e.TaskSucceeded()
            case "running", "back":
                status = "queued"
                payload = e.TaskReturned(reason="shutdown", worker="w", crashes=0)
            case "ended", "end":
                status, payload = "dismissed", e.TaskDismissed()
            case _:
                return
        self.status[owner, task] = status, attempt
        later_ms = len(self.story.told) % 2  # some in the same millisecond
        self.story.tell(payload, task, owner, attempt=attempt, later_ms=later_ms)

    @rule(owner=owners)
    def everything_is_read(self, owner: str) -> None:
        if self.story.told:
            until = str(self.story.told[-1].event.id)
            self.story.tell(e.InboxRead(until=until), "", owner)

    @rule()
    def project_and_announce(self) -> None:
        self.hub.hear(0, self._project())
        self.unheard = False

    @rule()
    def project_while_nobody_hears(self) -> None:
        self._project()
        self.unheard = True

    @rule()
    def another_projector_takes_over(self) -> None:
        self.hub.hear(0, WakeUp.of(self.at, self.at, None))
        self.unheard = False

    @rule(seconds=st.sampled_from((0.5, SILENCE_SECONDS + 1)))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.hub.tick()

    @rule()
    def the_subscription_breaks(self) -> None:
        self.hub.interrupted()

    @rule()
    def start_api(self) -> None:
        self.unheard = False
        self.hub = Hub(lambda: self.now, most_owners=1)
        self.delivery = Delivery(
            self.store, self.hub, partitions=1, now_ms=lambda: self.story.ms,
            monotonic=lambda: self.now, load=Load(lambda: 0.0, lambda: self.now),
            standings=MemoryStandings(),
        )  # fmt: skip

    @rule(number=st.integers(0, len(OWNERS)), limit=st.sampled_from((1, 2, 100)))
    def somebody_polls(self, number: int, limit: int) -> None:
        follower = self.followers[number]
        follower.page(_answer(self._page(follower, limit)))

    @rule(number=st.integers(0, len(OWNERS)), limit=st.sampled_from((1, 2, 100)), cut=st.integers())
    def somebody_streams_and_is_cut_off(self, number: int, limit: int, cut: int) -> None:
        """Of a stream one has the last id that came, anywhere within a page."""
        follower = self.followers[number]
        page = self._page(follower, limit)
        before = follower.tasks
        if page.gap:
            follower.gap()
        rows = page.notifications[: cut % (len(page.notifications) + 1)]
        follower.take(rows, before=before)

    @rule(number=st.integers(0, len(OWNERS)))
    def a_cursor_means_nothing_any_more(self, number: int) -> None:
        follower = self.followers[number]
        if follower.cursor is not None:
            follower.cursor = str(replace(Cursor.parse(follower.cursor), era=9))

    @rule(number=st.integers(0, len(OWNERS)))
    def somebody_reloads(self, number: int) -> None:
        self.followers[number].start_over()

    @invariant()
    def a_newest_cursor_costs_no_look_only_where_that_is_right(self) -> None:
        """What the hub vouches for is what the read models say, but for what nobody has heard of
        yet: that comes with the next announcement, a second later at most."""
        if getattr(self, "unheard", True):
            return
        for follower in self.followers:
            since = None if follower.cursor is None else Cursor.parse(follower.cursor)
            if self.delivery.idle_page(follower.owner, since) is not None:
                page = self.runner.run(self.delivery.page(Feed(follower.owner), since))
                assert (page.notifications, page.gap) == ([], False)

    def _project(self) -> WakeUp:
        batch, before = self.story.told[self.done :], self.at
        self.done = len(self.story.told)
        owners: set[str] = set()
        if batch:
            self.at, changes = self.runner.run(project(self.store, before, batch))
            owners = changes.owners
        return WakeUp.of(before, self.at, owners)

    def _page(self, follower: Follower, limit: int) -> Page:
        since = None if follower.cursor is None else Cursor.parse(follower.cursor)
        feed = Feed(follower.owner, limit=limit)
        return self.runner.run(self.delivery.next_page(feed, since, 0))

    def drain(self, follower: Follower, limit: int) -> None:
        while True:
            page = self._page(follower, limit)
            follower.page(_answer(page))
            if not page.more:
                return


def _answer(page: Page) -> dict[str, Any]:
    return {"notifications": page.notifications, "cursor": str(page.cursor), "gap": page.gap}


TestFollowing = Following.TestCase
TestFollowing.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

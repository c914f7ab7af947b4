"""What an API process knows from announcements alone; no Redis here, the messages are fed to it."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from histories import LOG_ID
from milepost.cursors import MAX_ORDINAL, Cursor, StreamId
from milepost.errors import InvalidValue
from milepost_notify import hub
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.hub import Hub, Waiter
from milepost_notify.wakeups import MOST_OWNERS, WakeUp

LOG = bytes.fromhex(LOG_ID[:8])
OTHER = "ffffffff" * 4


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Partition:
    """A hub that hears of one partition, and the clock it goes by."""

    clock: Clock = field(default_factory=Clock)
    most_owners: int = 100

    def __post_init__(self) -> None:
        self.hub = Hub(self.clock, most_owners=self.most_owners)

    def hear(
        self, start: int, end: int, owners: Collection[str] | None = (), *, era: int = 0,
        log: str = LOG_ID,
    ) -> None:  # fmt: skip
        named = None if owners is None else frozenset(owners)
        self.hub.hear(0, WakeUp(log, era, StreamId(start, 0), StreamId(end, 0), named))

    def unchanged(self, since: int, owner: str = "bob", **other: object) -> int | None:
        """The position of the newest cursor, if the hub vouches that there is nothing new."""
        place = {"partition": 0, "log": LOG, "era": 0, "ordinal": MAX_ORDINAL, **other}
        cursor = Cursor(id=StreamId(since, 0), **place)  # pyright: ignore[reportArgumentType]  # fields of a cursor
        newest = self.hub.unchanged(0, owner, cursor)
        return None if newest is None else newest.id.ms


@pytest.fixture
def partition() -> Partition:
    return Partition()


async def has_news(waiter: Waiter) -> bool:
    """Whether it has been woken already; waits for nothing."""
    try:
        async with asyncio.timeout(0):
            await waiter.wait(60)
    except TimeoutError:
        return False
    return True


def test_a_hub_that_has_heard_nothing_vouches_for_nothing(partition: Partition):
    assert not partition.hub.trusts(0)
    assert partition.unchanged(5) is None


def test_it_vouches_from_the_first_announcement_on(partition: Partition):
    partition.hear(5, 5)
    assert partition.unchanged(5) == 5
    assert partition.unchanged(4) is None


def test_others_news_leave_an_owner_with_nothing_new_and_a_newer_cursor(partition: Partition):
    partition.hear(5, 5)
    partition.hear(5, 8, ["bobby"])
    partition.hear(8, 8)
    assert partition.unchanged(5, "bob") == 8
    assert partition.unchanged(5, "bobby") is None
    assert partition.unchanged(8, "bobby") == 8


def test_a_lost_announcement_is_noticed_by_the_next(partition: Partition):
    partition.hear(5, 5)
    partition.hear(7, 9, ["bobby"])  # 5..7 was lost, and might have named bob
    assert partition.unchanged(5, "bob") is None
    assert partition.unchanged(9, "bob") == 9


def test_a_lost_announcement_is_noticed_by_the_next_heartbeat(partition: Partition):
    partition.hear(5, 5)
    partition.hear(9, 9)
    assert partition.unchanged(5) is None


def test_an_announcement_that_comes_late_is_no_step_back(partition: Partition):
    partition.hear(5, 5)
    partition.hear(8, 9)
    partition.hear(5, 8, ["bob"])
    assert partition.unchanged(9) == 9
    partition.hear(9, 10, ["bob"])
    assert partition.unchanged(9) is None


def test_a_projector_that_lags_behind_keeps_no_trust_alive(partition: Partition):
    partition.hear(5, 9)
    partition.clock.now += 2.9
    partition.hear(5, 5)
    partition.clock.now += 0.2
    assert not partition.hub.trusts(0)


def test_after_three_seconds_of_silence_nothing_is_trusted(partition: Partition):
    partition.hear(5, 5)
    partition.clock.now += 3.0
    assert partition.unchanged(5) == 5
    partition.clock.now += 0.1
    assert partition.unchanged(5) is None


def test_trust_comes_back_with_a_heartbeat_that_continues(partition: Partition):
    partition.hear(5, 5)
    partition.clock.now += 60
    partition.hear(5, 5)
    assert partition.unchanged(5) == 5


def test_after_silence_a_checkpoint_that_went_back_is_believed(partition: Partition):
    partition.hear(9, 9)
    partition.clock.now += 60
    partition.hear(4, 4)
    assert partition.unchanged(4) == 4
    assert partition.unchanged(9) is None


def test_a_takeover_makes_everybody_look(partition: Partition):
    partition.hear(5, 5)
    partition.hear(5, 5, None)
    assert partition.unchanged(5) == 5
    partition.hear(5, 8, None)
    assert partition.unchanged(5) is None
    assert partition.unchanged(8) == 8


def test_another_era_or_log_begins_anew(partition: Partition):
    partition.hear(5, 5)
    partition.hear(3, 3, era=1)
    assert partition.unchanged(3) is None
    assert partition.unchanged(3, era=1) == 3
    partition.hear(3, 3, log=OTHER)
    assert partition.unchanged(3, era=1) is None


def test_a_cursor_of_another_place_is_left_to_the_database(partition: Partition):
    partition.hear(5, 5)
    assert partition.unchanged(5, partition=1) is None
    assert partition.unchanged(5, log=b"none") is None
    assert partition.unchanged(6) is None
    assert partition.unchanged(5, ordinal=1) is None
    assert partition.unchanged(5, state_at=StreamId(1, 0)) is None


def test_an_owner_forgotten_for_room_is_left_to_the_database():
    partition = Partition(most_owners=2)
    partition.hear(1, 1)
    for step, owner in enumerate(("bob", "bobby", "bob_1"), 1):
        partition.hear(step, step + 1, [owner])
    assert partition.unchanged(1, "%") is None
    assert partition.unchanged(2, "bob") == 4
    assert partition.unchanged(2, "bobby") is None


async def test_who_waits_is_woken_by_his_own_news_only(partition: Partition):
    partition.hear(5, 5)
    with partition.hub.waiting(0, "bob") as bob, partition.hub.waiting(0, "bobby") as bobby:
        partition.hear(5, 6, ["bob"])
        assert await has_news(bob)
        assert not await has_news(bobby)


async def test_news_between_registering_and_waiting_is_not_missed(partition: Partition):
    partition.hear(5, 5)
    with partition.hub.waiting(0, "bob") as waiter:
        waiter.rearm()
        partition.hear(5, 6, ["bob"])  # while he reads
        await waiter.wait(60)


async def test_a_lost_announcement_or_a_takeover_wakes_everybody(partition: Partition):
    partition.hear(5, 5)
    with partition.hub.waiting(0, "bob") as waiter:
        partition.hear(7, 8, ["bobby"])
        assert await has_news(waiter)
        waiter.rearm()
        partition.hear(8, 9, None)
        assert await has_news(waiter)


async def test_silence_wakes_everybody_once(partition: Partition):
    partition.hear(5, 5)
    with partition.hub.waiting(0, "bob") as waiter:
        partition.hub.tick()
        assert not await has_news(waiter)
        partition.clock.now += 3.1
        partition.hub.tick()
        assert await has_news(waiter)
        waiter.rearm()
        partition.hub.tick()
        assert not await has_news(waiter)


async def test_an_interrupted_subscription_wakes_everybody_and_is_trusted_no_more(
    partition: Partition,
):
    partition.hear(5, 5)
    with partition.hub.waiting(0, "bob") as waiter:
        partition.hub.interrupted()
        assert await has_news(waiter)
    assert partition.unchanged(5) is None


async def test_without_trust_nobody_waits_for_an_announcement_alone(
    partition: Partition, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hub, "DISTRUST_SECONDS", 0.01)
    with partition.hub.waiting(0, "bob") as waiter:
        async with asyncio.timeout(5):
            await waiter.wait(60)


async def test_who_has_left_is_woken_no_more(partition: Partition):
    partition.hear(5, 5)
    with partition.hub.waiting(0, "bob") as waiter:
        pass
    partition.hear(5, 6, ["bob"])
    partition.hub.interrupted()
    assert not await has_news(waiter)


def test_it_knows_for_how_long_an_owner_has_been_quiet(partition: Partition):
    partition.hear(5, 5)
    assert partition.hub.quiet_seconds(0, "bob") is None
    partition.hear(5, 6, ["bob"])
    partition.clock.now += 2
    assert partition.hub.quiet_seconds(0, "bob") == 2


def test_an_announcement_survives_the_way_out_and_back():
    for owners in (frozenset[str](), frozenset({"bob", "ü%"}), None):
        told = WakeUp(LOG_ID, 3, StreamId(1, 2), StreamId(3, 4), owners)
        assert WakeUp.decode(told.encode()) == told


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[]", b"1", b'{"log":"a","era":0,"from":"x","to":"1-1","all":true}']
)
def test_what_is_no_announcement_is_refused(raw: bytes):
    with pytest.raises(InvalidValue):
        WakeUp.decode(raw)


def test_too_many_owners_are_announced_as_everybody():
    at = Checkpoint(0, LOG_ID, 0, StreamId(1, 1))
    assert WakeUp.of(at, at, [str(n) for n in range(MOST_OWNERS)]).owners is not None
    assert WakeUp.of(at, at, [str(n) for n in range(MOST_OWNERS + 1)]).owners is None

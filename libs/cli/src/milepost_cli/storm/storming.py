"""Owns the course of a storm: load and blows for so long, then calm, and a last look at everything.

Judges nothing: it fills the history.
"""

import asyncio
import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import httpx

from milepost_cli.storm import tasks
from milepost_cli.storm.blows import Blow, strike
from milepost_cli.storm.follower import Follower
from milepost_cli.storm.history import History
from milepost_cli.storm.last_look import LastLook
from milepost_cli.storm.owner import Asking, Owner
from milepost_cli.storm.person import DEMO, Person
from milepost_cli.storm.records import Answered, Calmed, Joined, Told

KNOWN = (DEMO, tasks.NAME)
LOOK_SECONDS = 0.25
LAST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much, for how long; the same seed makes the same choices in the same order."""

    seed: int
    seconds: float
    followers: int = 2
    """Of each owner."""
    pause_seconds: float = 0.5
    """Between two things that one owner does, on average."""
    settle_seconds: float = 60.0
    """How long after the calm everything may take to have ended and to be told."""


async def storm(plan: Plan, owners: Sequence[Owner], asking: Asking, blows: Sequence[Blow]) -> None:
    """Carry it out; what happened is in the history of `asking`.

    Raises:
        httpx.HTTPError: the deployment cannot even say which tasks it runs.
    """
    history = asking.history
    types = await _types(asking, owners[0])
    people = [
        Person(owner, asking, random.Random(f"{plan.seed} person {owner.number}"), types)
        for owner in owners
    ]
    followers = [
        Follower(
            number, owners[number % len(owners)], asking, random.Random(f"{plan.seed} {number}")
        )
        for number in range(plan.followers * len(owners))
    ]
    for each in followers:
        history.add(Joined(each.number, each.owner.number))

    def over() -> bool:
        return history.now() >= plan.seconds

    calm = asyncio.Event()
    following = [asyncio.create_task(each.roam()) for each in followers]
    acting = [
        asyncio.create_task(each.act(calm.is_set, plan.pause_seconds, people)) for each in people
    ]

    async def recovered() -> None:
        await _until_recovered(history, plan.settle_seconds)

    striking = asyncio.create_task(
        strike(blows, random.Random(f"{plan.seed} blows"), history, over, recovered)
    )
    try:
        await _while_going(history, plan.seconds, [*following, *acting, striking])
        await striking
        await recovered()
        calm.set()
        history.add(Calmed(history.now()))
        deadline = history.now() + plan.settle_seconds
        done, left = await asyncio.wait(acting, timeout=plan.settle_seconds)
        _raise_what_failed(done)
        await _end(left)
        look = LastLook(asking, owners, followers)
        await _until_settled(look, history, deadline)
        _raise_what_failed(each for each in following if each.done())
        await _end(following)
        until = max(deadline, history.now() + LAST_SECONDS)
        await asyncio.gather(*(each.catch_up(until) for each in followers))
        await look.record(max(until, history.now() + LAST_SECONDS))
    finally:
        await _end([*following, *acting, striking])


async def _until_recovered(history: History, most_seconds: float) -> None:
    """Wait until what was struck so far is felt no more, or for so long."""
    now = history.now()
    seen = len(history.records)
    while history.now() < now + most_seconds:
        new = history.records[seen:]
        took = any(
            isinstance(each, Answered) and each.accepts and each.asked_at > now for each in new
        )
        if took and any(isinstance(each, Told) for each in new):
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _until_settled(look: LastLook, history: History, deadline: float) -> None:
    """Ask again and again: what settles is in other processes."""
    for _ in itertools.count():
        if history.now() >= deadline or await look.is_settled():
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _while_going(
    history: History, seconds: float, going: Sequence[asyncio.Task[None]]
) -> None:
    """Wait until it is over; what failed of ours fails the storm at once."""
    while history.now() < seconds:
        await asyncio.sleep(LOOK_SECONDS)
        _raise_what_failed(each for each in going if each.done())


def _raise_what_failed(done: Iterable[asyncio.Task[None]]) -> None:
    for each in done:
        each.result()


async def _end(tasks: "Sequence[asyncio.Task[None]] | set[asyncio.Task[None]]") -> None:
    for each in tasks:
        each.cancel()
    if tasks:
        await asyncio.wait(tasks)


async def _types(asking: Asking, owner: Owner) -> list[str]:
    path = asking.url("/api/submit/task-types")
    answer = await asking.http.get(path, headers=owner.headers, timeout=30)
    answer.raise_for_status()
    offered = {each["name"] for each in answer.json()}
    found = [name for name in KNOWN if name in offered]
    if not found:
        raise httpx.HTTPError(f"it offers neither {' nor '.join(KNOWN)}")
    return found

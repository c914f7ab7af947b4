"""Owns logs written by hand, for readers to be measured: events as the scripts append them."""

from collections import deque
from collections.abc import Iterator

from benches.stage.milepost import KEYS
from benches.stage.store import Store
from milepost.ids import uuid7

OWNERS = 100
FIRST_MS = 1_800_000_000_000
AT_ONCE = 1000
CREATED = (
    '{"task_type":"demo.steps","title":"A demonstration","queue":"default",'
    '"params":{"steps":10,"seconds":1}}'
)
STARTED, SUCCEEDED = '{"worker":"host-1234-abcdef"}', '{"result":{"count":3}}'

Event = dict[str, str | int]
"""Fields of an entry."""


def write(store: Store, events: Iterator[Event]) -> list[str]:
    """Append all; their stream ids."""
    pipe = store.client.pipeline(transaction=False)
    pipe.hset(KEYS.meta, "log_id", "ab" * 16)
    pipe.execute()
    ids, waiting = list[str](), 0
    for event in events:
        pipe.xadd(KEYS.log, event)
        waiting += 1
        if waiting == AT_ONCE:
            ids += [entry.decode() for entry in pipe.execute()]
            waiting = 0
    return ids + [entry.decode() for entry in pipe.execute()]


def short_tasks(count: int, alive: int) -> Iterator[Event]:
    """`count` events of tasks that are created, started and succeed, `alive` at a time."""
    running = deque[tuple[str, str]]()
    for number in range(0, count, 3):
        running.append(_named(number))
        yield _event("created", *running[-1], 0, CREATED)
        if len(running) > alive:
            yield from _rest(*running.popleft())
    for task in running:
        yield from _rest(*task)


def busy_tasks(count: int, alive: int, reports: int) -> Iterator[Event]:
    """About `count` events of tasks that report `reports` times each, `alive` side by side."""
    for first in range(0, count, alive * (reports + 3)):
        tasks = [_named(first + number) for number in range(alive)]
        for task in tasks:
            yield _event("created", *task, 0, CREATED)
            yield _event("started", *task, 1, STARTED)
        for done in range(1, reports + 1):
            data = f'{{"progress":{99 * done / reports:.1f},"done":{done},"total":{reports}}}'
            for task in tasks:
                yield _event("progressed", *task, 1, data)
        for task in tasks:
            yield _event("succeeded", *task, 1, SUCCEEDED)


def _rest(task: str, owner: str) -> Iterator[Event]:
    yield _event("started", task, owner, 1, STARTED)
    yield _event("succeeded", task, owner, 1, SUCCEEDED)


def _named(number: int) -> tuple[str, str]:
    return uuid7(FIRST_MS + number, number.to_bytes(10)), f"user {number % OWNERS}"


def _event(kind: str, task: str, owner: str, attempt: int, data: str) -> Event:
    return {"t": kind, "k": task, "o": owner, "a": attempt, "d": data}

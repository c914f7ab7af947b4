"""Who is next of what stands ready behind busy threads."""

import threading
from queue import Empty
from types import SimpleNamespace
from typing import Any

import pytest

from milepost_worker.work_queue import WorkQueue
from started import started_task
from waiting import wait_for


def item(entry: str) -> Any:
    """One of dramatiq's items, as far as the queue looks at it."""
    job = SimpleNamespace(started=started_task(entry))
    return SimpleNamespace(message=SimpleNamespace(args=(job,)))


def queue_of(*entries: str) -> WorkQueue:
    queue = WorkQueue()
    for entry in entries:
        queue.put(item(entry))
    return queue


def taken(queue: WorkQueue) -> list[str]:
    found = list[str]()
    while queue.qsize():
        found.append(queue.get(timeout=1).message.args[0].started.entry)
    return found


def test_first_come_first_served_within_a_lane():
    assert taken(queue_of("1-1", "2-1", "3-1")) == ["1-1", "2-1", "3-1"]
    assert taken(queue_of("x1-1", "x2-1")) == ["x1-1", "x2-1"]


def test_the_express_lane_goes_before_what_was_taken_ahead():
    assert taken(queue_of("1-1", "2-1", "x3-1")) == ["x3-1", "1-1", "2-1"]


def test_every_fourth_place_is_the_others():
    express = [f"x{n}-1" for n in range(1, 8)]
    assert taken(queue_of("1-1", "2-1", *express)) == [
        *express[:3], "1-1", *express[3:6], "2-1", express[6]
    ]  # fmt: skip


def test_nobody_is_owed_for_turns_when_nobody_waited():
    queue = queue_of(*(f"x{n}-1" for n in range(9)))
    assert len(taken(queue)) == 9
    queue.put(item("1-1"))
    queue.put(item("x1-1"))
    assert taken(queue) == ["x1-1", "1-1"]


def test_an_empty_queue_says_so():
    with pytest.raises(Empty):
        WorkQueue().get_nowait()
    with pytest.raises(Empty):
        WorkQueue().get(timeout=0.01)


def test_many_threads_get_everything_once():
    queue, found, lock = WorkQueue(), list[str](), threading.Lock()

    def work() -> None:
        while True:
            entry = queue.get(timeout=10).message.args[0].started.entry
            if entry == "x9999-9":
                return
            with lock:
                found.append(entry)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    entries = [f"{'x' * (n % 3 == 0)}{n}-1" for n in range(5000)]
    for entry in entries:
        queue.put(item(entry))
    wait_for(lambda: not queue.qsize(), "everything taken")
    for _ in threads:
        queue.put(item("x9999-9"))
    for thread in threads:
        thread.join(10)
    assert sorted(found) == sorted(entries)

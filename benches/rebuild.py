"""Rebuild: a history folded into a new generation, compared row by row, switched; SQLite.

Three events a task (created, started, succeeded), 300 tasks alive at a time, one partition. The
history is made by the projector's own fold, so that there are served rows to be compared with.
Seconds from the first statement to the last, the removal of the old rows included.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator

from benches.stage import versions
from benches.stage.events import Event, short_tasks
from benches.stage.sizes import chosen
from benches.stage.table import Row, Target, at_most, show
from milepost.settings import Settings
from milepost_notify.archive import Logged, take_in
from milepost_notify.changes import Known
from milepost_notify.folding import fold
from milepost_notify.main import migrate
from milepost_notify.projecting import tune
from milepost_notify.rebuild import rebuild
from milepost_notify.sql import SqlProjectionStore
from milepost_notify.sql_rebuild import SqlRebuild

SHORT, FULL = 9_000, 1_000_000
TARGET_SECONDS = 60
ALIVE = 300
A_BATCH = 10_000
LOG_ID = "ab" * 16


def main() -> None:
    """Make the history, rebuild it, print."""
    tune()
    events, rounds = chosen(SHORT, FULL, rounds=1)  # each takes most of a minute
    taken = list[float]()
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as folder:
        url = f"sqlite:///{folder}/notify.db"
        migrate(Settings.load(database_url=url))
        asyncio.run(fill(url, events))
        for _ in range(rounds):
            sql = SqlRebuild(url, 0)
            began = time.perf_counter()
            done = rebuild(sql, serve=True, tell=_say_nothing)
            taken.append(time.perf_counter() - began)
            sql.close()
            assert done is not None
            assert not done.differs, done.tables
    target: Target | None = at_most(TARGET_SECONDS) if events == FULL else None
    show([Row(f"s, {events:,} events, SQLite", taken, (), target)], versions.sqlite())


async def fill(url: str, events: int) -> None:
    """Project without a log."""
    store, known = SqlProjectionStore(url), Known()
    at = await store.begin(0, LOG_ID)
    batch = list[Logged]()
    for entry in told(events):
        batch.append(entry)
        if len(batch) == A_BATCH:
            at = await store.apply(at, entry.event.id, fold(known, batch))
            batch.clear()
    if batch:
        await store.apply(at, batch[-1].event.id, fold(known, batch))
    await store.close()


def told(events: int) -> Iterator[Logged]:
    """As the log would have it."""
    for number, event in enumerate(short_tasks(events, ALIVE)):
        position = f"{1_800_000_000_000 + number // 10}-{number % 10}".encode()
        entry = take_in(0, position, _fields(event))
        assert isinstance(entry, Logged)
        yield entry


def _fields(event: Event) -> dict[bytes, bytes]:
    return {name.encode(): str(value).encode() for name, value in event.items()}


def _say_nothing(what: str, done: int, total: int) -> None:
    """Nobody looks."""


if __name__ == "__main__":
    main()

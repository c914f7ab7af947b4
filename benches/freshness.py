"""Freshness: from `report()` in a task to a client that waits, with everything as `up` runs it.

100 tasks of 100 owners in one worker report ten times a second each. Half of the owners follow by
long poll, half by stream. A note waits up to 100 ms for the next flush: that is in the figure.

Beside it the pattern of Flask, RQ and SQLite with 8 such jobs in 8 workers, since each holds one; a
page asks every 5 s, as the tutorial's, or every 250 ms, as ours asks at most where nothing waits.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from benches.contenders.flask_rq import POLLS_SECONDS, FlaskRq
from benches.stage import versions
from benches.stage.followers import poll, stream
from benches.stage.http_client import answers
from benches.stage.milepost import Milepost, Submitter, new_task
from benches.stage.pages import PAUSE_SECONDS, Seen, watch
from benches.stage.peers import Peers
from benches.stage.processes import Processes
from benches.stage.sizes import chosen
from benches.stage.store import Durability, Store, fresh_store
from benches.stage.table import Row, at_most, percentile, show
from milepost_cli.valkey import free_port

TARGET_MS = 200.0
"""100 ms, and as much again for the flush."""
EVERYTHING_SECONDS = 60.0
DURABILITIES: dict[Durability, str] = {"memory": "everysec", "fsync": "fsync"}
PATTERN = "Flask + RQ + SQLite, polled every {:g} s"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    tasks: int
    reports: int
    """Of each task."""
    jobs: int
    """Of the pattern's."""
    job_reports: int


SHORT = Sizes(tasks=20, reports=10, jobs=2, job_reports=10)
FULL = Sizes(tasks=100, reports=60, jobs=8, job_reports=200)


def main() -> None:
    """Measure on both settings of the log, and the pattern, and print the table."""
    sizes, rounds = chosen(SHORT, FULL)
    peers, taken, version = Peers(), dict[str, list[Seen]](), ""
    durabilities: tuple[Durability, ...] = tuple(DURABILITIES) if sizes is FULL else ("fsync",)
    for _ in range(rounds):
        for durability in durabilities:
            with fresh_store(durability) as store, Processes() as processes:
                version = store.version()
                for way, seen in once(store, processes, sizes).items():
                    taken.setdefault(f"{way}, {DURABILITIES[durability]}", []).append(seen)
        with fresh_store() as store, Processes() as processes:
            pattern = FlaskRq(peers, store, processes, sizes.jobs)
            for every, seen in asyncio.run(pattern.follow(sizes.job_reports)).items():
                taken.setdefault(PATTERN.format(every), []).append(seen)
    show(
        rows(taken, sizes),
        version,
        versions.sqlite(),
        *peers.versions("flask", "rq", "sqlalchemy", "waitress"),
    )


def rows(taken: dict[str, list[Seen]], sizes: Sizes) -> Iterator[Row]:
    """The table; a short run has not all of it."""
    pattern = {every: PATTERN.format(every) for every in POLLS_SECONDS}
    made = sizes.reports * sizes.tasks / 2
    for name, rounds in taken.items():
        if name in pattern.values():
            continue
        way, _, durability = name.partition(", ")
        for percent in (50, 99):
            target = at_most(TARGET_MS) if percent == 99 else None
            ages = [percentile(seen.ages, percent) for seen in rounds]
            yield Row(f"report to {way}, ms, p{percent}, {durability}", ages, (), target)
        shown = [100 * len(seen.ages) / made for seen in rounds]
        yield Row(f"reports shown by {way}, %, {durability}", shown)
    for percent in (50, 99):
        what = f"until it or a newer one is shown, ms, p{percent}"
        waits = {
            name: [percentile(seen.waits, percent) for seen in rounds]
            for name, rounds in taken.items()
        }
        for every, name in pattern.items():
            beside = f"Milepost, long poll, fsync, beside the pattern every {every:g} s"
            yield Row(f"{what}: {beside}", waits["long poll, fsync"], waits[name])
        for name in pattern.values():
            yield Row(f"{what}: {name}", waits[name])


def once(store: Store, processes: Processes, sizes: Sizes) -> dict[str, Seen]:
    """What was seen, by the way it took."""
    milepost, port = Milepost(store, processes), free_port()
    # `up` with its own database and one web process, but on this measurement's Valkey.
    del milepost.environment["MILEPOST_DATABASE_URL"]
    milepost.start("up", "--port", str(port), "--data-dir", str(store.folder / "up"),
                   "--threads", str(sizes.tasks))  # fmt: skip
    answers(port, "/api/notify/readyz")
    milepost.ready()
    return asyncio.run(follow(store, port, sizes))


async def follow(store: Store, port: int, sizes: Sizes) -> dict[str, Seen]:
    """Let all owners wait, then let their tasks run to their end."""
    took = {"long poll": Seen(), "stream": Seen()}
    owners = [f"owner {number}" for number in range(sizes.tasks)]
    async with asyncio.timeout(EVERYTHING_SECONDS), Submitter(store) as submitter:
        waiting = [
            asyncio.create_task(
                watch(poll(port, owner), took["long poll"])
                if number % 2
                else watch(stream(port, owner), took["stream"])
            )
            for number, owner in enumerate(owners)
        ]
        params = {"count": sizes.reports, "pause_seconds": PAUSE_SECONDS}
        for owner in owners:
            await submitter.create(owner, [new_task("bench.reports", **params)])
        await asyncio.gather(*waiting)
    return took


if __name__ == "__main__":
    main()

"""Owns `milepost replay`: has parked events folded again, says what became of them. Folds none.

Exit status: 0; 1 when events still wait or the database is away; 2 when asked wrongly.
"""

import asyncio
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict

from milepost.errors import ConfigurationError
from milepost_cli import operating, schema
from milepost_notify.replaying import Replayed
from milepost_notify.sql_replay import SqlReplayStore
from milepost_notify.store import StoreUnavailable


def run(*, as_json: bool, data_dir: str | None) -> int:
    """Replay every partition; the exit status."""
    try:
        settings = operating.settings(data_dir)
        schema.require(settings.database_url)
        replayed = asyncio.run(_replay(settings.database_url, range(settings.partitions)))
    except ConfigurationError as err:
        sys.stderr.write(f"milepost: {err}\n")
        return 2
    except StoreUnavailable as err:
        sys.stderr.write(f"milepost: {err} (is MILEPOST_DATABASE_URL the right one?)\n")
        return 1
    if as_json:
        sys.stdout.write(json.dumps([asdict(each) for each in replayed]) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(replayed)))
    return 1 if any(each.parked for each in replayed) else 0


async def _replay(database_url: str, partitions: Iterable[int]) -> list[Replayed]:
    store = SqlReplayStore(database_url)
    try:
        found = [await store.replay(partition) for partition in partitions]
    finally:
        await store.close()
    return [each for each in found if each.projected or each.parked]


def _lines(replayed: Iterable[Replayed]) -> list[str]:
    return [
        f"partition {each.partition}: {each.projected} projected, {each.parked} still parked"
        for each in replayed
    ] or ["nothing is parked"]

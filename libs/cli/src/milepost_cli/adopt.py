"""Owns `milepost adopt`: goes on with a log that the read models were not made from, if told to.

Exit status: 0 when nothing was to do or it is done; 1 when something is to be confirmed, cannot be
done, or Redis or the database is away; 2 when asked wrongly.
"""

import asyncio
import sys

from milepost.errors import ConfigurationError, LogUnavailable
from milepost.settings import Settings
from milepost_cli import at_rest, schema, stopped
from milepost_notify.adoption import Behind, adopt
from milepost_notify.store import CheckpointMoved, StoreUnavailable


def run(*, confirm: bool, data_dir: str | None) -> int:
    """Look at every partition, adopt the logs of those that have stopped; the exit status."""
    try:
        with at_rest.working_on(data_dir) as settings:
            schema.require(settings.database_url)
            return asyncio.run(_adopt(settings, confirm=confirm))
    except ConfigurationError as err:
        return _failed(2, err)
    except (LogUnavailable, StoreUnavailable, CheckpointMoved) as err:
        return _failed(1, err)


async def _adopt(settings: Settings, *, confirm: bool) -> int:
    async with stopped.finding(settings) as (store, found):
        for _, each in found:
            _say(stopped.words_of(each))
        if not found:
            _say("every partition goes on with its log: nothing to adopt")
            return 0
        if not confirm:
            _say(
                "nothing was changed. With --confirm the projector goes on with the log that is "
                "there; what only the old one had is lost"
            )
            return 1
        refused = 0
        for log, each in found:
            try:
                after = await adopt(store, log, each)
                _say(
                    f"partition {after.partition}: goes on with log {after.log_id}, era {after.era}"
                )
            except Behind as err:
                refused += 1
                _say(f"partition {each.at.partition}: {err}; its clock is behind: refused")
        _say(
            "tasks that live on in the read models alone: see `./milepost reconcile`, once a "
            "projector runs"
        )
        return 1 if refused else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _failed(status: int, err: Exception) -> int:
    sys.stderr.write(f"milepost: {err}\n")
    return status

"""Owns `milepost reconcile`: finds live tasks that Redis does not know, ends or resubmits them.

Exit status: 0 when none is left; 1 when some were found and nothing was to be done (without
--confirm), the projector is behind, or Redis or the database is away; 2 when asked wrongly.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

from milepost.errors import ConfigurationError, LogUnavailable, MilepostError
from milepost.settings import Settings
from milepost_cli import operating, schema
from milepost_cli.printable import printable
from milepost_log.reconciling import LiveTask, Mode, end_of, reconcile
from milepost_log.servers import Servers, open_servers
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.sql_live import SqlLiveTasks
from milepost_notify.store import StoreUnavailable

SHOWN = 20
"""So many are named; all are counted."""
BEHIND_SECONDS = 10.0
LOOK_SECONDS = 0.2


class NotProjected(MilepostError):
    """What is in the log is not in the read models: nobody can tell yet what is lost."""


def run(*, confirm: bool, resubmit: bool, as_json: bool, data_dir: str | None) -> int:
    """Deal with every partition; the exit status."""
    mode: Mode = "look" if not confirm else "resubmit" if resubmit else "end"
    found = list[dict[str, str]]()
    try:
        settings = operating.settings(data_dir)
        schema.require(settings.database_url)
        with (
            open_servers(settings.redis_url) as servers,
            closing(SqlLiveTasks(settings.database_url)) as live,
        ):
            for partition in range(settings.partitions):
                for task, status in _lost(settings, servers, live, partition, mode):
                    named = {"owner": task.owner, "id": task.id, "was": task.status}
                    found.append({**named, "status": status})
    except ConfigurationError as err:
        return _failed(2, err)
    except (LogUnavailable, StoreUnavailable, NotProjected) as err:
        return _failed(1, err)
    if as_json:
        sys.stdout.write(json.dumps({"done": confirm, "tasks": found}) + "\n")
    else:
        _show(found, done=confirm)
    return 1 if found and not confirm else 0


def _lost(
    settings: Settings, servers: Servers, live: SqlLiveTasks, partition: int, mode: Mode
) -> Iterator[tuple[LiveTask, str]]:
    """Live tasks that Redis does not know, with what they are afterwards."""
    at = _projected(settings, servers, live, partition)
    if at is None:
        return
    for tasks in live.tasks(partition):
        answers = reconcile(servers, settings.namespace, partition, at.log_id, mode, tasks)
        yield from ((task, word) for task, word in zip(tasks, answers, strict=True) if word)


def _projected(
    settings: Settings, servers: Servers, live: SqlLiveTasks, partition: int
) -> Checkpoint | None:
    """Wait until all that is in the log now is projected; the checkpoint, null where none is.

    Only then is a task that Redis does not know a lost one, and not one that ended long ago. A log
    that has lost its tail is waited for, too: its projector takes the read models back.
    """
    deadline, until = time.monotonic() + BEHIND_SECONDS, None
    while True:
        at = live.checkpoint(partition)
        if at is None:
            return None
        log_id, last, continues = end_of(servers, settings.namespace, partition, at.position)
        if at.log_id != log_id:
            raise NotProjected(f"partition {partition}: the log is another one: `./milepost adopt`")
        until = until or last or at.position
        if continues and at.position >= until:
            return at
        if time.monotonic() > deadline:
            raise NotProjected(
                f"partition {partition}: projected up to {at.position}, the log goes up to {last}: "
                "is the projector running?"
            )
        time.sleep(LOOK_SECONDS)


def _show(found: list[dict[str, str]], *, done: bool) -> None:
    for each in found[:SHOWN]:
        _say(f"{each['owner']} {each['id']}: {each['was']}" + f" -> {each['status']}" * done)
    if len(found) > SHOWN:
        _say(f"... and {len(found) - SHOWN:,} more")
    if not found:
        _say("Redis knows every task that lives")
        return
    counts = Counter(each["status"] for each in found)
    words = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
    if done:
        _say(f"{len(found):,} tasks were lost: {words} now")
    else:
        _say(
            f"{len(found):,} tasks are lost ({words}); nothing was changed. --confirm ends them "
            "(failed, lost_in_restore), --confirm --resubmit puts them into their queues again"
        )


def _say(line: str) -> None:
    sys.stdout.write(printable(line) + "\n")


def _failed(status: int, err: Exception) -> int:
    sys.stderr.write(printable(f"milepost: {err}") + "\n")
    return status

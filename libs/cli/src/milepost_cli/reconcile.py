"""Owns `milepost reconcile`: finds live tasks that Redis does not know, ends or resubmits them; and
those that have ended in Redis while the log lacks it: tells that.

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

UNKNOWN = "Redis does not know it"
CUT = "it has ended in Redis, and the log lacks its end"
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
                for task, status, why in _lost(settings, servers, live, partition, mode):
                    named = {"owner": task.owner, "id": task.id, "was": task.status}
                    found.append({**named, "status": status, "why": why})
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
) -> Iterator[tuple[LiveTask, str, str]]:
    """Live tasks that do not live in Redis, each with what it is afterwards, and why."""
    at = _projected(settings, servers, live, partition)
    if at is None:
        return
    unrecorded = set[tuple[str, str]]()
    for tasks in live.tasks(partition):
        answers = reconcile(servers, settings.namespace, partition, at.log_id, mode, tasks)
        for task, outcome in zip(tasks, answers, strict=True):
            if outcome == "unrecorded":
                unrecorded.add((task.owner, task.id))
            elif outcome != "known":
                yield task, outcome, UNKNOWN
    if not unrecorded:
        return
    # Most have ended since they were read: whose end is in the log is projected by now.
    _projected(settings, servers, live, partition)
    for tasks in live.tasks(partition):
        still = [task for task in tasks if (task.owner, task.id) in unrecorded]
        if mode == "look":
            yield from ((task, task.status, CUT) for task in still)
        elif still:
            answers = reconcile(servers, settings.namespace, partition, at.log_id, "tell", still)
            yield from (
                (task, outcome, CUT)
                for task, outcome in zip(still, answers, strict=True)
                if outcome not in ("known", "unrecorded")
            )


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
        now = f" -> {each['status']}" * done
        _say(f"{each['owner']} {each['id']}: {each['was']}{now} ({each['why']})")
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
            "(failed, lost_in_restore), --confirm --resubmit puts them into their queues again; "
            "those that have ended in Redis end as they did there"
        )


def _say(line: str) -> None:
    sys.stdout.write(printable(line) + "\n")


def _failed(status: int, err: Exception) -> int:
    sys.stderr.write(printable(f"milepost: {err}") + "\n")
    return status

"""Owns `milepost rebuild`: makes the read models again from the history. Folds nothing itself.

Exit status: 0; 1 when rows differ and were not to be served, or the database is away; 2 when asked
wrongly.
"""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from milepost.errors import ConfigurationError, NewerEvent
from milepost_cli import operating, schema
from milepost_cli.bar import Bar
from milepost_cli.printable import printable
from milepost_notify.comparison import Compared, Example
from milepost_notify.projecting import tune
from milepost_notify.rebuild import Rebuilt, rebuild
from milepost_notify.sql_generations import RebuildMoved
from milepost_notify.sql_rebuild import SqlRebuild
from milepost_notify.store import StoreUnavailable

_KINDS = {"missing": "gone", "extra": "new", "different": "changed"}


def run(*, dry_run: bool, as_json: bool, data_dir: str | None) -> int:
    """Rebuild one partition after the other and say what differs; the exit status."""
    try:
        settings = operating.settings(data_dir)
        schema.require(settings.database_url)
        tune()
        found = [
            _partition(settings.database_url, number, dry_run=dry_run, as_json=as_json)
            for number in range(settings.partitions)
        ]
    except ConfigurationError as err:
        return _failed(2, f"{err}")
    except NewerEvent as err:
        return _failed(1, f"the history has events of a later release: use its rebuild ({err})")
    except (RebuildMoved, StoreUnavailable) as err:
        return _failed(1, f"{err}; nothing is lost: the same command goes on where this one was")
    return 1 if dry_run and any(found) else 0


def _partition(url: str, number: int, *, dry_run: bool, as_json: bool) -> bool:
    """Rebuild one; whether anything differs."""
    sql, began = SqlRebuild(url, number), time.monotonic()
    bar = Bar(f"partition {number}")
    try:
        rebuilt = rebuild(sql, serve=not dry_run, tell=bar.tell)
    finally:
        bar.end()
        sql.close()
    if rebuilt is None:
        return False
    seconds = time.monotonic() - began
    if as_json:
        tables = [asdict(each) for each in rebuilt.tables]
        told = {"partition": number, "served": not dry_run, "at": str(rebuilt.at.position)}
        told |= {"events": rebuilt.events, "seconds": round(seconds, 3), "tables": tables}
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        _say(
            f"partition {number}: {rebuilt.events:,} events in {seconds:.1f} s, {_verdict(rebuilt)}"
        )
        for table in rebuilt.tables:
            _show(table)
        if dry_run:
            _say("  not served (--dry-run)")
    return rebuilt.differs


def _verdict(rebuilt: Rebuilt) -> str:
    rows = sum(each.rows for each in rebuilt.tables)
    at = rebuilt.at.position
    return f"{'NOT' if rebuilt.differs else 'all'} the same {rows:,} rows at {at}"


def _show(table: Compared) -> None:
    if not table.differs:
        return
    _say(
        f"  {table.table}: {table.different:,} changed, {table.missing:,} gone, "
        f"{table.extra:,} new, of {table.rows:,}"
    )
    for example in table.examples:
        _say(f"    {_KINDS[example.kind]}: {_words(example.key)}{_changes(example)}")


def _changes(example: Example) -> str:
    changes = (f"{name} {old!r} -> {new!r}" for name, (old, new) in example.columns.items())
    return "".join(f"; {each[:200]}" for each in changes)


def _words(key: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in key.items())


def _say(line: str) -> None:
    sys.stdout.write(printable(line) + "\n")


def _failed(status: int, line: str) -> int:
    sys.stderr.write(printable(f"milepost: {line}") + "\n")
    return status

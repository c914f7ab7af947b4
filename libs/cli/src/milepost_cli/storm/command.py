"""Owns `milepost storm`: which deployment, as whom, what may be struck, and the verdict in words.

Exit status: 0 when every promise was kept, 1 when one was broken, 2 when there was no storm.
"""

import asyncio
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from milepost.errors import MilepostError
from milepost_cli import choices
from milepost_cli.printable import printable
from milepost_cli.storm.blows import Blow, chosen
from milepost_cli.storm.embedded import Embedded
from milepost_cli.storm.history import History
from milepost_cli.storm.judgement import judge
from milepost_cli.storm.owner import Asking, Owner, minted, signed_up
from milepost_cli.storm.processes import freezes, kills, the_one
from milepost_cli.storm.storming import Plan, storm
from milepost_cli.storm.verdict import Verdict
from milepost_cli.storm.words import again, report

WORKERS = 3
CONNECTIONS = httpx.Limits(max_connections=None, max_keepalive_connections=50)


def run(
    *,
    url: str | None,
    seed: int | None,
    seconds: float,
    owners: int,
    settle: float,
    recovery: float,
    blows: str | None,
    pids: Sequence[tuple[str, int]],
    history: str | None,
    as_json: bool,
) -> int:
    """Storm a deployment, or a stack of our own without `url`; the exit status."""
    if seed is None:
        seed = secrets.randbelow(1_000_000)
    plan = Plan(seed, seconds, settle_seconds=settle)
    names = [name.strip() for name in (blows or "").split(",") if name.strip()]
    folder = None
    try:
        own = Embedded(workers=WORKERS) if url is None else None
        known = _of_pids(pids) if own is None else own.blows()
        dealt = [] if names == ["none"] else chosen(known, names)
        with own or nullcontext():
            folder = own and own.folder
            remembered = History(time.monotonic)
            asyncio.run(_storm(plan, _target(own, url), owners, dealt, remembered))
            if own is not None:
                remembered.add(own.rebuilt())
    except (MilepostError, httpx.HTTPError) as err:
        return _failed(f"{err}{f' (see {folder})' if folder else ''}")
    except KeyboardInterrupt:
        return _failed(f"interrupted: no verdict{f'; its data is in {folder}' if folder else ''}")
    verdict = judge(remembered.records, recovery_seconds=recovery)
    file = Path(history) if history else None
    if folder is not None:
        if verdict.kept:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            file = file or folder / "history.jsonl"
    if file is not None:
        remembered.write(file)
    words = again(plan, owners, recovery, url, blows, pids)
    _say(verdict, plan, words, file, as_json=as_json)
    return 0 if verdict.kept else 1


@dataclass(frozen=True, slots=True)
class _Target:
    """What a storm goes over."""

    url: str
    secret: str | None
    """That signs its people's tokens; null: they sign up."""


def _target(own: Embedded | None, url: str | None) -> _Target:
    if own is not None:
        return _Target(own.url, own.secret)
    assert url is not None
    return _Target(url, choices.given(os.environ, "SECRET"))


async def _storm(
    plan: Plan, target: _Target, owners: int, blows: Sequence[Blow], history: History
) -> None:
    run = secrets.token_hex(6)  # not by the seed: two storms on one deployment are two
    async with httpx.AsyncClient(limits=CONNECTIONS) as http:
        people = await _people(http, target, run, owners)
        await storm(plan, people, Asking(http, target.url, history, run), blows)


async def _people(http: httpx.AsyncClient, target: _Target, run: str, owners: int) -> list[Owner]:
    if target.secret is not None:
        secret = target.secret.partition(",")[0]
        return [minted(run, number, secret) for number in range(owners)]
    password = secrets.token_urlsafe(24)
    return [await signed_up(http, target.url, run, number, password) for number in range(owners)]


def _of_pids(named: Sequence[tuple[str, int]]) -> list[Blow]:
    """What may be done to processes that were named: somebody else starts them again."""
    found = list[Blow]()
    for name, pid in named:
        find = the_one(pid)
        found += [kills(name, find), freezes(name, find)]
    return found


def _say(verdict: Verdict, plan: Plan, words: str, file: Path | None, *, as_json: bool) -> None:
    if not as_json:
        for line in report(verdict, words, file):
            sys.stdout.write(printable(line) + "\n")
        return
    told = {
        "verdict": "kept" if verdict.kept else "broken",
        "seed": plan.seed,
        "seconds": plan.seconds,
        "again": words,
        "findings": [asdict(each) | {"promise": each.promise} for each in verdict.findings],
        "recoveries": [asdict(each) for each in verdict.recoveries],
        "counts": dict(sorted(verdict.counts.items())),
        "history": None if file is None else str(file),
    }
    sys.stdout.write(json.dumps(told) + "\n")


def _failed(line: str) -> int:
    sys.stderr.write(printable(f"milepost: {line}") + "\n")
    return 2

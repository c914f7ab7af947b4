"""A storm over many machines' worth of parts: nodes fail over, processes die, no promise breaks."""

import asyncio
import os
import random
import secrets
import time
from pathlib import Path

import httpx
import pytest

from milepost_cli.storm.history import History
from milepost_cli.storm.judgement import judge
from milepost_cli.storm.owner import Asking, minted
from milepost_cli.storm.storming import Plan, storm
from milepost_cli.storm.words import report
from postgres_server import Postgres

from .cluster_stack import ClusterStack

OWNERS = 6
SECONDS = float(os.environ.get("MILEPOST_STORM_SECONDS", "45"))
"""Longer by hand, see docs/storms.md."""
SEED = os.environ.get("MILEPOST_STORM_SEED")
"""Of an earlier storm, to repeat it; a fresh one where none is given."""


@pytest.mark.slow
@pytest.mark.timeout(400 + 2 * SECONDS)
async def test_a_storm_over_a_cluster_of_everything_breaks_no_promise(tmp_path: Path) -> None:
    seed = random.randrange(1_000_000) if SEED is None else int(SEED)
    plan = Plan(seed, SECONDS, settle_seconds=90)
    run = secrets.token_hex(6)
    postgres = await asyncio.to_thread(Postgres, fsync=True)
    stack = ClusterStack(tmp_path, postgres)
    try:
        await asyncio.to_thread(postgres.start)
        async with stack.proxy, httpx.AsyncClient(limits=httpx.Limits()) as http:
            await stack.start(postgres.url)
            owners = [minted(run, number, stack.secret) for number in range(OWNERS)]
            await stack.until_ready(owners[0].headers)
            history = History(time.monotonic)
            await storm(plan, owners, Asking(http, stack.proxy.url, history, run), stack.blows())
            history.add(await asyncio.to_thread(stack.rebuilt))
    finally:
        await asyncio.to_thread(stack.stop)
        await asyncio.to_thread(postgres.remove)
    verdict = judge(history.records)
    again = f"MILEPOST_STORM_SEED={seed} MILEPOST_STORM_SECONDS={SECONDS:g} ./milepost test"
    words = "\n".join(report(verdict, f"{again} tests/storm/test_cluster_storm.py -s", None))
    print(words)
    if not verdict.kept:
        history.write(tmp_path / "history.jsonl")
    assert verdict.kept, words
    assert verdict.counts["blows"] > 3

"""Connections that delay, stall, break and half-close: every task ends, once, and no bar falls."""

import asyncio
import random
import time

import pytest

from faulty_proxy import FAULTS, FaultyProxy
from log_probe import LogProbe
from milepost import tokens
from person import Person
from sample_load import mixture
from surroundings import StartUp, StartWorker
from up_process import Up
from valkey_server import Valkey


def token(up: Up) -> str:
    """Of somebody who need not sign in first, over connections that break."""
    secret = (up.data / "secret").read_text().strip()
    return tokens.mint("bob", secret, now=time.time(), ttl_seconds=3600)


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_broken_connections_lose_and_double_nothing(
    valkey_url: str, namespace: str, start_worker: StartWorker
):
    seed = random.randrange(1_000_000)
    dice = random.Random(seed)
    print(f"seed {seed}")
    port = int(valkey_url.rpartition(":")[2].partition("/")[0])
    async with (
        FaultyProxy(port, dice, chance=0.02) as proxy,
        LogProbe(valkey_url, namespace) as log,
    ):
        url = valkey_url.replace(f":{port}/", f":{proxy.port}/")
        start_worker(url, lease_seconds=3)
        start_worker(url, lease_seconds=3)
        tasks = await log.create_many(mixture(dice, 600))
        await log.ended(*tasks, seconds=150)
        log.check_invariants()
        assert all(proxy.happened[fault] for fault in FAULTS), proxy.happened


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_between_every_service_and_redis_they_do_so_too(
    own_valkey: Valkey, start_up: StartUp
):
    seed = random.randrange(1_000_000)
    dice = random.Random(seed)
    print(f"seed {seed}")
    async with FaultyProxy(own_valkey.port, dice, chance=0.02) as proxy:
        url = own_valkey.url.replace(f":{own_valkey.port}/", f":{proxy.port}/")
        up = start_up(redis_url=url, durability="memory", lease_seconds="3")
        await asyncio.to_thread(up.until_ready)

        def use() -> None:
            """Submit, worker, projector and API all talk to Redis through the proxy."""
            person = Person(up.url)
            person.http.headers["Authorization"] = f"Bearer {token(up)}"
            tasks = [person.submit("demo.steps", steps=10, seconds=0.2) for _ in range(60)]
            person.follow_to_end(*tasks, seconds=200)
            assert person.statuses() == {"succeeded": len(tasks)}
            for task in tasks:
                kinds = [event["type"] for event in person.events(task)]
                assert kinds.count("task.succeeded") == 1, kinds
                assert kinds.count("task.created") == 1, kinds

        await asyncio.to_thread(use)
        assert all(proxy.happened[fault] for fault in FAULTS), proxy.happened

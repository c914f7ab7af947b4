"""Connections that delay, stall, break and half-close: every task ends, once, and no bar falls."""

import asyncio
import os
import random
import time
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager

import httpx
import pytest

from faulty_proxy import FAULTS, FaultyProxy
from front_proxy import FrontProxy
from log_probe import LogProbe
from milepost import tokens
from notify_processes import Process
from person import Person
from sample_load import mixture
from surroundings import StartWorker
from valkey_server import Valkey, free_port
from waiting import wait_for

SECRET = "a-secret-for-tests-that-has-forty-letters"
PARTS = ("submit", "notify", "projector", "worker")
BATCH = 10


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


class Deployment:
    """Every part a process of its own, with a way of its own to Redis."""

    def __init__(self, redis: dict[str, str], database_url: str, namespace: str) -> None:
        self.ports = {"/api/submit": [free_port()], "/": [free_port()]}
        clean = {name: value for name, value in os.environ.items() if "MILEPOST" not in name}
        own = {
            "DATABASE_URL": database_url, "NAMESPACE": namespace, "SECRET": SECRET,
            "PARTITIONS": "1", "LEASE_SECONDS": "5", "DURABILITY": "memory",
        }  # fmt: skip
        (submit,), (notify,) = self.ports.values()
        self._processes = [
            Process(
                command,
                clean
                | {f"MILEPOST_{name}": value for name, value in own.items()}
                | {"MILEPOST_REDIS_URL": redis[command[0]]},
            )
            for command in (
                ("submit", "--port", str(submit)), ("notify", "--port", str(notify)),
                ("projector",), ("worker",), ("worker",),
            )
        ]  # fmt: skip

    @contextmanager
    def running(self) -> Generator[None]:
        """All of them, within the block."""
        try:
            for each in self._processes:
                each.start()
            yield
        finally:
            for each in self._processes:
                each.kill()


def user(url: str) -> Person:
    """Somebody who need not sign in first, over connections that break."""
    person = Person(url)
    token = tokens.mint("bob", SECRET, now=time.time(), ttl_seconds=3600)
    person.http.headers["Authorization"] = f"Bearer {token}"

    def offered() -> bool:
        try:
            return "demo.steps" in person.http.get("/api/submit/task-types").text
        except httpx.TransportError:
            return False

    wait_for(offered, "the services", 90)
    return person


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_between_every_service_and_redis_they_do_so_too(
    own_valkey: Valkey, database_url: str, namespace: str
):
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(LogProbe(own_valkey.url, namespace))
        proxies, redis = dict[str, FaultyProxy](), dict[str, str]()
        for number, part in enumerate(PARTS):
            proxy = FaultyProxy(own_valkey.port, random.Random(seed + number), chance=0.03)
            proxies[part] = await stack.enter_async_context(proxy)
            redis[part] = own_valkey.url.replace(f":{own_valkey.port}/", f":{proxy.port}/")
        deployment = Deployment(redis, database_url, namespace)
        front = FrontProxy(deployment.ports, random.Random(seed))
        await stack.enter_async_context(front)
        stack.enter_context(deployment.running())

        def each_has_met_all() -> bool:
            return all(proxy.happened[fault] for proxy in proxies.values() for fault in FAULTS)

        def use() -> list[str]:
            person, tasks = user(front.url), list[str]()
            deadline = time.monotonic() + 200
            while not each_has_met_all():
                seen = {part: proxy.happened for part, proxy in proxies.items()}
                assert time.monotonic() < deadline, seen
                batch = [person.submit("demo.steps", steps=10, seconds=0.2) for _ in range(BATCH)]
                person.follow_to_end(*batch, seconds=100)
                tasks += batch
            assert person.statuses() == {"succeeded": len(tasks)}
            return tasks

        tasks = await asyncio.to_thread(use)
        await log.ended(*tasks)
        log.check_invariants()
        assert log.events.keys() - {""} == set(tasks), "what was asked for again is one task"
        for task in tasks:
            kinds = log.types(task)
            assert (kinds.count("created"), kinds[-1]) == (1, "succeeded"), kinds

"""Fixtures of tests that need real workers on a real server; conftest.py offers them."""

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest

from log_probe import LogProbe
from worker_process import WorkerProcess

StartWorker = Callable[..., WorkerProcess]


@pytest.fixture
def start_worker(valkey_url: str, namespace: str) -> Generator[StartWorker]:
    """Start worker processes; they are ended afterwards."""
    started: list[WorkerProcess] = []

    def start(url: str = valkey_url, **settings: Any) -> WorkerProcess:
        started.append(WorkerProcess(url, namespace, **settings))
        return started[-1]

    yield start
    for worker in started:
        worker.close()


@pytest.fixture
async def log(valkey_url: str, namespace: str) -> AsyncGenerator[LogProbe]:
    """The log from the outside; what holds always, is checked at the end."""
    async with LogProbe(valkey_url, namespace) as probe:
        yield probe
        probe.check_invariants()

"""Fixtures of tests that need real workers on a real server; conftest.py offers them."""

from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from log_probe import LogProbe
from up_process import Up
from worker_process import WorkerProcess

StartWorker = Callable[..., WorkerProcess]
StartUp = Callable[..., Up]


@pytest.fixture
def start_up(tmp_path: Path) -> Generator[StartUp]:
    """Start `up` in a folder of the test's own; whatever becomes of it is ended afterwards."""
    started: list[Up] = []

    def start(*arguments: str, **settings: Any) -> Up:
        started.append(Up(tmp_path, *arguments, **settings))
        return started[-1]

    yield start
    for up in started:
        up.close()


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

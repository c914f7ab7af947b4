"""What the tests of clusters share."""

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from surroundings import log, start_worker
from valkey_cluster import ValkeyCluster

__all__ = ["log", "start_worker"]

StartCluster = Callable[..., ValkeyCluster]


@pytest.fixture
def start_cluster(tmp_path: Path) -> Generator[StartCluster]:
    """Start a cluster of the test's own, which it may maltreat; keywords as for ValkeyCluster."""
    started: list[ValkeyCluster] = []

    def start(*, replicas: int = 0) -> ValkeyCluster:
        started.append(ValkeyCluster(tmp_path, appendfsync="always", replicas=replicas))
        started[-1].start()
        return started[-1]

    yield start
    for cluster in started:
        cluster.stop()

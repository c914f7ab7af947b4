"""A real Prometheus with our rules scrapes a real `up`: quiet while all is well, awake otherwise.

The rules wait for nothing here (`for` is 0); how long each waits is tested in test_alert_rules.py.
"""

import os
import signal
from collections.abc import Generator
from typing import NamedTuple

import pytest
import redis

from alerting import metrics_in, rules, write_rules
from milepost.keys import PartitionKeys
from person import Person
from prometheus_server import Prometheus
from up_process import Up
from valkey_server import Valkey, free_port
from waiting import wait_for

SECONDS = 60


class Stage(NamedTuple):
    """What is watched, and who watches."""

    up: Up
    valkey: Valkey
    prometheus: Prometheus

    def until_firing(self, *alerts: str) -> None:
        """Wait until these fire and no others."""
        wait_for(lambda: self.prometheus.firing() == set(alerts), f"{alerts} and no more", SECONDS)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    folder = tmp_path_factory.mktemp("alerts")
    valkey, port = Valkey(folder), free_port()
    valkey.start()
    up = Up(
        folder, redis_url=valkey.url, durability="memory", metrics_port=str(port),
        lease_seconds="2",
    )  # fmt: skip
    try:
        host = up.until_ready().url.removeprefix("http://")
        write_rules(folder / "rules.yaml", at_once=True)
        targets = {
            "submit": (host, "/api/submit/metrics"),
            "notify": (host, "/api/notify/metrics"),
            "worker": (f"127.0.0.1:{port}", "/metrics"),
        }
        prometheus = Prometheus(folder, folder / "rules.yaml", targets)
        try:
            yield Stage(up, valkey, prometheus)
        finally:
            prometheus.end()
    finally:
        up.close()
        valkey.stop()


def test_trouble_wakes_somebody_and_nothing_else_does(stage: Stage) -> None:
    person = Person.signed_up(stage.up.url)
    person.follow_to_end(person.submit("demo.steps", steps=3, seconds=0.1))
    wait_for(lambda: stage.prometheus.value("sum(up)") == 3, "all are scraped", SECONDS)
    ended = "sum(milepost_tasks_ended_total)"
    wait_for(lambda: stage.prometheus.value(ended) == 1, "the task is counted", SECONDS)
    stage.until_firing()

    with redis.Redis(port=stage.valkey.port) as client:
        client.xadd(PartitionKeys("mp", 0).log, {"t": "nonsense"})  # pyright: ignore[reportUnknownMemberType]  # untyped
    stage.until_firing("MilepostDeadLetters")

    workers = [pid for name, pid in stage.up.children().items() if name.startswith("worker")]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        stage.until_firing("MilepostDeadLetters", "MilepostNoWorkers")
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    wait_for(lambda: "MilepostNoWorkers" not in stage.prometheus.firing(), "it is over", SECONDS)


def test_every_metric_that_a_rule_names_is_scraped(stage: Stage) -> None:
    def lacking() -> set[str]:
        told = stage.prometheus.ask("metadata")
        named = {name for each in rules() for name in metrics_in(each["expr"])}
        return {name for name in named if name.removesuffix("_bucket") not in told}

    wait_for(lambda: not lacking(), f"all are exposed but {lacking()}", SECONDS)

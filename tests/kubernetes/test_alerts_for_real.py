"""A real Prometheus with our rules scrapes a real `up`: quiet while all is well, awake otherwise.

The rules wait for nothing here (`for` is 0); how long each waits is tested in test_alert_rules.py.
"""

import os
import signal
from collections.abc import Generator
from typing import Any, NamedTuple

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
KEYS = PartitionKeys("mp", 0)


class Stage(NamedTuple):
    """What is watched, and who watches."""

    up: Up
    valkey: Valkey
    prometheus: Prometheus

    def until_firing(self, *alerts: str) -> None:
        """Wait until these fire and no others."""
        wait_for(lambda: self.prometheus.firing() == set(alerts), f"{alerts} and no more", SECONDS)

    def until_among_them(self, *alerts: str) -> None:
        """Wait until these fire, whatever else does: one trouble may be several."""
        wait_for(
            lambda: self.prometheus.firing() >= set(alerts),
            lambda: f"{set(alerts) - self.prometheus.firing()} fire",
            SECONDS,
        )

    def until_over(self, *alerts: str) -> None:
        """Wait until none of these fires any more."""
        wait_for(lambda: not self.prometheus.firing() & set(alerts), f"{alerts} are over", SECONDS)

    def redis(self) -> redis.Redis:
        """A connection to its log."""
        return redis.Redis.from_url(self.valkey.url)  # pyright: ignore[reportUnknownMemberType]  # untyped


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


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_trouble_wakes_somebody_and_nothing_else_does(stage: Stage) -> None:
    """One after the other, since nothing else may fire at first and some go on firing."""
    person = Person.signed_up(stage.up.url)
    person.follow_to_end(person.submit("demo.steps", steps=3, seconds=0.1))
    wait_for(lambda: stage.prometheus.value("sum(up)") == 3, "all are scraped", SECONDS)
    ended = "sum(milepost_tasks_ended_total)"
    wait_for(lambda: stage.prometheus.value(ended) == 1, "the task is counted", SECONDS)
    stage.until_firing()

    with stage.redis() as client:
        client.xadd(KEYS.log, {"t": "nonsense"})  # pyright: ignore[reportUnknownMemberType]  # untyped
    stage.until_firing("MilepostDeadLetters")
    _stop("worker", stage, "MilepostNoWorkers")
    _write_what_only_a_newer_release_knows(stage)
    _count_one_too_many(stage)
    _let_tasks_fail(stage, person)
    _freeze_the_log(stage, person)
    _stop("web", stage, "MilepostUnseen", "MilepostSubmitUnseen")


def _stop(name: str, stage: Stage, *alerts: str) -> None:
    stopped = [pid for child, pid in stage.up.children().items() if child.startswith(name)]
    assert stopped
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        stage.until_among_them(*alerts)
        if name == "worker":
            stage.until_firing("MilepostDeadLetters", *alerts)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    stage.until_over(*alerts)


def _write_what_only_a_newer_release_knows(stage: Stage) -> None:
    event: dict[Any, Any] = {"t": "created/99", "k": "x", "o": "nobody", "a": 0, "d": "{}"}
    with stage.redis() as client:
        client.xadd(KEYS.log, event)
    stage.until_firing("MilepostDeadLetters", "MilepostParked")


def _count_one_too_many(stage: Stage) -> None:
    with stage.redis() as client:
        client.hincrby(KEYS.counts, "accepted", 1)
        stage.until_firing("MilepostDeadLetters", "MilepostParked", "MilepostConservation")
        client.hincrby(KEYS.counts, "accepted", -1)
    stage.until_over("MilepostConservation")


def _let_tasks_fail(stage: Stage, person: Person) -> None:
    for _ in range(25):
        person.submit("demo.steps", steps=1, seconds=0, fail_at=1)
    stage.until_among_them("MilepostTasksFail")


def _freeze_the_log(stage: Stage, person: Person) -> None:
    """Parts of Milepost say that they miss it, and people see refusals, and slow ones."""
    body = {"type": "demo.steps", "params": {"steps": 1, "seconds": 0}}
    away = ("MilepostStoreAway", "MilepostLogAway", "MilepostPartitionStopped")

    def people_see_it() -> bool:
        assert person.http.post("/api/submit/tasks", json=body).status_code == 503
        return stage.prometheus.firing() >= {"MilepostErrors", "MilepostSubmitSlow"}

    stage.valkey.freeze()
    try:
        stage.until_among_them(*away)
        wait_for(people_see_it, "people see it", SECONDS)
    finally:
        stage.valkey.thaw()
    stage.until_over(*away)


def test_every_metric_that_a_rule_names_is_scraped(stage: Stage) -> None:
    def lacking() -> set[str]:
        told = stage.prometheus.ask("metadata")
        named = {name for each in rules() for name in metrics_in(each["expr"])}
        return {name for name in named if name.removesuffix("_bucket") not in told}

    wait_for(lambda: not lacking(), lambda: f"all are exposed but {lacking()}", SECONDS)

"""Every metric is documented, is there, and moves by what it is about: on a real `up`, scraped."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from documented_metrics import metrics
from milepost.keys import PartitionKeys
from milepost.task_state import ENDED
from person import Person
from up_process import Up
from valkey_server import Valkey, free_port
from waiting import wait_for

FOREIGN = ("process_", "python_")
"""What prometheus_client says of every process in Python."""
TASKS = """
import time
from milepost import Fail, Retry, task

@task("seen.job", title="Job", public=True, max_attempts=2, queue="default")
def job(end: str = "well", seconds: float = 0.0) -> None:
    time.sleep(seconds)
    if end == "badly":
        raise Fail("so it ends")
    if end == "again":
        raise Retry(after_seconds=0.01)

@task("seen.later", title="Later", public=True, queue="later")
def later() -> None:
    pass
"""


class Scrape:
    """All figures of one moment."""

    def __init__(self, *texts: str) -> None:
        self.families = [
            family
            for text in texts
            for family in text_string_to_metric_families(text)
            if not family.name.startswith(FOREIGN)
        ]

    def __call__(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name that have these labels."""
        return sum(self.samples(name, **labels))

    def samples(self, name: str, **labels: str) -> list[float]:
        """The samples of this name that have these labels."""
        return [
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]


class Stage:
    """An `up` with two workers of one thread each, and what it takes to disturb it."""

    def __init__(self, folder: Path) -> None:
        (folder / "seen_tasks.py").write_text(TASKS)
        self.valkey = Valkey(folder)
        self.valkey.start()
        self.port = free_port()
        self.up = Up(
            folder, "--port", "0", "--tasks", "seen_tasks", "--workers", "2", "--threads", "1",
            redis_url=self.valkey.url, durability="memory", metrics_port=str(self.port),
            queues="default", lease_seconds="1",
        ).until_ready()  # fmt: skip
        self.keys = PartitionKeys("mp", 0)

    def text_of(self, url: str) -> str:
        """What an address answers; a worker that is stopped takes connections and says nothing."""
        for _ in range(20):
            try:
                with urllib.request.urlopen(f"{url}/metrics", timeout=3) as answer:
                    return answer.read().decode()
            except (TimeoutError, urllib.error.URLError, ConnectionError):
                continue
        raise AssertionError(f"{url} does not answer")

    def scrape(self) -> Scrape:
        """Ask everybody."""
        return Scrape(
            self.text_of(f"{self.up.url}/api/notify"),
            self.text_of(f"{self.up.url}/api/submit"),
            self.text_of(f"http://127.0.0.1:{self.port}"),
        )

    def until(self, what: str, name: str, wanted: float, **labels: str) -> None:
        """Wait until a figure is what it is to be."""
        wait_for(lambda: self.scrape()(name, **labels) == wanted, f"{what}: {name}", 40)

    def redis(self) -> redis.Redis:
        """A connection to its log."""
        return redis.Redis.from_url(self.valkey.url)  # pyright: ignore[reportUnknownMemberType]  # untyped

    def counted(self) -> Counter[str]:
        """What the log has counted, as of now: a scrape may be two seconds old."""
        with self.redis() as client:
            found: Any = client.hgetall(self.keys.counts)  # pyright: ignore[reportUnknownMemberType]  # untyped
        return Counter({place.decode(): int(count) for place, count in found.items()})

    def close(self) -> None:
        self.up.close()
        self.valkey.stop()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    found = Stage(tmp_path_factory.mktemp("metrics"))
    yield found
    found.close()


@pytest.fixture
def person(stage: Stage) -> Person:
    return Person.signed_up(stage.up.url)


def test_what_is_exposed_is_what_is_documented(stage: Stage, person: Person):
    person.follow_to_end(person.submit("seen.job"), person.submit("seen.job", end="again"))
    exposed: dict[str, tuple[str, set[str]]] = {}
    for family in stage.scrape().families:
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        known = exposed.get(name, (family.type, set[str]()))
        exposed[name] = (family.type, known[1] | labels)
    table = metrics()
    assert {name: kind for name, (kind, _) in exposed.items()} == {
        name: each.kind for name, each in table.items()
    }
    for name, (_, labels) in exposed.items():
        assert labels in (set[str](), table[name].labels), name


def test_accepted_is_what_has_ended_and_what_lives_at_every_moment(stage: Stage, person: Person):
    stage.until("all is quiet", "milepost_tasks_live", 0)
    before = stage.counted()
    ends = {"well": "succeeded", "badly": "failed", "again": "failed"}
    ids = [person.submit("seen.job", end=end) for end in ends for _ in range(8)]
    later = [person.submit("seen.later") for _ in range(3)]
    for task in later:
        person.http.post(f"/api/submit/tasks/{task}/cancel")
    total = len(ids) + len(later)
    deadline = time.monotonic() + 40
    while True:
        now = stage.scrape()
        ended, live = now("milepost_tasks_ended_total"), now("milepost_tasks_live")
        assert now("milepost_tasks_accepted_total") == ended + live
        if ended - sum(before[outcome] for outcome in ENDED) == total:
            break
        assert time.monotonic() < deadline, (ended, live)
    for outcome, count in (("succeeded", 8), ("failed", 16), ("cancelled", 3)):
        assert now("milepost_tasks_ended_total", outcome=outcome) - before[outcome] == count


COUNTED = {
    "milepost_events_projected_total": {"event": "task.retrying"},
    "milepost_task_wait_seconds_count": {"queue": "default", "type": "seen.job"},
    "milepost_task_run_seconds_count": {"type": "seen.job", "outcome": "retrying"},
    "milepost_task_run_seconds_sum": {"type": "seen.job", "outcome": "failed"},
    "milepost_visible_seconds_count": {},
    "milepost_visible_seconds_sum": {},
    "milepost_projection_seconds_count": {},
    "milepost_attempts_ended_total": {"type": "seen.job", "outcome": "retrying"},
    "milepost_log_call_seconds_count": {"step": "take"},
    "dramatiq_messages_total": {"actor_name": "seen.job"},
    "dramatiq_message_errors_total": {"actor_name": "seen.job"},
    "dramatiq_message_retries_total": {"actor_name": "seen.job"},
    "dramatiq_message_rejects_total": {"actor_name": "seen.job"},
    "dramatiq_message_duration_milliseconds_count": {"actor_name": "seen.job"},
    "milepost_http_requests_total": {"service": "submit", "route": "/api/submit/tasks"},
    "milepost_http_request_seconds_count": {"service": "submit", "route": "/api/submit/tasks"},
}


def test_what_counts_and_times_moves_by_a_task_that_is_tried_twice(stage: Stage, person: Person):
    before = stage.scrape()
    person.follow_to_end(person.submit("seen.job", end="again", seconds=0.05))
    wait_for(
        lambda: (
            not [
                name
                for name, labels in COUNTED.items()
                if stage.scrape()(name, **labels) <= before(name, **labels)
            ]
        ),
        "everything counted",
    )
    after = stage.scrape()
    waits = after("milepost_task_wait_seconds_count") - before("milepost_task_wait_seconds_count")
    assert waits == 1, "only a first attempt has waited"
    ran = after("milepost_task_run_seconds_sum") - before("milepost_task_run_seconds_sum")
    assert 0.1 <= ran < 10


def test_what_waits_is_the_backlog_wherever_it_waits(stage: Stage, person: Person):
    ids = [person.submit("seen.later") for _ in range(70)]  # more than an owner's share
    stage.until("all wait", "milepost_queue_backlog", 70, queue="later")
    wait_for(lambda: stage.scrape()("milepost_queue_oldest_seconds", queue="later") > 0, "ages")
    assert stage.scrape()("milepost_tasks_live", status="queued") >= 70
    for task in ids:
        person.http.post(f"/api/submit/tasks/{task}/cancel")
    stage.until("none waits", "milepost_queue_backlog", 0, queue="later")
    stage.until("none waits", "milepost_queue_oldest_seconds", 0, queue="later")


def test_who_works_and_who_waits_is_seen(stage: Stage, person: Person):
    stage.until("both work", "milepost_workers", 2)
    person.poll()
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(person.poll, wait=20)
        stage.until("one waits", "milepost_waiting_clients", 1)
        task = person.submit("seen.job", seconds=8)  # what lives is told two seconds late
        stage.until("it runs", "milepost_tasks_live", 1, status="running")
        stage.until("it is held", "milepost_tasks_held", 1)
        stage.until("dramatiq runs it", "dramatiq_messages_inprogress", 1)
        asked.result()
    person.follow_to_end(task)
    stage.until("none runs", "milepost_tasks_held", 0)


def test_what_cannot_be_read_is_seen(stage: Stage):
    with stage.redis() as client:
        before = stage.scrape()
        client.xadd(stage.keys.log, {"t": "nonsense"})
        fields: dict[Any, Any] = {"t": "created/99", "k": "x", "o": "nobody", "a": 0, "d": "{}"}
        client.xadd(stage.keys.log, fields)
    for name in ("milepost_dead_letters", "milepost_parked_events"):
        stage.until("it is put by", name, before(name, partition="0") + 1, partition="0")
    after = stage.scrape()
    assert after("milepost_log_events", partition="0") > before("milepost_log_events")
    assert after("milepost_projector_lag_seconds", partition="0") == 0


def test_a_worker_that_is_taken_for_dead_is_counted_on_both_sides(stage: Stage, person: Person):
    before = stage.scrape()
    ids = [person.submit("seen.job", seconds=8) for _ in range(2)]

    def runs_by(task: str) -> str:
        told = [each for each in person.events(task) if each["type"] != "task.progressed"]
        return told[-1]["data"]["worker"] if told and told[-1]["type"] == "task.started" else ""

    # One that has learnt how short tasks are may take both, and gives one back at once.
    wait_for(lambda: len({runs_by(task) for task in ids} - {""}) == 2, "each runs one")
    workers = [pid for name, pid in stage.up.children().items() if name.startswith("worker")]
    stopped = workers[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        for name in ("milepost_lease_takeovers_total", "milepost_tasks_taken_over_total"):
            stage.until("taken over", name, before(name) + 1)
    finally:
        os.kill(stopped, signal.SIGCONT)
    stage.until("fenced", "milepost_fenced_total", before("milepost_fenced_total") + 1)
    person.follow_to_end(*ids)


def test_an_outage_of_redis_is_seen_and_invents_no_figures(stage: Stage):
    stage.until("it is there", "milepost_store_up", 1, store="redis")
    stage.valkey.freeze()
    try:
        stage.until("workers say so", "milepost_log_away", 2)
        stage.until("notify says so", "milepost_store_up", 0, store="redis")
        now = stage.scrape()
        assert not now.samples("milepost_tasks_live", status="running")
        assert now("milepost_store_up", store="database") == 1
        stage.until("the projector says so", "milepost_partition_up", 0, partition="0")
    finally:
        stage.valkey.thaw()
    stage.until("it is back", "milepost_store_up", 1, store="redis")
    stage.until("workers are back", "milepost_log_away", 0)
    stage.until("the projector is back", "milepost_partition_up", 1, partition="0")


def test_a_worker_tells_probes_what_is_missing(stage: Stage):
    def asked(path: str) -> tuple[int, dict[str, Any]]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{stage.port}{path}", timeout=3) as got:
                return got.status, json.loads(got.read())
        except urllib.error.HTTPError as err:
            return err.code, json.loads(err.read())
        except OSError:
            return 0, {}

    assert asked("/livez") == (200, {"status": "ok"})
    wait_for(lambda: asked("/readyz")[0] == 200, "it is ready", 40)
    assert set(asked("/readyz")[1]["checks"]) == {"session", "redis", "task_types", "takes_work"}
    assert asked("/other")[0] == 404
    stage.valkey.freeze()
    try:
        # The kernel picks who answers.
        wait_for(lambda: all(asked("/readyz")[0] == 503 for _ in range(8)), "both miss it", 40)
        missing = {name for name, found in asked("/readyz")[1]["checks"].items() if found != "ok"}
        assert missing == {"redis"}
        assert asked("/livez")[0] == 200, "an outage is nothing that a restart helps"
    finally:
        stage.valkey.thaw()
    wait_for(lambda: asked("/readyz")[0] == 200, "ready again", 40)


@pytest.mark.parametrize("service", ["submit", "notify"])
def test_a_service_that_does_all_of_its_work_is_live(stage: Stage, service: str):
    wait_for(stage.up.answers, "both are ready", 40)  # another test may have frozen Redis
    with urllib.request.urlopen(f"{stage.up.url}/api/{service}/livez", timeout=5) as answer:
        assert json.loads(answer.read()) == {"status": "ok"}

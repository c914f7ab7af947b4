"""The metrics of real workers, as Prometheus would read them."""

import fcntl
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from log_probe import LogProbe
from surroundings import StartWorker
from valkey_server import Valkey
from waiting import wait_for


class Scraper:
    """Asks one port."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __call__(self, name: str, **labels: str) -> float:
        """The sum of all samples of this name with these labels."""
        url = f"http://127.0.0.1:{self.port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            text = answer.read().decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def answers(self) -> bool:
        try:
            self("milepost_log_away")
        except OSError:
            return False
        return True

    def until(self, condition: Callable[[], bool], what: str) -> None:
        wait_for(self.answers, "metrics")
        wait_for(condition, what)


@pytest.fixture
def scrape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scraper:
    """Give a free port; the files lie in a folder of the test's own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Scraper(probe.getsockname()[1])


async def test_counts_are_what_happened_whichever_worker_is_asked(
    log: LogProbe, start_worker: StartWorker, scrape: Scraper
):
    for _ in range(2):
        start_worker(metrics_port=scrape.port)
    tasks = await log.create_many([("sample.count", {"upto": 3})] * 40)
    flaky = await log.create("sample.flaky", fail_times=2)
    always = await log.create("sample.always")
    fail = await log.create("sample.fail", reason="no")
    await log.ended(*tasks, flaky, always, fail)

    def ended(task_type: str, outcome: str) -> float:
        return scrape("milepost_attempts_ended_total", type=task_type, outcome=outcome)

    scrape.until(lambda: scrape("milepost_attempts_ended_total") == 46, "all counted")
    for _ in range(5):  # the kernel picks who answers
        assert ended("sample.count", "succeeded") == 40
        assert (ended("sample.flaky", "retrying"), ended("sample.flaky", "succeeded")) == (2, 1)
        assert (ended("sample.always", "retrying"), ended("sample.always", "failed")) == (1, 1)
        assert ended("sample.fail", "failed") == 1
        assert scrape("dramatiq_messages_total") == 46
        assert scrape("dramatiq_message_errors_total") == 5
        assert scrape("dramatiq_message_retries_total") == 3
        assert scrape("dramatiq_message_rejects_total") == 2
        assert scrape("dramatiq_message_duration_milliseconds_count") == 46
    assert scrape("milepost_log_call_seconds_count", step="take") > 0
    scrape.until(lambda: scrape("milepost_tasks_held") == 0, "nothing held")
    assert scrape("dramatiq_messages_inprogress") == 0


async def test_what_killed_workers_held_is_not_shown_any_more(
    log: LogProbe, start_worker: StartWorker, scrape: Scraper, tmp_path: Path
):
    first, second = (start_worker(metrics_port=scrape.port) for _ in range(2))
    tasks = await log.create_many([("sample.noop", {})] * 30)
    await log.ended(*tasks)
    await log.create("sample.sleep", seconds=30)
    scrape.until(lambda: scrape("milepost_tasks_held") == 1, "one is held")
    scrape.until(lambda: scrape("dramatiq_messages_inprogress") == 1, "and runs")

    start_worker(metrics_port=scrape.port, lease_seconds=3600)
    wait_for(lambda: "2" in slots(tmp_path), "the third")
    for worker in (first, second):
        worker.send(signal.SIGKILL)
        worker.wait()
    wait_for(scrape.answers, "metrics again")
    assert scrape("milepost_attempts_ended_total") == 30
    assert scrape("milepost_tasks_held") == 0
    assert scrape("dramatiq_messages_inprogress") == 0


async def test_a_worker_that_is_started_again_counts_on(
    log: LogProbe, start_worker: StartWorker, scrape: Scraper, tmp_path: Path
):
    start_worker(metrics_port=scrape.port)
    other = start_worker(metrics_port=scrape.port)
    wait_for(lambda: is_up(tmp_path), "both")
    total = 0
    for _ in range(4):
        await log.ended(*await log.create_many([("sample.noop", {})] * 20))
        total += 20
        expected = float(total)
        scrape.until(
            lambda: scrape("milepost_attempts_ended_total") == expected,  # noqa: B023  # at once
            "all counted",
        )
        assert slots(tmp_path) == {"0", "1"}, "files pile up"
        other.send(signal.SIGKILL)
        other.wait()
        wait_for(scrape.answers, "metrics again")
        assert scrape("milepost_attempts_ended_total") == total, "a counter fell"
        other = start_worker(metrics_port=scrape.port)
        wait_for(lambda: is_up(tmp_path), "the next one")


def test_who_asks_takes_no_slot_from_who_starts(
    start_worker: StartWorker, scrape: Scraper, tmp_path: Path
):
    start_worker(metrics_port=scrape.port)
    wait_for(scrape.answers, "metrics")
    (folder,) = tmp_path.glob("milepost-metrics-*")
    with ThreadPoolExecutor() as pool, (folder / "starting").open("wb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # as one does that looks for a free slot
        asked = pool.submit(scrape, "milepost_log_away")
        with pytest.raises(TimeoutError):
            asked.result(0.5)
        fcntl.flock(turn, fcntl.LOCK_UN)
        assert asked.result(10) == 0


def slots(folder: Path) -> set[str]:
    """The slots that have been taken so far."""
    return {path.stem for path in folder.glob("milepost-metrics-*/*.slot")}


def is_up(folder: Path) -> bool:
    """Whether both slots are taken, and their gauges written."""
    return len(list(folder.glob("milepost-metrics-*/gauge_livesum_*.db"))) == 2


async def test_a_log_that_is_away_is_told(
    start_worker: StartWorker, scrape: Scraper, own_valkey: Valkey
):
    start_worker(own_valkey.url, metrics_port=scrape.port)
    scrape.until(lambda: scrape("milepost_log_away") == 0, "the log is there")
    own_valkey.stop()
    wait_for(lambda: scrape("milepost_log_away") == 1, "the log is away")


def test_what_keeps_metrics_is_not_imported_with_the_worker():
    code = "import milepost_worker.main, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "prometheus_client" not in done.stdout.split()


async def test_without_a_port_no_file_is_made(
    log: LogProbe, start_worker: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    start_worker()
    await log.ended(await log.create("sample.noop"))
    assert slots(tmp_path) == set()


def test_a_port_of_another_program_stops_the_start_with_one_line(
    start_worker: StartWorker, scrape: Scraper, capfd: pytest.CaptureFixture[str]
):
    with socket.socket() as other:
        other.bind(("127.0.0.1", scrape.port))
        other.listen()
        assert start_worker(metrics_port=scrape.port).wait() == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert f"MILEPOST_METRICS_PORT: cannot listen on 127.0.0.1:{scrape.port}" in said

"""Every benchmark runs in its short form, prints its table, and leaves no process behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from milepost_cli.checkout import ROOT
from waiting import wait_for

pytestmark = pytest.mark.slow

NAMES = sorted(path.stem for path in (ROOT / "benches").glob("[!_]*.py"))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "milepost_cli", "bench", *arguments]


def left_of(marker: str) -> list[str]:
    """Environments of living processes that carry the marker: children inherit it."""
    found = list[str]()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker.encode() in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:
            continue  # it has ended, or is not ours
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_short_benchmark_prints_its_table(name: str) -> None:
    done = subprocess.run(
        command(name, "--short"), capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode == 0, done.stderr
    assert "| what | median | min .. max | ratio | target | met |" in done.stdout
    assert done.stdout.count("\n| ") >= 2


def test_a_benchmark_that_hangs_is_shown_and_ended_with_all_it_started(tmp_path: Path) -> None:
    marker = f"BENCH_TEST={tmp_path.name}-{os.getpid()}"
    environment = dict(os.environ) | dict([marker.split("=")])
    done = subprocess.run(
        command("projection", "--limit", "6"),
        capture_output=True, text=True, check=False, timeout=60, env=environment,
    )  # fmt: skip
    assert done.returncode == 1
    assert "projection takes longer than 6 s" in done.stderr
    assert "most recent call first" in done.stderr
    assert "benches/projection.py" in done.stderr
    wait_for(lambda: not left_of(marker), "the end of all it started")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_benchmark_that_is_interrupted_ends_all_it_started(
    tmp_path: Path, number: signal.Signals
) -> None:
    marker = f"BENCH_TEST={tmp_path.name}-{os.getpid()}"
    environment = dict(os.environ) | dict([marker.split("=")])
    process = subprocess.Popen(
        command("projection"), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: len(left_of(marker)) > 2, "its server")
        process.send_signal(number)
        assert process.wait(30) == (-number if number == signal.SIGKILL else 128 + number)
    finally:
        process.kill()
        process.wait()
    wait_for(lambda: not left_of(marker), "the end of all it started")

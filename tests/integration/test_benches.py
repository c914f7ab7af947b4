"""Every benchmark runs in its short form, prints its table, and leaves no process behind.

The short form guards the published ratios: one that has fallen by more than a third fails here.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benches.stage.guard import RUNS
from copied_tree import copied
from milepost_cli.checkout import ROOT
from planted_fault import Edit
from waiting import wait_for

pytestmark = pytest.mark.slow

NAMES = sorted(path.stem for path in (ROOT / "benches").glob("[!_]*.py"))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "milepost_cli", "bench", *arguments]


def marked(folder: Path) -> tuple[str, dict[str, str]]:
    """A marker, and an environment that has it; what is killed leaves its files in the folder."""
    name, value = "BENCH_TEST", f"{folder.name}-{os.getpid()}"
    return f"{name}={value}", dict(os.environ) | {name: value, "TMPDIR": str(folder)}


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


@pytest.mark.timeout(400)  # a ratio that seems to have fallen is measured up to three times
@pytest.mark.parametrize("name", NAMES)
def test_a_short_benchmark_prints_its_table_and_no_ratio_has_fallen(name: str) -> None:
    done = subprocess.run(
        command(name, "--short"), capture_output=True, text=True, check=False, timeout=390
    )
    assert done.returncode == 0, done.stderr
    assert "| what | median | min .. max | ratio | target | met |" in done.stdout
    assert done.stdout.count("\n| ") >= 2


@pytest.mark.timeout(400)
def test_a_path_that_takes_more_than_twice_as_long_fails_the_short_form(tmp_path: Path) -> None:
    slower = Edit(
        "libs/common/src/milepost/progress.py",
        "        if self._cancelled:\n            raise Cancelled\n        spot = self._spot\n",
        "        for _ in range(60):\n            spot = self._spot\n",
    )
    paths = copied(tmp_path)
    (tmp_path / slower.file).write_text(slower.applied())
    done = subprocess.run(
        [sys.executable, "-m", "benches", "progress", "--short"],
        cwd=ROOT, env=dict(os.environ) | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True, text=True, check=False, timeout=390,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("the same beside an iteration of tqdm: ") == RUNS
    assert "worse by more than a third" in done.stderr
    assert done.stderr.count("measured again, to be sure") == RUNS - 1


def test_a_benchmark_that_hangs_is_shown_and_ended_with_all_it_started(tmp_path: Path) -> None:
    marker, environment = marked(tmp_path)
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
    marker, environment = marked(tmp_path)
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

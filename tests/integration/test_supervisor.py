"""The supervisor over small scripts: what it heals, what it says, and in which order it stops."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from up_process import ROOT, descendants_of, lives
from waiting import wait_for

STAY = "while :; do sleep 1; done"


class Supervised:
    """One `supervised.py`."""

    def __init__(self, folder: Path, programs: list[tuple[str, int, float, str]], *paths: str):
        self._out, self._err = folder / "out", folder / "err"
        script = str(ROOT / "tests" / "supervised.py")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, script, str(folder), json.dumps(programs), *paths],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        self.pid = self.process.pid

    @property
    def lines(self) -> list[str]:
        """What it said on standard error."""
        return self._err.read_text().splitlines()

    def until_said(self, line: str) -> None:
        """Wait for a line that has this in it."""
        wait_for(lambda: any(line in said for said in self.lines), line)

    def until_ready(self) -> None:
        """Wait for its greeting."""
        wait_for(lambda: self._out.read_text() == "ready\n", "ready")

    def close(self) -> None:
        """End it, if it lives, and all below it."""
        below = descendants_of(self.pid)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        wait_for(lambda: not any(map(lives, below)), "the end of its children")


Supervise = Callable[..., Supervised]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    """Supervise programs [name, stage, stop_seconds, script]."""
    started: list[Supervised] = []

    def run(*programs: Any) -> Supervised:
        started.append(Supervised(tmp_path, list(programs)))
        return started[-1]

    yield run
    for one in started:
        one.close()


def test_what_ends_is_started_again_and_its_last_words_are_said(
    supervise: Supervise, tmp_path: Path
) -> None:
    one = supervise(("a", 0, 5.0, "echo ValueError: no >&2; exit 1"))
    log = tmp_path / "a.log"
    one.until_said(f"milepost: a died (exit 1: ValueError: no), restarted (its log: {log})")


def test_what_it_said_in_an_earlier_life_explains_no_later_death(
    supervise: Supervise, tmp_path: Path
) -> None:
    once = "[ -e once ] && exit 3; touch once; echo first words; exit 1"
    one = supervise(("a", 0, 5.0, once))
    one.until_said("a died (exit 1: first words), restarted")
    one.until_said("a died (exit 3), restarted")


def test_waiting_grows_with_every_death(supervise: Supervise, tmp_path: Path) -> None:
    one = supervise(("a", 0, 5.0, "date +%s.%N >>starts; exit 1"))
    wait_for(lambda: len(times(tmp_path)) >= 5, "five starts")
    waited = [after - before for before, after in pairwise(times(tmp_path)[:5])]
    # Each as said is tested in test_backoff.py; a busy machine makes two neighbours alike.
    assert 0.1 <= waited[0] < min(waited[2:])
    assert waited[1] < waited[3]
    assert one.process.poll() is None


def times(folder: Path) -> list[float]:
    file = folder / "starts"
    return [float(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_what_cannot_start_as_configured_stops_everything_with_its_line(tmp_path: Path) -> None:
    bad = "echo noise; echo 'milepost: MILEPOST_X: no good' >&2; exit 2"
    programs = [("bad", 0, 5.0, bad), ("good", 1, 5.0, STAY)]
    one = Supervised(tmp_path, programs, "/never/ready")
    try:
        assert one.process.wait(20) == 2
        assert one.lines == ["milepost: MILEPOST_X: no good"]
        assert descendants_of(one.pid) == []
    finally:
        one.close()


def test_once_all_was_ready_a_bad_configuration_of_one_stops_nobody(
    supervise: Supervise, tmp_path: Path
) -> None:
    one = supervise(("a", 0, 5.0, f"[ -e once ] && {{ echo bad; exit 2; }}; touch once; {STAY}"))
    one.until_ready()
    wait_for((tmp_path / "once").exists, "the program")
    (program, *_) = descendants_of(one.pid)
    subprocess.run(["kill", "-9", str(program)], check=True)
    one.until_said("a died (exit 2: bad), restarted")
    assert one.process.poll() is None


def test_stopping_goes_stage_by_stage(supervise: Supervise, tmp_path: Path) -> None:
    def script(name: str) -> str:
        return f"trap 'echo {name} >>order; exit' TERM; echo up >>started; {STAY}"

    one = supervise(
        ("c", 2, 5.0, script("c")), ("a", 0, 5.0, script("a")), ("b", 1, 5.0, script("b"))
    )
    started = tmp_path / "started"
    wait_for(lambda: started.exists() and len(started.read_text()) == 9, "the programs")
    one.process.terminate()
    assert one.process.wait(10) == 0
    assert (tmp_path / "order").read_text().split() == ["a", "b", "c"]


def test_what_does_not_stop_in_its_time_is_killed_with_all_it_started(supervise: Supervise) -> None:
    one = supervise(("stubborn", 0, 0.2, f"trap '' TERM; sleep 60 & echo up; {STAY}"))
    wait_for(lambda: len(descendants_of(one.pid)) >= 3, "the programs")
    below = descendants_of(one.pid)
    one.process.terminate()
    assert one.process.wait(10) == 0
    assert "milepost: stubborn did not stop in time and is killed" in one.lines
    wait_for(lambda: not any(map(lives, below)), "the end of all")


def test_a_second_request_hurries(supervise: Supervise) -> None:
    one = supervise(("stubborn", 0, 60.0, f"trap '' TERM; {STAY}"), ("other", 1, 60.0, STAY))
    wait_for(lambda: len(descendants_of(one.pid)) >= 4, "the programs")
    one.process.send_signal(signal.SIGINT)
    one.until_said("stopping")
    one.process.send_signal(signal.SIGINT)
    assert one.process.wait(5) == 1


def test_what_a_dead_process_had_started_ends_too(supervise: Supervise) -> None:
    one = supervise(("a", 0, 5.0, f"sleep 60 & {STAY}"))
    wait_for(lambda: len(descendants_of(one.pid)) >= 3, "the programs")
    program, *below = descendants_of(one.pid)
    subprocess.run(["kill", "-9", str(program)], check=True)
    wait_for(lambda: not any(map(lives, below)), "the end of what it started")
    one.until_said("a died (SIGKILL), restarted")


def test_a_process_that_closes_its_output_costs_nothing(
    supervise: Supervise, tmp_path: Path
) -> None:
    one = supervise(("a", 0, 5.0, f"exec >&- 2>&-; touch closed; sleep 0.5; touch later; {STAY}"))
    wait_for((tmp_path / "closed").exists, "its output to end")
    ticks = cpu_ticks(one.pid)
    wait_for((tmp_path / "later").exists, "half a second")
    assert cpu_ticks(one.pid) - ticks < 10
    one.process.terminate()
    assert one.process.wait(10) == 0


def cpu_ticks(pid: int) -> int:
    """Processor time used so far, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_warnings_of_children_are_passed_on_and_their_chatter_is_not(supervise: Supervise) -> None:
    one = supervise(
        (
            "a",
            0,
            5.0,
            f"echo '12:00:00.000 INFO    x fine'; echo '12:00:00.000 WARNING x hm'; {STAY}",
        )
    )
    one.until_said("a: 12:00:00.000 WARNING x hm")
    assert not [line for line in one.lines if "fine" in line]

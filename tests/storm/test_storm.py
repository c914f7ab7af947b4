"""A storm over a whole stack breaks no promise, and notices each guarantee that is taken out.

The storms that notice are also let loose on the build as it is: else one that ends before its tasks
do finds them lost in any build, and notices nothing.
They run side by side, as they mostly wait: `-k fenced` runs one of them alone.
"""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from planted_fault import FAULTS, PlantedFault

SECONDS = 180
"""Longer by hand: `./milepost storm --seconds 1200`."""
SETTLE_SECONDS = 90
PLANTED_AT_ONCE = 2
TRIES = 6
"""Each with another seed: what needs a rare moment may not come in a few seconds."""
WAIT_SECONDS = 5 * SECONDS
"""For one verdict, which may be the last of all."""
WHOLE = "test_a_storm_over_a_whole_stack_breaks_no_promise"
STORMS = {" ".join(fault.storm): fault.storm for fault in FAULTS}

Verdict = dict[str, Any]


def storm(*arguments: str, environment: Mapping[str, str]) -> Verdict:
    """Run a storm to its verdict."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "milepost_cli", "storm", "--json", *arguments],
        env=environment, capture_output=True, text=True, check=False, timeout=3 * SECONDS,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr[-2000:]
    return json.loads(done.stdout)


def unharmed(folder: Path, *arguments: str) -> Verdict:
    """The verdict over the build as it is."""
    clean = {name: value for name, value in os.environ.items() if "MILEPOST_" not in name}
    return storm(*arguments, environment=clean | {"TMPDIR": str(folder)})


def planted(fault: PlantedFault, folder: Path) -> Verdict:
    """The verdict over a build with the fault: the first that notices it, or the last."""
    environment = fault.plant(folder)
    verdict: Verdict = {}
    for seed in range(TRIES):
        verdict = storm(*people(seed), *fault.storm, environment=environment)
        if rules_of(verdict) & fault.broken:
            break
    return verdict


def people(seed: int) -> tuple[str, ...]:
    """The same few as in every storm of seconds."""
    return "--seed", str(seed), "--owners", "4"


def rules_of(verdict: Verdict) -> set[str]:
    return {found["rule"] for found in verdict["findings"]}


@pytest.fixture(scope="module")
def verdicts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[dict[str, Future[Verdict]]]:
    """The verdicts of the storms that are asked for, of planted faults by their names."""
    asked = {item.name for item in request.session.items}
    with ThreadPoolExecutor(1) as alone, ThreadPoolExecutor(PLANTED_AT_ONCE) as pool:
        found = {
            fault.name: pool.submit(planted, fault, tmp_path_factory.mktemp(fault.name))
            for fault in FAULTS
            if any(name.endswith(f"[{fault.name}]") for name in asked)
        }
        found |= {
            name: pool.submit(unharmed, tmp_path_factory.mktemp("unharmed"), *people(0), *arguments)
            for name, arguments in STORMS.items()
            if any(each.endswith(f"[{name}]") for each in asked)
        }
        if WHOLE in asked:
            lasts = ("--seconds", str(SECONDS), "--settle", str(SETTLE_SECONDS))
            found[WHOLE] = alone.submit(unharmed, tmp_path_factory.mktemp("whole"), *lasts)
        yield found


@pytest.mark.slow
@pytest.mark.timeout(WAIT_SECONDS)
def test_a_storm_over_a_whole_stack_breaks_no_promise(
    verdicts: dict[str, Future[Verdict]],
) -> None:
    verdict = verdicts[WHOLE].result()
    assert verdict["verdict"] == "kept", {**verdict, "recoveries": []}
    assert verdict["counts"]["blows"] > 10


@pytest.mark.slow
@pytest.mark.timeout(WAIT_SECONDS)
@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_guarantee_that_is_taken_out_is_judged_broken(
    fault: PlantedFault, verdicts: dict[str, Future[Verdict]]
) -> None:
    verdict = verdicts[fault.name].result()
    assert verdict["verdict"] == "broken", f"nobody missed it: {fault.guarantee}"
    assert rules_of(verdict) & fault.broken, f"{fault.guarantee}: {rules_of(verdict)}"


@pytest.mark.slow
@pytest.mark.timeout(WAIT_SECONDS)
@pytest.mark.parametrize("name", STORMS)
def test_the_same_storm_breaks_nothing_where_nothing_is_taken_out(
    name: str, verdicts: dict[str, Future[Verdict]]
) -> None:
    looked_for = {rule for fault in FAULTS if fault.storm == STORMS[name] for rule in fault.broken}
    verdict = verdicts[name].result()
    assert not rules_of(verdict) & looked_for, verdict["findings"]


def test_ten_guarantees_are_taken_out() -> None:
    assert len(FAULTS) == 10

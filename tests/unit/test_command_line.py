"""The command line and the checks of the locks, without starting anything."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from milepost_cli import checkout, locks
from milepost_cli.main import main


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], [], ["up", "--port", "70000"], ["up", "--workers", "0"], ["up", "x"]],
)
def test_what_is_asked_wrongly_is_answered_in_one_line_with_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    said = capsys.readouterr()
    assert stopped.value.code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1


def test_an_unknown_benchmark_is_answered_in_one_line_with_status_2() -> None:
    command = [sys.executable, "-m", "milepost_cli", "bench", "../conftest"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


def test_the_command_line_loads_no_service_before_it_is_asked_for() -> None:
    code = "import sys, milepost_cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"asyncio", "fastapi", "pydantic", "redis", "dramatiq", "sqlmodel", "httpx"}
    assert {name for name in loaded if name.startswith("milepost")} == {"milepost_cli"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of what the locks are checked against."""
    patterns = ("requirements/*", "libs/*/pyproject.toml", "services/*/pyproject.toml")
    for path in (found for pattern in patterns for found in checkout.ROOT.glob(pattern)):
        target = tmp_path / path.relative_to(checkout.ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return tmp_path


def test_locks_as_made_have_no_fault(copy: Path) -> None:
    assert list(locks.problems(copy)) == []


@pytest.mark.parametrize(
    ("file", "line", "fault"),
    [
        ("requirements/run.txt", "--index-url https://packages.example/simple", "names an address"),
        ("requirements/run.txt", "thing @ file:///tmp/thing", "names an address"),
        ("requirements/test.txt", "--find-links /tmp/wheels", "names an address"),
        ("requirements/run.txt", "thing==1.0", "has no hash"),
        ("requirements/run.in", "thing", "inputs have changed"),
        ("requirements/run.in", "thing", "no member needs thing"),
    ],
)
def test_a_fault_of_a_lock_is_named(copy: Path, file: str, line: str, fault: str) -> None:
    with (copy / file).open("a") as lock:
        lock.write(f"{line}\n")
    assert any(fault in problem for problem in locks.problems(copy))


def test_a_dependency_that_the_lock_does_not_meet_is_named(copy: Path) -> None:
    project = copy / "libs/log/pyproject.toml"
    project.write_text(project.read_text().replace("redis[hiredis]>=8", "redis[hiredis]>=999"))
    assert any("redis[hiredis]>=999" in problem for problem in locks.problems(copy))

"""Programs die with the supervisor that started them, however it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from milepost_cli import leash
from up_process import lives
from waiting import wait_for

SUPERVISOR = """
import os, sys
code = "import sys; sys.path.insert(0, {folder!r}); import leash; {patch}leash.main(sys.argv[1:])"
child = [sys.executable, "-c", code, str(os.getpid()), "sleep", "60"]
lifeline = os.dup2(os.open(os.devnull, os.O_RDONLY), 4) and os.pipe()
files = [(os.POSIX_SPAWN_DUP2, lifeline[0], 4)]
print(os.posix_spawn(child[0], child, os.environ, file_actions=files, setsid=True), flush=True)
sys.stdin.read()
"""
WITHOUT_PRCTL = "leash.die_with_parent = lambda: False; "


def supervisor(patch: str) -> tuple[subprocess.Popen[str], int]:
    """Start a process with a program on its leash; it, and the program's pid."""
    code = SUPERVISOR.format(folder=str(Path(leash.__file__).parent), patch=patch)
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    program = int(process.stdout.readline())
    wait_for(lambda: group_of(program, "sleep"), "the program")
    return process, program


def group_of(leader: int, name: str = "") -> list[int]:
    """The living processes of a process group, those of one name or all."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        before, _, after = stat.rpartition(")")
        if int(after.split()[2]) == leader and name in before and lives(int(folder.name)):
            found.append(int(folder.name))
    return found


@pytest.mark.parametrize("patch", ["", WITHOUT_PRCTL], ids=["prctl", "watcher"])
def test_a_program_dies_with_a_supervisor_that_is_killed(patch: str) -> None:
    process, program = supervisor(patch)
    process.kill()
    process.communicate()
    wait_for(lambda: not group_of(program), "the end of the program", seconds=20)


@pytest.mark.parametrize("patch", ["", WITHOUT_PRCTL], ids=["prctl", "watcher"])
def test_nothing_is_left_behind_when_the_program_ends_first(patch: str) -> None:
    process, program = supervisor(patch)
    (sleeping,) = group_of(program, "sleep")
    assert sleeping == program  # signals and exit status are the program's own
    subprocess.run(["kill", str(program)], check=True)
    wait_for(lambda: not group_of(program), "the end of its group", seconds=20)
    process.communicate()
    assert process.returncode == 0


def run(supervisor: int, *program: str) -> subprocess.CompletedProcess[str]:
    """Run the leash with its end of the lifeline."""
    command = f'exec 4</dev/null; exec "{sys.executable}" "{leash.__file__}" {supervisor} "$@"'
    return subprocess.run(
        ["bash", "-c", command, "leash", *program], capture_output=True, text=True, check=False
    )


def test_what_cannot_be_run_is_one_line_with_status_2() -> None:
    done = run(os.getpid(), "/no/such/program")
    assert done.returncode == 2
    assert done.stderr == "milepost: cannot run /no/such/program: No such file or directory\n"


def test_a_program_whose_supervisor_has_died_meanwhile_is_not_run() -> None:
    done = run(os.getppid(), "echo", "running")
    assert (done.returncode, done.stdout) == (2, "")

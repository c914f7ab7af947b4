"""Commands for operators find the embedded Milepost, and say so when it is gone."""

from pathlib import Path

from surroundings import StartUp
from up_process import command, descendants_of, lives
from waiting import wait_for


def dead(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run `milepost dead list` in a folder: its exit status and what it printed."""
    return command(folder, "dead", "list", *arguments)


def test_a_command_finds_what_runs_here_until_it_ends(start_up: StartUp, tmp_path: Path) -> None:
    up = start_up(data=".milepost").until_ready()
    assert dead(tmp_path) == (0, "no dead letters\n", "")
    assert dead(tmp_path.parent, "--data-dir", str(up.data)) == (0, "no dead letters\n", "")

    below = descendants_of(up.pid)
    up.process.kill()
    up.process.wait()
    wait_for(lambda: not any(map(lives, below)), "the end of its children")
    status, out, err = dead(tmp_path)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert f"pid {up.pid} was killed" in err

    again = start_up(data=".milepost").until_ready()
    assert f"milepost: pid {up.pid} did not stop by itself" in again.complained
    assert dead(tmp_path)[0] == 0
    assert again.stop() == 0
    assert not (again.data / "running.json").exists()
    status, out, err = dead(tmp_path)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "no milepost runs in" in err
    assert "killed" not in err

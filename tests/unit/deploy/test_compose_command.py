"""The compose file as compose itself reads it, with secrets and without; no engine is asked."""

import os
import subprocess
import sys
from pathlib import Path

from milepost_cli.checkout import ROOT

COMPOSE = Path(sys.executable).with_name("docker-compose")


def read(secrets: Path) -> subprocess.CompletedProcess[str]:
    """What compose says of the file with all profiles, knowing what stands in `secrets` alone."""
    return subprocess.run(
        [
            COMPOSE, "--file", ROOT / "docker-compose.yml",
            "--env-file", secrets, "--profile", "*", "config", "--quiet",
        ],
        env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_without_secrets_compose_says_which_command_makes_them(tmp_path: Path) -> None:
    (tmp_path / "nothing").touch()
    done = read(tmp_path / "nothing")
    assert done.returncode != 0
    for name in ("MILEPOST_SECRET", "POSTGRES_PASSWORD"):
        assert f"required variable {name} is missing a value: run ./milepost init" in done.stderr


def test_what_init_makes_is_all_that_compose_asks_for(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "milepost_cli", "init"],
        cwd=tmp_path, check=True, stdout=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    done = read(tmp_path / ".env")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

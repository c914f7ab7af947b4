"""No part of a deployment starts on a Redis that would lose what it accepts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from submit_surroundings import SECRET
from valkey_server import free_port


@pytest.mark.parametrize("part", ["submit", "notify", "projector", "worker"])
def test_a_part_does_not_start_on_a_server_that_loses_tasks(
    part: str, valkey_url: str, tmp_path: Path
) -> None:
    port = ["--port", str(free_port())] if part in ("submit", "notify") else []
    done = subprocess.run(
        [sys.executable, "-m", "milepost_cli", part, *port],
        env={
            "PATH": os.environ["PATH"],
            "MILEPOST_REDIS_URL": valkey_url,
            "MILEPOST_DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}",
            "MILEPOST_SECRET": SECRET,
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("milepost: ")
    assert "MILEPOST_DURABILITY=memory" in last
    assert "Traceback" not in done.stderr

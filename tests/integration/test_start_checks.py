"""No part of a deployment starts on a Redis that would lose what it accepts."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from milepost_log.connection import connect
from submit_surroundings import SECRET
from valkey_server import Valkey, free_port
from waiting import wait_for


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


def test_a_worker_says_once_that_its_server_was_set_otherwise_and_goes_on(tmp_path: Path) -> None:
    server = Valkey(tmp_path, appendfsync="always")
    server.start()
    said = tmp_path / "said"
    with said.open("w") as stderr:
        worker = subprocess.Popen(
            [sys.executable, "-m", "milepost_cli", "worker"],
            env={"PATH": os.environ["PATH"], "MILEPOST_REDIS_URL": server.url},
            stderr=stderr,
        )
    try:
        wait_for(lambda: "worker is ready" in said.read_text(), "a worker")
        with connect(server.administrator_url) as client:
            admin: Any = client
            admin.config_set("appendfsync", "no")
        wait_for(lambda: "appendfsync no" in said.read_text(), "an error")
        worker.terminate()
        assert worker.wait(20) == 0
    finally:
        worker.kill()
        worker.wait()
        server.stop()
    assert said.read_text().count(" ERROR ") == 1

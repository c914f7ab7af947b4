"""Owns `milepost up` as benchmarks start it, with a Valkey and a database of its own."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benches.stage.http_client import answers
from benches.stage.milepost import PROGRAMS, SECRET
from benches.stage.processes import Processes
from benches.stage.resident import family
from milepost_cli import instance
from milepost_cli.valkey import administrator_url, free_port
from milepost_log.connection import connect

STOP_SECONDS = 30.0


class Embedded:
    """One that is ready."""

    def __init__(self, processes: Processes, folder: Path, **settings: str) -> None:
        """Start it.

        Raises:
            TookTooLong: it does not become ready.
        """
        self.port, self._data = free_port(), folder / "up"
        environment = {
            "MILEPOST_SECRET": SECRET,
            "PYTHONPATH": str(PROGRAMS),
            **{f"MILEPOST_{name.upper()}": value for name, value in settings.items()},
        }
        command = [sys.executable, "-m", "milepost_cli", "up", "--port", str(self.port),
                   "--data-dir", str(self._data), "--tasks", "bench_tasks"]  # fmt: skip
        self._line = " ".join(command)
        with (folder / "up.err").open("wb") as err:
            self._up = processes.start(command, environment, stderr=err.fileno())
        answers(self.port, "/api/notify/readyz")
        answers(self.port, "/api/submit/readyz")
        found = instance.find(self._data)
        assert found is not None
        self.client: Any = connect(administrator_url(found.settings["REDIS_URL"]))

    def stop(self) -> None:
        """End it in order, as Ctrl-C does."""
        self.client.close()
        self._up.terminate()
        self._up.wait(STOP_SECONDS)

    def processes(self) -> Mapping[str, int]:
        """What each is -> its pid."""
        return family(self._up.pid, self._line)

    def database_bytes(self) -> int:
        """The SQLite file, with what is still in its journal."""
        return sum(file.stat().st_size for file in self._data.glob("milepost.db*"))

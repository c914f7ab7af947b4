"""Real worker processes for tests, ended by pid."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any


class WorkerProcess:
    """One `milepost worker` with the sample tasks."""

    def __init__(self, url: str, namespace: str, *, threads: int = 8, **settings: Any) -> None:
        environment = {
            **{key: value for key, value in os.environ.items() if "MILEPOST" not in key},
            "MILEPOST_REDIS_URL": url,
            "MILEPOST_NAMESPACE": namespace,
            "MILEPOST_PARTITIONS": "1",
            "MILEPOST_TASKS": "sample_tasks",
            "MILEPOST_DEMO": "1",
            "MILEPOST_DURABILITY": "memory",
            "MILEPOST_LEASE_SECONDS": "1",
            "PYTHONPATH": str(Path(__file__).parent),
            **{f"MILEPOST_{key.upper()}": str(value) for key, value in settings.items()},
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "milepost_cli", "worker", "--threads", str(threads)],
            env=environment,
            stdin=subprocess.DEVNULL,
        )

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it."""
        self.process.send_signal(number)

    def wait(self, seconds: float = 30) -> int:
        """Its exit status."""
        return self.process.wait(seconds)

    def close(self) -> None:
        """End it if it lives."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

"""Owns how much processor time something took: hardly minds what else the machine does."""

from pathlib import Path
from typing import Any

MICRO = 1e6


def of_process(pid: int) -> float:
    """Seconds that the living threads of a process have used so far; Linux alone says."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def of_server(client: Any) -> float:
    """Seconds that a Valkey has used so far."""
    info = client.info("cpu")
    return info["used_cpu_user"] + info["used_cpu_sys"]

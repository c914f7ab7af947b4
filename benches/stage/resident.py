"""Owns what processes have of memory, as Linux says."""

import re
from pathlib import Path

from milepost_cli.storm.processes import children

NAMES = {
    r"(valkey|redis)-server": "Valkey",
    r"milepost_cli\.web": "web",
    r"milepost_cli worker": "worker",
    r"milepost_log\.heart": "beat helper",
    r"milepost_cli\.mail_sink": "mail sink",
    r"milepost_cli up": "supervisor",
}


def family(pid: int, line: str) -> dict[str, int]:
    """A process and all below it: what it is -> pid."""
    name = next((name for like, name in NAMES.items() if re.search(like, line)), line)
    found = {name: pid}
    for child, its_line in children(pid).items():
        found |= family(child, its_line)
    return found


def mib(pid: int) -> tuple[float, float]:
    """Resident memory of a living process, and its own share of that (PSS)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = dict(re.findall(r"^(Rss|Pss):\s+(\d+) kB", rollup, re.MULTILINE))
    return int(found["Rss"]) / 1024, int(found["Pss"]) / 1024

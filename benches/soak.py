"""Soak: everything as `up` runs it, half an hour at half the highest rate. Whose memory grows?

People come and go, send, follow, cancel, put away. What is kept longer than that by design is kept
for a minute: events in the log (MILEPOST_LOG_KEEP), ended tasks in SQL (MILEPOST_HISTORY_DAYS), and
what Redis keeps for 25 hours by expiry gets a minute from the soak. What is there at the end more
than after the first third is a leak; then it ends with status 1.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benches.stage.embedded import Embedded
from benches.stage.line_chart import Lines
from benches.stage.processes import Processes
from benches.stage.resident import mib
from benches.stage.sizes import minutes
from benches.stage.table import Row, at_most, show
from benches.stage.trend import rise

SHORT_MINUTES, MINUTES = 0.1, 30.0
KEPT_SECONDS = 60
HIGHEST_SECONDS = 60.0
"""How long the highest rate is looked for; less in a short soak."""
SAMPLES, DRAWN = 180, 60
PAUSE_SECONDS = 0.2
FLAT_PERCENT, FLAT_MIB = 3.0, 1.0
"""What counts as flat over the last two thirds, by the fitted line: whichever is more."""
SCANNED_AT_ONCE = 500
MIB = 1024 * 1024
SHARE, RESIDENT = "its own share", "resident"
LOAD = [sys.executable, "-m", "benches.stage.soak_load"]


@dataclass
class Series:
    """MiB of each that is looked at, over the seconds of the soak."""

    at: list[float] = field(default_factory=list[float])
    of: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def note(self, seconds: float, found: Mapping[str, float]) -> None:
        """Add one moment."""
        self.at.append(seconds)
        for name in found:
            self.of.setdefault(name, []).append(found[name])

    def grown(self, name: str) -> float:
        """Percent by which one has grown in the last two thirds; 0 for what does not count."""
        first = len(self.at) // 3
        values = self.of[name][first:]
        more = rise(self.at[first:], values)
        return 0.0 if more <= FLAT_MIB else 100 * more / median(values)

    def drawn(self, names: Mapping[str, str]) -> dict[str, list[tuple[float, float]]]:
        """Some of it, by what it is to be called: minutes and MiB."""
        step = -(-len(self.at) // DRAWN)
        moments = [seconds / 60 for seconds in self.at[::step]]
        found = {called: self.of[name][::step] for name, called in names.items()}
        return {name: list(zip(moments, mib, strict=True)) for name, mib in found.items()}


def main() -> None:
    """Soak, print, and fail when anything has grown or ended."""
    lasting = 60 * minutes(SHORT_MINUTES, MINUTES)
    with tempfile.TemporaryDirectory(prefix="milepost-soak-") as folder, Processes() as processes:
        up = Embedded(
            processes,
            Path(folder),
            log_keep=str(KEPT_SECONDS),
            history_days=str(KEPT_SECONDS / 86_400),
            public_types="bench.noop,bench.steps,bench.fails",
        )
        seconds = min(HIGHEST_SECONDS, lasting / 3)
        highest = float(processes.output([*LOAD, str(up.port), "0", str(seconds)], {}))
        command = [*LOAD, str(up.port), str(highest / 2), str(lasting)]
        load = processes.start(command, stdout=subprocess.PIPE)
        series = soak(up, load, lasting)
        said, _ = load.communicate()
        info: Any = up.client.info("server")
        up.client.close()
    is_flat = judge(series, highest, float(said), f"Valkey {info['valkey_version']}")
    if lasting > 60 * SHORT_MINUTES and not is_flat:
        sys.exit("not flat")


def judge(series: Series, highest: float, rate: float, version: str) -> bool:
    """Print the table; whether everything is flat."""
    grown = {name: series.grown(name) for name in series.of}
    rows = [Row(f"{name}, MiB", values) for name, values in series.of.items()]
    rows += [
        Row(f"{name}: more at the end than after a third, %", [value], (), at_most(FLAT_PERCENT))
        for name, value in grown.items()
    ]
    rows.append(Row("tasks/s, the highest found", [highest]))
    rows.append(Row("tasks/s of the soak", [rate], [highest]))
    shares = {name: name.partition(",")[0] for name in series.of if name.endswith(SHARE)}
    kept = {"Valkey, used_memory": "used_memory", "SQLite's file": "SQLite's file"}
    charts = [
        Lines("processes", "Memory of every process", "minutes", "MiB, its own share (PSS)",
              series.drawn(shares), log_x=False),
        Lines("data", "What Valkey and SQLite keep", "minutes", "MiB",
              series.drawn(kept), log_x=False),
    ]  # fmt: skip
    show(rows, version, f"{series.at[-1] / 60:.0f} minutes", charts=charts)
    return max(grown.values()) <= FLAT_PERCENT


def soak(up: Embedded, load: "subprocess.Popen[bytes]", seconds: float) -> Series:
    """Sample until the load has ended."""
    series, began, ageing = Series(), time.monotonic(), age(up.client)
    first = up.processes()
    while load.poll() is None:
        next(ageing)
        now = time.monotonic() - began
        if now < len(series.at) * seconds / SAMPLES:
            time.sleep(PAUSE_SECONDS)
            continue
        assert up.processes().items() >= first.items(), "a process has ended"
        series.note(now, look(up, first))
    assert load.returncode == 0, "an answer was not good"
    return series


def look(up: Embedded, pids: Mapping[str, int]) -> dict[str, float]:
    """MiB of all, now."""
    found = dict[str, float]()
    for name, pid in pids.items():
        found[f"{name}, {RESIDENT}"], found[f"{name}, {SHARE}"] = mib(pid)
    found["Valkey, used_memory"] = up.client.info("memory")["used_memory"] / MIB
    found["SQLite's file"] = up.database_bytes() / MIB
    return found


def age(client: Any) -> Iterator[None]:
    """Give what expires some time a minute instead, a page of keys a step."""
    cursor = 0
    while True:
        cursor, keys = client.scan(cursor, match="{mp:0}:*", count=SCANNED_AT_ONCE)
        pipe = client.pipeline(transaction=False)
        for key in keys:
            pipe.execute_command("EXPIRE", key, KEPT_SECONDS, "XX", "LT")
        pipe.execute()
        yield


if __name__ == "__main__":
    main()

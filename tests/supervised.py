"""A supervisor over shell scripts, as a process: `python supervised.py FOLDER PROGRAMS [PATH]`.

PROGRAMS is a JSON list of [name, stage, stop_seconds, script]; with PATH it waits to be ready until
a service that is not there says so.
"""

import json
import os
import sys
from pathlib import Path

from milepost_cli.child import Child, Program, occupy_low_descriptors
from milepost_cli.journal import Journal
from milepost_cli.readiness import Readiness
from milepost_cli.supervisor import Supervisor
from milepost_cli.terminal import Terminal


def main(folder: Path, programs: str, *paths: str) -> int:
    """Supervise until told to stop."""
    occupy_low_descriptors()
    lifeline, _ = os.pipe()
    terminal = Terminal(None, Journal(folder / "up.log"), lambda: "now")
    children = [
        Child(
            Program(name, ("sh", "-c", script), dict(os.environ), stage, stop_seconds),
            Journal(folder / f"{name}.log"),
            lifeline,
        )
        for name, stage, stop_seconds, script in json.loads(programs)
    ]
    return Supervisor(
        children,
        lambda selector: Readiness(selector, ("127.0.0.1", 1), paths),
        terminal,
        on_ready=lambda _: terminal.greet("ready\n"),
        on_stop=lambda: None,
    ).run()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))

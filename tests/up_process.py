"""A real `./milepost up` for tests: own port, own folder, ended by pid."""

import os
import re
import signal
import subprocess
import urllib.request
from contextlib import suppress
from pathlib import Path

from waiting import wait_for

ROOT = Path(__file__).resolve().parents[1]
STOP_SECONDS = 10.0
READY_PATHS = ("/api/notify/readyz", "/api/submit/readyz")


def lives(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits to be reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def children_of(pid: int) -> list[int]:
    """The living children of a process, oldest first."""
    text = ""
    for thread in Path("/proc").glob(f"{pid}/task/*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            text += thread.read_text()
    return sorted(child for child in map(int, text.split()) if lives(child))


def descendants_of(pid: int) -> list[int]:
    """All living processes below a process."""
    children = children_of(pid)
    return children + [below for child in children for below in descendants_of(child)]


def command_line(pid: int) -> str:
    """What `ps` shows; nothing for a process that has just ended."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return raw.replace(b"\0", b" ").decode().strip()


def command(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run `./milepost ...` in a folder: its exit status and what it printed."""
    done = subprocess.run(
        [ROOT / "milepost", *arguments],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


class Up:
    """One `./milepost up`; its output is in files, so that nobody has to read along."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        data: str = "data",
        stderr: int | None = None,
        **settings: str,
    ) -> None:
        """Start it in `folder`; without arguments on a free port."""
        self.data = folder / data
        number = len(list(folder.glob("*.out")))
        self._out = folder / f"{number}.out"
        self._err = folder / f"{number}.err"
        own = {f"MILEPOST_{name.upper()}": value for name, value in settings.items()}
        own["TMPDIR"] = str(folder)  # where workers keep their metrics, for the next of that port
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [ROOT / "milepost", "up", "--data-dir", self.data, *(arguments or ["--port", "0"])],
                cwd=folder,
                env={k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")} | own,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err if stderr is None else stderr,
            )
        self.pid = self.process.pid

    @property
    def said(self) -> str:
        """Standard output so far."""
        return self._out.read_text()

    @property
    def complained(self) -> str:
        """Standard error so far."""
        return self._err.read_text()

    @property
    def url(self) -> str:
        """The address it printed."""
        found = re.search(r"http://\S+", self.said)
        assert found, f"no address: {self.said}{self.complained}"
        return found[0]

    def until_ready(self) -> "Up":
        """Wait for its greeting; one that does not come to it is ended."""
        try:
            wait_for(
                lambda: "is ready" in self.said or self.process.poll() is not None, "ready", 60
            )
            assert self.process.poll() is None, self.complained
        except BaseException:
            self.close()  # a fixture that fails here has nothing yet to end
            raise
        return self

    def children(self) -> dict[str, int]:
        """Its children by what they are, workers as `worker 1` ... in the order of their pids."""
        found: dict[str, int] = {}
        for pid in sorted(children_of(self.pid)):
            line = command_line(pid)
            if "valkey-server" in line or "redis-server" in line:
                found["valkey"] = pid
            elif "milepost_cli.mail_sink" in line:
                found["mail sink"] = pid
            elif "milepost_cli.web" in line:
                found["web"] = pid
            elif "milepost_cli worker" in line:
                found[f"worker {sum(name.startswith('worker') for name in found) + 1}"] = pid
        return found

    def answers(self) -> bool:
        """Whether both services say that they are ready."""
        try:
            for path in READY_PATHS:
                with urllib.request.urlopen(self.url + path, timeout=5):
                    pass
        except OSError:
            return False
        return True

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask the supervisor alone to stop; its exit status, within the promised time."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def close(self) -> None:
        """End it and everything below it, whatever state it is in."""
        below = descendants_of(self.pid)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        wait_for(lambda: not any(map(lives, below)), "the end of its children", STOP_SECONDS)

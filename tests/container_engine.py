"""Owns a Docker engine of the tests' own: its own data, socket and processes, ended by pid.

Whoever can have none is told why; nothing of an engine that is there already is touched.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from milepost_cli.leash import leashed
from waiting import wait_for

NEEDED = {"dockerd": "docker.io", "containerd": "containerd", "mmdebstrap": "mmdebstrap"}
"""Programs, and the Debian packages that have them."""
PREFIX = "milepost-engine-"
STARTING_SECONDS = 120.0
"""A folder as young may be that of an engine which has no process yet."""


class NoEngineError(Exception):
    """This machine lets no engine run, or makes no image to begin with: not our code's fault."""


class Engine:
    """A running dockerd.

    Raises:
        NoEngineError: it cannot run here.
    """

    def __init__(self) -> None:
        lacking = sorted({p for name, p in NEEDED.items() if shutil.which(name) is None})
        if lacking:
            raise NoEngineError(f"not installed: {', '.join(lacking)} (Debian's packages)")
        if os.geteuid() != 0:
            raise NoEngineError("it needs root")
        _clear_the_killed()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(
            leashed(  # a run that is killed leaves no container behind
                [
                    "dockerd", f"--data-root={self.folder / 'data'}",
                    f"--exec-root={self.folder / 'exec'}", f"--pidfile={self.folder / 'pid'}",
                    f"--host={self.host}",
                    # No NAT, and no rule of the machine's is touched: containers reach each other.
                    "--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false",
                ],
                signal.SIGTERM,
            ),
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True,
        )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    @property
    def host(self) -> str:
        """Where it listens."""
        return f"unix://{self.folder / 'socket'}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes Docker's programs talk to it, and to nobody else."""
        mine = {key: value for key, value in os.environ.items() if not key.startswith("MILEPOST_")}
        return mine | {
            "DOCKER_HOST": self.host,
            "DOCKER_BUILDKIT": "0",
            "DOCKER_CONFIG": str(self.folder / "config"),
        }

    def _wait(self, seconds: float = 60) -> None:
        def answers() -> bool:
            return self.run("version", check=False, seconds=30).returncode == 0

        with suppress(AssertionError):
            wait_for(lambda: answers() or self._process.poll() is not None, "dockerd", seconds)
        if not answers():
            said = (self.folder / "log").read_text(errors="replace").splitlines()
            raise NoEngineError(f"dockerd does not start: {said[-1] if said else 'silent'}")

    def run(
        self, *arguments: str | Path, check: bool = True, seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """One command of `docker`."""
        done = subprocess.run(
            [client(), *arguments], env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, (
            f"docker {arguments[0]}: {done.stdout}{done.stderr}"
        )
        return done

    def ask(self, *arguments: str | Path) -> str:
        """What a command answers."""
        return self.run(*arguments).stdout.strip()

    def stop(self) -> list[str]:
        """End it with all that runs in it; what it left behind, which is nothing."""
        if self._process.poll() is None:
            with suppress(subprocess.TimeoutExpired):  # one that hangs is ended all the same
                for container in self.run("ps", "--quiet", "--all", check=False).stdout.split():
                    self.run("rm", "--force", "--volumes", container, check=False)
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(10)
        self._log.close()
        return _clear(self.folder)


def _clear(folder: Path) -> list[str]:
    """Remove an engine's folder; what is left of it."""
    for place in reversed(_mounts(folder)):  # a network namespace: dockerd leaves its own there
        subprocess.run(["umount", place], check=False)
    left = [*_processes(folder), *_mounts(folder)]
    if not left:
        shutil.rmtree(folder, ignore_errors=True)
    return left or [str(folder)] * folder.exists()


def _clear_the_killed() -> None:
    """Remove what engines have left whose run was killed: gigabytes, and dozens of mounts."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        about = folder.stat()
        is_old = time.time() - about.st_mtime > STARTING_SECONDS
        if about.st_uid == os.geteuid() and is_old and not _processes(folder):
            _clear(folder)


def _processes(folder: Path) -> list[str]:
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # ended meanwhile
        if str(folder) in line:
            found.append(line)
    return found


def _mounts(folder: Path) -> list[str]:
    lines = Path("/proc/mounts").read_text().splitlines()
    return [place for line in lines if str(folder) in (place := line.split()[1])]


def client() -> str:
    """Debian's client beside Debian's engine; a newer one elsewhere may refuse to talk to it."""
    debian = Path("/usr/bin/docker")
    return str(debian) if debian.exists() else "docker"

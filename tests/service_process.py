"""A small service of its own process for tests of the server, and raw conversations with it."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx

PROGRAM = Path(__file__).parent / "integration" / "service" / "served.py"
Start = Callable[..., tuple[subprocess.Popen[str], str]]
"""Trusted proxies and settings to its process and address."""


def start_service(trusted: str = "", **settings: object) -> tuple[subprocess.Popen[str], str]:
    """Start it; its process, to be ended by the caller, and its address."""
    own = {f"MILEPOST_{name.upper()}": str(value) for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), trusted],
        env=os.environ | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, f"http://127.0.0.1:{int(process.stdout.readline())}"


def connected(url: str) -> socket.socket:
    """A connection that has sent nothing."""
    address = httpx.URL(url)
    return socket.create_connection((address.host, address.port or 0), timeout=20)


def rest(sock: socket.socket) -> bytes:
    """Everything the server says until it has closed."""
    answer = b""
    while chunk := sock.recv(65536):
        answer += chunk
    return answer


def conversation(url: str, sent: bytes) -> bytes:
    """Everything the server says until it has closed, to everything we say."""
    with connected(url) as sock:
        sock.sendall(sent)
        return rest(sock)

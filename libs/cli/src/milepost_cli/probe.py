"""Owns `milepost probe`: whether what runs in this container can do its work. Decides no check."""

import http.client
import json
import os
import sys
from collections.abc import Iterator

from milepost_cli.options import DEFAULT_PORT

SECONDS = 3.0
"""For all answers together less than the 4 s of the image's health check: submit and notify are
asked at one port, of which one of the two answers at once that it is none of its own."""
OK, NOT_FOUND = 200, 404


def run(port: int = DEFAULT_PORT) -> int:
    """Ask all that listens here whether it is ready; the exit status.

    0 where everything that listens is ready, 1 with one line for each that is not, or when nothing
    listens: an image does not know which of its programs it will run, what listens does.

    Args:
        port: of submit or notify in this container.
    """
    listening = 0
    complaints: list[str] = []
    for where, paths in _places(port):
        for path in paths:
            try:
                status, said = _ask(where, path)
            except ConnectionRefusedError:
                break  # nothing listens
            except (OSError, http.client.HTTPException) as err:
                listening += 1
                complaints.append(f"{path}: {err or type(err).__name__}")
                break
            if status == NOT_FOUND:
                continue  # the other service's
            listening += 1
            if status != OK:
                complaints.append(f"{path}: {_words(status, said)}")
    for line in complaints or ([] if listening else ["nothing listens here"]):
        sys.stdout.write(f"{line}\n")
    return 0 if listening and not complaints else 1


def _places(port: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The ports that programs of ours listen on, and where each says whether it is ready."""
    yield port, ("/api/submit/readyz", "/api/notify/readyz")
    metrics_port = os.environ.get("MILEPOST_METRICS_PORT", "")
    if metrics_port.isascii() and metrics_port.isdigit():
        yield int(metrics_port), ("/readyz",)


def _ask(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _words(status: int, said: bytes) -> str:
    """What a check that failed says for itself: name and reason, as `readyz` gives them."""
    try:
        checks = json.loads(said)["checks"]
        return ", ".join(f"{name}: {why}" for name, why in checks.items() if why != "ok")
    except (ValueError, LookupError, TypeError, AttributeError):
        return f"status {status}"

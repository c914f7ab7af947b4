"""Owns which processor cores the two ends of a round trip have: one each, where that decides a
figure. Where a system has no such thing, or one core, nothing is moved.

Server and sender on one core, or moved about by the system, answer each other up to two times as
fast or as slowly, as it happens.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress

from benches.stage.store import Store

_KNOWN = hasattr(os, "sched_setaffinity")


def available() -> set[int]:
    """Cores that this thread may use."""
    return set(os.sched_getaffinity(0)) if _KNOWN else set(range(os.cpu_count() or 1))


@contextmanager
def apart(store: Store) -> Generator[None]:
    """Within the block the server has a core, and this thread another, with what it starts."""
    cores = available()
    if not _KNOWN or len(cores) < 2:
        yield
        return
    server = int(store.client.info("server")["process_id"])
    os.sched_setaffinity(server, {min(cores)})
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        with suppress(ProcessLookupError):
            os.sched_setaffinity(server, cores)

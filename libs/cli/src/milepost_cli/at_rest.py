"""Owns working on a data folder in which nothing runs: its Valkey alone runs, for one command.

The folder is locked meanwhile, as by an `up`; its Valkey ends with the command, whatever ends that.
"""

import os
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from milepost.errors import LogUnavailable
from milepost.settings import Settings
from milepost_cli import choices, instance, operating
from milepost_cli.child import Child, occupy_low_descriptors
from milepost_cli.folder import DataFolder
from milepost_cli.journal import Journal
from milepost_cli.programs import VALKEY_SECONDS, store
from milepost_log.connection import connect, translated

LOADING_SECONDS = 300.0
"""So long it may take to load its append-only file: some GiB."""
LOOK_SECONDS = 0.02


@contextmanager
def working_on(data_dir: str | None) -> Generator[Settings]:
    """The settings of the Milepost to work on, see `operating.settings`; where nothing runs in the
    folder, and the environment names no Redis, its Valkey runs until the end of the block.

    Raises:
        ConfigurationError: nothing says where Redis is, or the folder cannot be used.
        LogUnavailable: its Valkey does not start.
    """
    folder = Path(data_dir or operating.DEFAULT_FOLDER).absolute()
    if choices.given(os.environ, "REDIS_URL") or not instance.is_at_rest(folder):
        yield operating.settings(data_dir)
        return
    data = DataFolder(folder)
    data.lock()
    data.sign(f"pid {os.getpid()}")
    try:
        program, redis_url = store(os.environ, data)
        own = choices.Own(
            url="",
            database_url=choices.database_url(data.database),
            secret=None,
            redis_url=redis_url,
            smtp_url=None,
        )
        chosen = choices.environment(os.environ, own, None)
        occupy_low_descriptors()
        lifeline, ours_alone = os.pipe()
        child = Child(program, Journal(data.logs / "valkey.log"), lifeline)
        child.start(time.monotonic())
        try:
            _wait_for(child, redis_url)
            yield Settings.load(**{k.lower(): v for k, v in instance.told(chosen).items()})
        finally:
            _end(child)
            os.close(ours_alone)
            os.close(lifeline)
    finally:
        os.close(data.lock_fd)


def _wait_for(child: Child, redis_url: str) -> None:
    """Return when it answers.

    Raises:
        LogUnavailable: it has ended, or loads for too long.
    """
    deadline = time.monotonic() + LOADING_SECONDS
    with connect(redis_url) as client:
        while True:
            try:
                with translated():
                    client.ping()  # pyright: ignore[reportUnknownMemberType]  # untyped
            except LogUnavailable:
                if _has_ended(child):
                    raise LogUnavailable(f"valkey ended: see {child.journal.path}") from None
                if time.monotonic() > deadline:
                    raise
                time.sleep(LOOK_SECONDS)
            else:
                return


def _end(child: Child) -> None:
    child.signal(signal.SIGTERM)
    deadline = time.monotonic() + VALKEY_SECONDS
    while not _has_ended(child):
        if time.monotonic() > deadline:
            child.kill()
        time.sleep(LOOK_SECONDS)


def _has_ended(child: Child) -> bool:
    if child.pid is None:
        return True
    child.read(time.monotonic())
    pid, status = os.waitpid(child.pid, os.WNOHANG)
    if pid:
        child.ended(status, time.monotonic())
    return bool(pid)

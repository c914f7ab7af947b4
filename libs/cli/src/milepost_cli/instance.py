"""Owns `running.json`: where what runs in a data folder is reached. Connects to nothing.

It has the password of the embedded Valkey: the folder's owner alone can read it. Whether it is true
is told by the folder's lock, which the kernel gives back whatever became of its holder.
"""

import fcntl
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from milepost.errors import ConfigurationError
from milepost_cli import choices
from milepost_cli.folder import write_whole

FILE = "running.json"
TOLD = (
    "REDIS_URL", "NAMESPACE", "PARTITIONS", "DATABASE_URL", "SUBMIT_URL", "NOTIFY_URL",
    "DURABILITY", "LOG_KEEP", "HISTORY_DAYS", "LEASE_SECONDS", "SMTP_URL",
)  # fmt: skip
"""The settings that commands for operators need; what `up` left to its default is not in it."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One `milepost up`, as it told of itself at its start."""

    pid: int
    """Of the supervisor."""
    settings: Mapping[str, str]
    """Values of those in `TOLD`, by their names without MILEPOST_."""


def told(environment: Mapping[str, str]) -> dict[str, str]:
    """Those of the settings that commands for operators need, by their names in `TOLD`."""
    return {name: value for name in TOLD if (value := choices.given(environment, name))}


def tell(folder: Path, pid: int, environment: Mapping[str, str]) -> None:
    """Leave what the children of `pid` have in their environment for commands of operators.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    try:
        content = {"pid": pid, "settings": told(environment)}
        write_whole(folder / FILE, json.dumps(content) + "\n")
    except OSError as err:
        raise ConfigurationError(f"cannot write {folder / FILE}: {err.strerror or err}") from err


def forget(folder: Path) -> int | None:
    """Remove the file; the pid of the one that left it. Only for who holds the folder's lock."""
    found = _read(folder)
    with suppress(OSError):
        (folder / FILE).unlink()
    return found.pid if found else None


def find(folder: Path) -> Instance | None:
    """The one that runs in this data folder; None for a folder that is none of ours.

    Raises:
        ConfigurationError: nothing runs there, or it cannot be read; one line with the remedy.
    """
    try:
        runs = _locked(folder / "lock")
        found = _read(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as err:
        raise ConfigurationError(f"cannot read {folder}: {err.strerror or err}") from err
    if runs and found:
        return found
    if runs:
        raise ConfigurationError(f"the milepost in {folder} is just starting or stopping")
    was_killed = f" (pid {found.pid} was killed)" if found else ""
    raise ConfigurationError(
        f"no milepost runs in {folder}{was_killed}: start it with `./milepost up`, name another "
        "folder with --data-dir, or set MILEPOST_REDIS_URL"
    )


def is_at_rest(folder: Path) -> bool:
    """Whether it is a data folder of ours in which nothing runs, or nobody can say."""
    try:
        return (folder / "milepost.db").stat().st_size > 0 and not _locked(folder / "lock")
    except OSError:
        return False


def _locked(lock: Path) -> bool:
    """Whether anybody holds the lock; never in the way of those who ask too."""
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _read(folder: Path) -> Instance | None:
    try:
        found = json.loads((folder / FILE).read_text())
        return Instance(int(found["pid"]), {str(k): str(v) for k, v in found["settings"].items()})
    except (FileNotFoundError, ValueError, LookupError, TypeError, AttributeError):
        return None

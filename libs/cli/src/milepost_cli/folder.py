"""Owns the data folder: its privacy, its lock and the secret in it. Knows no process."""

import fcntl
import os
import time
from pathlib import Path

from milepost.errors import ConfigurationError

LOCK_SECONDS = 2.0
"""After a SIGKILL of the supervisor Valkey, which holds the lock too, may take a moment to die."""
TRY_SECONDS = 0.02
CHOOSE = "choose another with --data-dir"


class DataFolder:
    """Everything an embedded Milepost keeps, used by one `up` at a time."""

    def __init__(self, path: Path) -> None:
        """Make the folder, readable by its owner alone, and what is in it.

        Raises:
            ConfigurationError: it cannot be made or written to.
        """
        self.path = path.absolute()
        self.logs = self.path / "logs"
        self.mail = self.path / "mail"
        self.valkey = self.path / "valkey"
        self.database = self.path / "milepost.db"
        self.lock_fd = -1
        try:
            self._make()
        except OSError as err:
            raise self._unusable(err) from err

    def _make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = {path.name for path in self.path.iterdir()}
        ours = self.path.stat().st_uid == os.geteuid()
        if ours and (not content or "lock" in content):
            self.path.chmod(0o700)  # a folder that holds other things as well is left as it is
        for folder in (self.logs, self.mail, self.valkey):
            folder.mkdir(mode=0o700, exist_ok=True)
        # SQLite gives its journals the permissions that it finds on the database.
        os.close(os.open(self.database, os.O_CREAT | os.O_RDWR, 0o600))

    def lock(self) -> None:
        """Take the folder for this process and those that inherit `lock_fd`, until all have ended.

        Raises:
            ConfigurationError: another instance uses it.
        """
        try:
            self.lock_fd = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as err:
            raise self._unusable(err) from err
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(self.lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                if time.monotonic() > deadline:
                    owner = os.pread(self.lock_fd, 200, 0).decode(errors="replace").strip()
                    raise ConfigurationError(
                        f"the data folder {self.path} is used by another milepost"
                        f"{f' ({owner})' if owner else ''}: stop that or {CHOOSE}"
                    ) from err
                time.sleep(TRY_SECONDS)
            except OSError as err:
                raise self._unusable(err) from err
            else:
                return

    def sign(self, text: str) -> None:
        """Leave a line for whoever finds the folder locked."""
        os.ftruncate(self.lock_fd, 0)
        os.pwrite(self.lock_fd, text.encode(), 0)

    def secret(self) -> str:
        """The secret made here once (64 hex digits); nobody but the owner can read its file.

        Raises:
            ConfigurationError: it cannot be read or written.
        """
        file = self.path / "secret"
        try:
            if not file.exists():
                write_whole(file, os.urandom(32).hex() + "\n")
            file.chmod(0o600)
            return file.read_text().strip()
        except OSError as err:
            raise self._unusable(err) from err

    def _unusable(self, err: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"cannot use the data folder {self.path}: {err.strerror or err}: {CHOOSE}"
        )


def write_whole(file: Path, text: str) -> None:
    """Write a private file so that it is there with all its content or not at all.

    Raises:
        OSError: it cannot be written.
    """
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(handle)
    draft.replace(file)

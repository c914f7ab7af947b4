"""Owns the file with the access tokens that `login` has made: one for each address, 0600."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from milepost.errors import ConfigurationError
from milepost_cli.folder import write_whole


@dataclass(frozen=True, slots=True)
class Login:
    """Who is signed in at an address."""

    url: str
    token: str
    owner: str | None = None
    """Null for a token made elsewhere."""
    id: str | None = None
    """By which the token is revoked; null for one made elsewhere."""


class Credentials:
    """The file. What was last signed in to comes first."""

    def __init__(self, file: Path | None = None) -> None:
        """Read nothing yet; without `file` it is where configurations belong (XDG)."""
        home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        self.file = file or Path(home) / "milepost" / "logins.json"

    def last(self) -> Login | None:
        """Where one signed in last."""
        return next(iter(self._read()), None)

    def of(self, url: str) -> Login | None:
        """The one for an address; a token is never for another one."""
        return next((login for login in self._read() if login.url == url), None)

    def keep(self, login: Login) -> None:
        """Remember it, as the last.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        self._write([login, *(each for each in self._read() if each.url != login.url)])

    def forget(self, url: str) -> None:
        """Forget the one for an address.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        self._write([each for each in self._read() if each.url != url])

    def _read(self) -> list[Login]:
        try:
            found: list[dict[str, Any]] = json.loads(self.file.read_text())
            return [Login(each["url"], each["token"], each["owner"], each["id"]) for each in found]
        except FileNotFoundError:
            return []
        except OSError as err:
            raise ConfigurationError(f"cannot read {self.file}: {err.strerror or err}") from err
        except (ValueError, LookupError, TypeError) as err:
            raise ConfigurationError(f"{self.file} is damaged: remove it, sign in again") from err

    def _write(self, logins: list[Login]) -> None:
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self.file, json.dumps([asdict(login) for login in logins], indent=1) + "\n")
        except OSError as err:
            raise ConfigurationError(f"cannot write {self.file}: {err.strerror or err}") from err

"""Owns which Milepost the terminal client talks to, and with whose token."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from milepost.errors import ConfigurationError, NotSignedIn
from milepost.exchanges import Ask
from milepost.http_exchange import Access
from milepost.settings import Settings
from milepost_cli import instance, operating
from milepost_cli.client.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Destination:
    """A Milepost, and the token for it."""

    url: str
    token: str | None

    def access(self) -> Access:
        """As whom to ask.

        Raises:
            NotSignedIn: there is no token for it.
        """
        if self.token is None:
            raise NotSignedIn(401, {"title": f"not signed in at {self.url}: `./milepost login`"})
        return Access(self.url, self.url, self._headers)

    def _headers(self, _: Ask) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def destination(url: str | None, data_dir: str | None) -> Destination:
    """Where to go: the command line's, MILEPOST_URL's, that of the last `login`, or the `up` here.

    Raises:
        ConfigurationError: nothing says where, or it is no address.
    """
    settings, credentials = Settings.load(), Credentials()
    if url is None and data_dir is None:
        url = settings.url
        last = credentials.last() if url is None else None
        url = url if last is None else last.url
    found = checked(url) if url is not None else _running(data_dir)
    login = credentials.of(found)
    return Destination(found, settings.token or (login and login.token))


def checked(url: str) -> str:
    """An address as it is kept.

    Raises:
        ConfigurationError: it is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ConfigurationError(f"{url!r} is no address such as https://tasks.example")
    return url.rstrip("/")


def _running(data_dir: str | None) -> str:
    found = instance.find(Path(data_dir or operating.DEFAULT_FOLDER).absolute())
    url = None if found is None else found.settings.get("NOTIFY_URL")
    if url is None:
        raise ConfigurationError(
            f"no milepost runs in {data_dir or operating.DEFAULT_FOLDER}: name one with --url, "
            "MILEPOST_URL or `./milepost login --url`, or start one with `./milepost up`"
        )
    return checked(url)


def is_interactive() -> bool:
    """Whether a person can be asked something."""
    return os.isatty(0) and os.isatty(2)

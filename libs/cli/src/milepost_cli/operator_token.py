"""Owns `milepost operator-token`: a short-lived token of the scope admin, by the secret of the
deployment. Whoever can read the secret could sign it anyway; nothing is kept of it.
"""

import getpass
import os
import sys
import time
from pathlib import Path

from milepost.errors import ConfigurationError, InvalidValue
from milepost.settings import Settings
from milepost.tokens import mint
from milepost_cli import choices
from milepost_cli.operating import DEFAULT_FOLDER


def run(*, name: str | None, minutes: int, data_dir: str | None) -> int:
    """Print the token alone on standard output, and on standard error what it is for.

    Args:
        name: who it says acts, in the audit trail and in events; null: the system's user.
        minutes: how long it is good.

    Returns:
        The exit status: 2 where there is no secret, or no such name.
    """
    try:
        settings = _settings(Path(data_dir or DEFAULT_FOLDER))
        settings.require_secret()
        owner = f"operator:{name or getpass.getuser()}"
        token = mint(
            owner, settings.secrets[0], now=time.time(), ttl_seconds=minutes * 60,
            scopes=["admin"], audience=settings.jwt_audience,
        )  # fmt: skip
    except (ConfigurationError, InvalidValue) as err:
        sys.stderr.write(f"milepost: {err}\n")
        return 2
    sys.stderr.write(f"For {minutes} minutes, as {owner}; paste it at /operators:\n")
    sys.stdout.write(f"{token}\n")
    return 0


def _settings(folder: Path) -> Settings:
    """With the secret of the environment, else of the data folder.

    Raises:
        ConfigurationError: there is neither, or it cannot be used.
    """
    if choices.given(os.environ, "SECRET"):
        return Settings.load()
    try:
        secret = (folder / "secret").read_text().strip()
    except OSError as err:
        raise ConfigurationError(
            f"cannot read the secret in {folder} ({err.strerror}): name the data folder with "
            "--data-dir, or set MILEPOST_SECRET"
        ) from err
    return Settings.load(secret=secret)

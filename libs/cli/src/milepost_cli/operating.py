"""Owns which Milepost commands for operators work on: the environment's, or what `up` runs."""

import os
from pathlib import Path

from milepost.errors import ConfigurationError
from milepost.settings import Settings
from milepost_cli import choices, instance

DEFAULT_FOLDER = ".milepost"


def settings(data_dir: str | None) -> Settings:
    """The settings of the Milepost to work on.

    A variable that is set wins. The rest is taken from what runs in the data folder, unless
    MILEPOST_REDIS_URL names another Redis than that uses: then the folder has no part in it.

    Args:
        data_dir: as given on the command line; None: `.milepost`, if it is there.

    Raises:
        ConfigurationError: a variable has no usable value, or nothing says where Redis is.
    """
    redis_url = choices.given(os.environ, "REDIS_URL")
    try:
        found = instance.find(Path(data_dir or DEFAULT_FOLDER).absolute())
    except ConfigurationError:
        if redis_url is None:
            raise
        found = None
    if found is None and redis_url is None:
        raise ConfigurationError(
            f"no milepost runs in {data_dir or DEFAULT_FOLDER}, and MILEPOST_REDIS_URL is not set: "
            "name the data folder of a running `./milepost up` with --data-dir, or set it"
        )
    if found is None or redis_url not in (None, found.settings.get("REDIS_URL")):
        return Settings.load()
    told = {
        name.lower(): value
        for name, value in found.settings.items()
        if choices.given(os.environ, name) is None
    }
    return Settings.load(**told)

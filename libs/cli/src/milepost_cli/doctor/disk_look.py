"""Owns asking how much room the disk of a data folder has. Writes nothing, judges nothing."""

import shutil
from pathlib import Path


def free_bytes(folder: Path) -> int | None:
    """What is free where a folder is; null where it is not there."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None

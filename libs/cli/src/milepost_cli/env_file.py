"""Owns `milepost init`: writes the secrets of a deployment to .env. Overwrites no value."""

import os
import re
import sys
from pathlib import Path

NAMES = ("MILEPOST_SECRET", "POSTGRES_PASSWORD", "VALKEY_PASSWORD", "GRAFANA_PASSWORD")
"""Compose needs the first two; for the others it takes the second where there are none."""


def run() -> int:
    """Complete .env in the current folder; the exit status."""
    file = Path(".env").resolve()  # a link stays a link
    try:
        before = file.read_text() if file.exists() else ""
        after, made = complete(before, {name: os.urandom(32).hex() for name in NAMES})
        _write(file, after)
    except (OSError, UnicodeDecodeError) as err:
        sys.stderr.write(f"milepost: cannot write {file}: {err}\n")
        return 2
    kept = [name for name in NAMES if name not in made]
    said = [
        f"made {' and '.join(made)}" if made else "",
        f"kept {' and '.join(kept)}" if kept else "",
    ]
    sys.stdout.write(f"{file}: {', '.join(filter(None, said))}\n")
    return 0


def complete(text: str, values: dict[str, str]) -> tuple[str, list[str]]:
    """The text of an env file with each variable that has no value yet, and which those were.

    All other lines stay as they are; an empty assignment is filled in where it stands.
    """
    lines = text.splitlines()
    made: list[str] = []
    for name, value in values.items():
        places = [
            (number, found[1])
            for number, line in enumerate(lines)
            if (found := re.match(rf"\s*(?:export\s+)?{name}\s*=\s*(.*?)\s*$", line))
        ]
        if any(present.partition("#")[0].strip(" \t\"'") for _, present in places):
            continue
        made.append(name)
        if places:
            lines[places[-1][0]] = f"{name}={value}"
        else:
            lines.append(f"{name}={value}")
    return "".join(f"{line}\n" for line in lines), made


def _write(file: Path, text: str) -> None:
    """Replace the file by one that its owner alone can read, whole or not at all."""
    draft = file.with_name(f".env.{os.getpid()}.new")
    try:
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(handle)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)

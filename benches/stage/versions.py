"""Owns the versions of what a measurement stands on besides Python, Valkey and peers' packages."""

import sqlite3
import subprocess
from importlib import metadata

from postgres_server import programs


def packages(*names: str) -> list[str]:
    """Of our own environment, such as uvicorn 0.40.0."""
    return [f"{name} {metadata.version(name)}" for name in names]


def sqlite() -> str:
    """Such as SQLite 3.46.1."""
    return f"SQLite {sqlite3.sqlite_version}"


def postgresql() -> str:
    """Such as PostgreSQL 16.2."""
    asked = [programs() / "postgres", "--version"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return f"PostgreSQL {said.split()[-1]}"

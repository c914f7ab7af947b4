"""Owns what `up` chooses where the environment says nothing. Pure: makes no file and no secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIX = "MILEPOST_"
GRACE_SECONDS = 5.0

CHOSEN = {
    "PARTITIONS": "1",
    "SIGNUP": "open",
    "DEMO": "1",
    "PUBLIC_TYPES": "mail.send",  # it ends in our own sink here; elsewhere it would be a relay
    # A lease has to outlast what holds a living worker up; a crash is noticed when it is over. On
    # one machine there is no network between a worker and its log, and its helper beats every 3 s
    # whatever the task does: 10 s leave room for a machine that swaps, and a person who watches a
    # task of a killed worker waits for 10 s instead of 30.
    "LEASE_SECONDS": "10",
    # Ctrl-C has to be through in 10 s, Valkey's end included; what is not done by then resumes.
    "GRACE_SECONDS": f"{GRACE_SECONDS:g}",
}


@dataclass(frozen=True, slots=True)
class Own:
    """What `up` itself brings along for its children; None where the environment has it already."""

    url: str
    """Where both services answer, such as http://127.0.0.1:8000."""
    database_url: str
    secret: str | None
    redis_url: str | None
    smtp_url: str | None


def given(environ: Mapping[str, str], name: str) -> str | None:
    """The value of a MILEPOST_ variable; an empty one (compose passes those) is not given."""
    return environ.get(PREFIX + name) or None


def database_url(file: Path) -> str:
    """The SQLite file as a SQLAlchemy URL, whatever characters its path has."""
    return f"sqlite+aiosqlite:///{str(file).replace('%', '%25').replace('?', '%3F')}"


def environment(environ: Mapping[str, str], own: Own, tasks: str | None) -> dict[str, str]:
    """The environment of the children: all that is given, and our choice for the rest.

    Args:
        environ: the environment `up` was started in.
        own: what it brings along.
        tasks: modules from the command line, which beat MILEPOST_TASKS.
    """
    brought = {
        "SUBMIT_URL": own.url,
        "NOTIFY_URL": own.url,
        "DATABASE_URL": own.database_url,
        "SECRET": own.secret,
        "REDIS_URL": own.redis_url,
        "SMTP_URL": own.smtp_url,
    }
    chosen = dict(environ)
    for name, value in (CHOSEN | brought).items():
        if given(environ, name) is None and value is not None:
            chosen[PREFIX + name] = value
    if tasks is not None:
        chosen[PREFIX + "TASKS"] = tasks
    # What a task prints shall be in the log before the task ends, and when its process is killed.
    chosen.setdefault("PYTHONUNBUFFERED", "1")
    return chosen


def sends_for_strangers(environ: Mapping[str, str]) -> bool:
    """Whether anybody could sign up and send real mail.

    Args:
        environ: the environment `up` was started in.
    """
    if given(environ, "SMTP_URL") is None:
        return False
    public = given(environ, "PUBLIC_TYPES") or CHOSEN["PUBLIC_TYPES"]
    signup = given(environ, "SIGNUP") or CHOSEN["SIGNUP"]
    return signup == "open" and "mail.send" in [name.strip() for name in public.split(",")]


def grace_seconds(environment: Mapping[str, str]) -> float:
    """How long workers may take to stop; a value that is none is the workers' to complain about."""
    try:
        return max(0.0, float(environment[PREFIX + "GRACE_SECONDS"]))
    except ValueError:
        return GRACE_SECONDS

"""What `up` chooses, and what it leaves to the environment."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from milepost.settings import Settings
from milepost_cli.choices import (
    Own,
    database_url,
    environment,
    given,
    grace_seconds,
    sends_for_strangers,
)

OWN = Own(
    url="http://127.0.0.1:8000",
    database_url="sqlite+aiosqlite:////data/milepost.db",
    secret="s" * 64,
    redis_url="redis://:pw@127.0.0.1:20000/0",
    smtp_url="smtp://127.0.0.1:1",
)


def test_what_is_unset_is_chosen() -> None:
    chosen = environment({"PATH": "/bin"}, OWN, None)
    assert chosen == {
        "PATH": "/bin",
        "PYTHONUNBUFFERED": "1",
        "MILEPOST_PARTITIONS": "1",
        "MILEPOST_SIGNUP": "open",
        "MILEPOST_DEMO": "1",
        "MILEPOST_PUBLIC_TYPES": "mail.send",
        "MILEPOST_LEASE_SECONDS": "10",
        "MILEPOST_GRACE_SECONDS": "5",
        "MILEPOST_SUBMIT_URL": "http://127.0.0.1:8000",
        "MILEPOST_NOTIFY_URL": "http://127.0.0.1:8000",
        "MILEPOST_DATABASE_URL": "sqlite+aiosqlite:////data/milepost.db",
        "MILEPOST_SECRET": "s" * 64,
        "MILEPOST_REDIS_URL": "redis://:pw@127.0.0.1:20000/0",
        "MILEPOST_SMTP_URL": "smtp://127.0.0.1:1",
    }


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_variable_that_is_given_is_honoured(name: str) -> None:
    variable = f"MILEPOST_{name.upper()}"
    assert environment({variable: "given"}, OWN, None)[variable] == "given"


def test_an_empty_variable_counts_as_unset() -> None:
    assert given({"MILEPOST_SECRET": ""}, "SECRET") is None
    assert environment({"MILEPOST_SECRET": ""}, OWN, None)["MILEPOST_SECRET"] == "s" * 64


def test_what_is_not_brought_along_is_not_set() -> None:
    own = Own(url="u", database_url="d", secret=None, redis_url=None, smtp_url=None)
    chosen = environment({"MILEPOST_REDIS_URL": "redis://theirs"}, own, None)
    assert chosen["MILEPOST_REDIS_URL"] == "redis://theirs"
    assert not {"MILEPOST_SECRET", "MILEPOST_SMTP_URL"} & chosen.keys()


def test_tasks_of_the_command_line_beat_those_of_the_environment() -> None:
    assert environment({"MILEPOST_TASKS": "a"}, OWN, "b")["MILEPOST_TASKS"] == "b"
    assert environment({"MILEPOST_TASKS": "a"}, OWN, None)["MILEPOST_TASKS"] == "a"


def test_the_choices_are_settings_that_load(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment({}, OWN, "mine").items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    assert (settings.partitions, settings.signup, settings.demo) == (1, "open", True)
    assert (settings.lease_seconds, settings.tasks) == (10.0, "mine")
    settings.require_secret()


@pytest.mark.parametrize(
    "path", ["/a b/milepost.db", "/a?b/milepost.db", "/a%20b/milepost.db", "/a#ü@:/milepost.db"]
)
def test_any_folder_can_hold_the_database(path: str) -> None:
    assert make_url(database_url(Path(path))).database == path


def test_a_grace_that_is_no_number_is_for_the_worker_to_complain_about() -> None:
    assert grace_seconds({"MILEPOST_GRACE_SECONDS": "60"}) == 60
    assert grace_seconds({"MILEPOST_GRACE_SECONDS": "soon"}) == 5
    assert grace_seconds({"MILEPOST_GRACE_SECONDS": "-1"}) == 0


@pytest.mark.parametrize(
    ("given", "warned"),
    [
        ({}, False),
        ({"SMTP_URL": ""}, False),
        ({"SMTP_URL": "smtp://mail.example"}, True),
        ({"SMTP_URL": "smtp://mail.example", "SIGNUP": "open"}, True),
        ({"SMTP_URL": "smtp://mail.example", "SIGNUP": "closed"}, False),
        ({"SMTP_URL": "smtp://mail.example", "PUBLIC_TYPES": "own.task"}, False),
        ({"SMTP_URL": "smtp://mail.example", "PUBLIC_TYPES": "own.task, mail.send"}, True),
    ],
)
def test_real_mail_for_whoever_signs_up_is_noticed(given: dict[str, str], warned: bool) -> None:
    environ = {f"MILEPOST_{name}": value for name, value in given.items()}
    assert sends_for_strangers(environ) is warned

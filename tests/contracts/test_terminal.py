"""The terminal client is a consumer of both services: its commands say what it needs."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from pact import match

from milepost_cli.main import main
from pact_exchange import A_TOKEN, SIGNED_IN, Exchange, a_task, from_state, kept, mocked
from pact_shapes import (
    CURSOR,
    DONE,
    NEW,
    PARAMS,
    STOPPED,
    TASK_ID,
    WAITING,
    accepted,
    history,
    page,
    task,
    told,
)

TASKS, NEWS = "/api/submit/tasks", "/api/notify/notifications"
SEEN = "/api/notify/tasks"
TOKEN_ID = "0123456789abcdef0123456789abcdef"


def since(name: str = "cursor") -> Any:
    return from_state("AQ-page", f"${{{name}}}", f"^{CURSOR}$")


SIGNING = [
    Exchange(
        "submit",
        "to sign in",
        ("somebody has an account", {}),
        "POST",
        "/api/submit/session",
        body={"username": from_state("ann", "${username}"), "password": "correct horse battery"},
        answer={"username": match.str("ann"), "owner": match.str("local:ann")},
        answer_headers={
            "Set-Cookie": match.regex("milepost_session=a; Path=/", regex="^milepost_session=.+")
        },
    ),
    Exchange(
        "submit",
        "a token that lasts",
        SIGNED_IN,
        "POST",
        "/api/submit/access-tokens",
        headers={"Cookie": match.regex("milepost_session=a", regex="^milepost_session=.+")},
        body={"name": match.regex("milepost on a", regex="^milepost on .+")},
        status=201,
        answer={"id": match.str(TOKEN_ID), "token": match.str("a.b.c")},
    ),
    Exchange("submit", "to sign out", SIGNED_IN, "DELETE", "/api/submit/session", status=204),
    Exchange(
        "submit",
        "to revoke the token",
        ("somebody has an access token", {}),
        "DELETE",
        from_state(
            f"/api/submit/access-tokens/{TOKEN_ID}",
            "/api/submit/access-tokens/${token_id}",
            "^/api/submit/access-tokens/[^/]+$",
        ),
        status=204,
    ),
]

SENDING = [
    Exchange(
        "submit",
        "which types there are",
        A_TOKEN,
        "GET",
        "/api/submit/task-types",
        answer=match.array_containing(
            [
                {
                    "name": "demo.steps",
                    "title": match.str("Steps"),
                    "description": match.str(""),
                    "queue": match.str("default"),
                    "public": True,
                    "params_schema": match.like(
                        {
                            "type": "object",
                            "properties": {
                                "steps": {"type": "integer"},
                                "seconds": {"type": "number"},
                            },
                        }
                    ),
                }
            ]
        ),
    ),
    Exchange(
        "submit",
        "to submit a task",
        A_TOKEN,
        "POST",
        TASKS,
        status=201,
        answer=accepted(NEW),
        headers={"Authorization": match.regex("Bearer a", regex="^Bearer .+")},
        body={
            "id": match.regex(NEW, regex=f"^{TASK_ID}$"),
            "type": "demo.steps",
            "params": PARAMS,
            "title": "Steps",
            "tags": ["t"],
        },
    ),
    Exchange(
        "notify",
        "a task once a revision is in it",
        a_task(NEW, "succeeded"),
        "GET",
        f"{SEEN}/{NEW}",
        query={"at_least": since("revision")},
        answer=task(NEW, "succeeded"),
    ),
]

WATCHING = [
    Exchange(
        "notify",
        "a task",
        a_task(WAITING, "scheduled"),
        "GET",
        f"{SEEN}/{WAITING}",
        answer=task(WAITING, "scheduled"),
    ),
    Exchange(
        "notify",
        "what is new, for as long as it takes",
        ("a task is cancelled after a cursor", {"id": WAITING}),
        "GET",
        NEWS,
        query={"since": since(), "wait": "25", "limit": "1000"},
        answer=page(told(WAITING, "cancelled")),
    ),
    Exchange(
        "notify",
        "a task at its end",
        a_task(WAITING, "cancelled"),
        "GET",
        f"{SEEN}/{WAITING}",
        query={"at_least": since("revision")},
        answer=task(WAITING, "cancelled"),
    ),
]

LOOKING = [
    Exchange(
        "notify",
        "the newest tasks",
        a_task(DONE, "succeeded"),
        "GET",
        SEEN,
        query={"status": "all", "limit": "20"},
        answer={
            "tasks": match.array_containing(
                [{k: v for k, v in task(DONE, "succeeded").items() if k != "params"}]
            ),
            "before": None,
        },
    ),
    Exchange(
        "notify",
        "a task that has ended",
        a_task(DONE, "succeeded"),
        "GET",
        f"{SEEN}/{DONE}",
        answer=task(DONE, "succeeded"),
    ),
    Exchange(
        "notify",
        "the history of a task",
        a_task(DONE, "succeeded"),
        "GET",
        f"{SEEN}/{DONE}/events",
        query={"limit": "1000"},
        answer=history(),
    ),
    Exchange(
        "notify",
        "the rest of a history",
        a_task(DONE, "succeeded"),
        "GET",
        f"{SEEN}/{DONE}/events",
        query={"limit": "1000", "after": since()},
        answer={"events": []},
    ),
    Exchange(
        "notify",
        "why a task waits",
        a_task(WAITING, "scheduled"),
        "GET",
        f"{SEEN}/{WAITING}/explain",
        answer={"words": match.str("It waits")},
    ),
    Exchange(
        "submit",
        "to cancel a task",
        a_task(WAITING, "scheduled"),
        "POST",
        f"{TASKS}/{WAITING}/cancel",
        status=202,
        answer={"id": WAITING, "status": match.str("cancelled")},
    ),
    Exchange(
        "submit",
        "to run a task again",
        a_task(STOPPED, "cancelled"),
        "POST",
        f"{TASKS}/{STOPPED}/retry",
        headers={"Idempotency-Key": match.regex(NEW, regex=f"^{TASK_ID}$")},
        status=201,
        answer=accepted(NEW),
    ),
]


def test_what_the_terminal_client_says_and_needs_is_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made, home = tmp_path / "pacts", tmp_path / "home"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))

    def run(*arguments: str) -> None:
        status = main([*arguments, "--url", url])
        assert status == 0, arguments

    with mocked("terminal", made, SIGNING) as url:
        monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse battery\n"))
        run("login", "--username", "ann", "--password-stdin")
        run("logout")
    monkeypatch.setenv("MILEPOST_TOKEN", "a.b.c")
    with mocked("terminal", made, SENDING) as url:
        run("send", "demo.steps", "steps=1", "seconds=0", "--title", "Steps", "--tag", "t")
    with mocked("terminal", made, WATCHING) as url, pytest.raises(AssertionError, match="watch"):
        run("watch", WAITING)  # whose status says that it was cancelled
    with mocked("terminal", made, LOOKING) as url:
        run("tasks")
        run("show", DONE)
        run("explain", WAITING)
        run("cancel", WAITING)
        run("retry", STOPPED, "--detach")
    kept(made)

"""The page is a consumer of both services: its own code, under Node, says what it needs."""

import subprocess
from pathlib import Path
from typing import Any

from pact import match

from milepost_cli import frontend
from pact_exchange import A_TOKEN, SIGNED_IN, Exchange, a_task, from_state, kept, mocked
from pact_shapes import (
    CURSOR,
    DONE,
    NEW,
    PARAMS,
    STOPPED,
    TASK_ID,
    WAITING,
    a_cursor,
    accepted,
    page,
    problem,
    row,
    task,
    told,
)
from up_process import ROOT

CORE = ROOT / "services/notify/src/milepost_notify/static/milepost-core.js"
TASKS = "/api/submit/tasks"
NEWS = "/api/notify/notifications"
ACCOUNT: dict[str, Any] = {
    "username": from_state("ann", "${username}"), "password": "correct horse battery"
}  # fmt: skip
WHO: dict[str, Any] = {
    "username": match.str("ann"),
    "owner": match.regex("local:ann", regex="^local:.+"),
}
AFTER = {"since": from_state("AQ-page", "${cursor}", f"^{CURSOR}$"), "limit": "100"}

EXCHANGES = [
    Exchange(
        "submit",
        "to sign up",
        ("nobody is signed in", {}),
        "POST",
        "/api/submit/accounts",
        body=ACCOUNT,
        status=201,
    ),
    Exchange(
        "submit",
        "to sign in",
        ("somebody has an account", {}),
        "POST",
        "/api/submit/session",
        body=ACCOUNT,
        answer=WHO,
        answer_headers={
            "Set-Cookie": match.regex(
                "milepost_session=a; HttpOnly", regex="^milepost_session=.+; HttpOnly.*"
            )
        },
    ),
    Exchange("submit", "who is signed in", SIGNED_IN, "GET", "/api/submit/session", answer=WHO),
    Exchange("submit", "to sign out", SIGNED_IN, "DELETE", "/api/submit/session", status=204),
    Exchange(
        "submit",
        "to submit a task",
        A_TOKEN,
        "POST",
        TASKS,
        status=201,
        answer=accepted(NEW),
        body={
            "id": match.regex(NEW, regex=f"^{TASK_ID}$"),
            "type": "demo.steps",
            "params": PARAMS,
            "title": "Steps",
            "tags": ["t"],
        },
    ),
    Exchange(
        "submit",
        "to submit a task of a type that is none",
        A_TOKEN,
        "POST",
        TASKS,
        body={"id": match.regex(NEW, regex=f"^{TASK_ID}$"), "type": "no.such", "params": {}},
        status=404,
        answer=problem("unknown-type", 404),
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
        headers={"Idempotency-Key": match.regex(NEW, regex=TASK_ID)},
        status=201,
        answer=accepted(NEW),
    ),
    Exchange(
        "submit",
        "to close a task",
        a_task(DONE, "succeeded"),
        "POST",
        f"{TASKS}/{DONE}/dismiss",
        status=204,
    ),
    Exchange(
        "submit",
        "to mark as read",
        a_task(DONE, "succeeded"),
        "POST",
        "/api/submit/inbox/read",
        body={"until": from_state("AQ-page", "${cursor}", f"^{CURSOR}$")},
        status=204,
    ),
    Exchange(
        "notify",
        "all there is",
        a_task(DONE, "succeeded"),
        "GET",
        NEWS,
        query={"limit": "100"},
        answer=page(told(DONE, "succeeded"), row(match.int(1), "unread_message_count")),
    ),
    Exchange(
        "notify",
        "what is new, when nothing is",
        a_task(DONE, "succeeded"),
        "GET",
        NEWS,
        query=AFTER,
        answer=page(),
    ),
    Exchange(
        "notify",
        "what is new, for as long as it takes",
        ("a task is cancelled after a cursor", {"id": STOPPED}),
        "GET",
        NEWS,
        query=AFTER | {"wait": "25"},
        answer=page(told(STOPPED, "cancelled")),
    ),
    Exchange(
        "notify",
        "a task with everything",
        a_task(DONE, "succeeded"),
        "GET",
        f"/api/notify/tasks/{DONE}",
        answer=task(DONE, "succeeded", revision=a_cursor("AQ-succeeded")),
    ),
]


def test_what_the_page_says_and_needs_is_what_is_kept(tmp_path: Path):
    program = frontend.node()
    assert program is not None
    with mocked("page", tmp_path, EXCHANGES) as url:
        done = subprocess.run(
            [
                program, str(Path(__file__).with_name("page.mjs")), url, CORE.as_uri(),
                frontend.FOLDER.as_uri(), DONE, WAITING, STOPPED,
            ],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    kept(tmp_path)

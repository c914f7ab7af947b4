"""The page is a consumer of both services: its own code, under Node, says what it needs."""

import re
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
    a_moment,
    accepted,
    history,
    page,
    problem,
    row,
    task,
    told,
)
from up_process import ROOT

SOURCES = frontend.FOLDER / "src"
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
SESSIONS = "/api/submit/sessions"
HERE: dict[str, Any] = {
    "id": match.str("5e55"), "current": True, "created_at": a_moment(), "last_used_at": a_moment()
}  # fmt: skip
STEPS: dict[str, Any] = {
    "name": "demo.steps", "title": match.str("Demonstration"), "description": match.str("Steps"),
    "params_schema": {"properties": match.like({"steps": {"type": "integer"}})},
}  # fmt: skip
CLOSED = {k: v for k, v in task(DONE, "succeeded", dismissed=True).items() if k != "params"}
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
    Exchange(
        "submit",
        "what there is to submit",
        SIGNED_IN,
        "GET",
        "/api/submit/task-types",
        answer=match.array_containing([STEPS]),
    ),
    Exchange(
        "notify",
        "closed tasks",
        ("there is a closed task", {"id": DONE}),
        "GET",
        "/api/notify/tasks",
        query={"status": "dismissed", "limit": "30"},
        answer={"tasks": match.array_containing([CLOSED]), "before": None},
    ),
    Exchange(
        "notify",
        "what happened to a task",
        a_task(DONE, "succeeded"),
        "GET",
        f"/api/notify/tasks/{DONE}/events",
        query={"limit": "1000"},
        answer=history(),
    ),
    Exchange(
        "notify",
        "why a task waits",
        a_task(WAITING, "scheduled"),
        "GET",
        f"/api/notify/tasks/{WAITING}/explain",
        answer={"words": match.str("It waits")},
    ),
    Exchange(
        "submit",
        "where somebody is signed in",
        SIGNED_IN,
        "GET",
        SESSIONS,
        answer={"sessions": match.array_containing([HERE])},
    ),
    Exchange(
        "submit",
        "to change the password",
        SIGNED_IN,
        "PUT",
        "/api/submit/password",
        body={"current": ACCOUNT["password"], "new": "another horse battery"},
        status=204,
    ),
    Exchange(
        "submit",
        "to sign out one browser",
        SIGNED_IN,
        "DELETE",
        from_state(f"{SESSIONS}/5e55", f"{SESSIONS}/${{session_id}}", f"^{SESSIONS}/.+"),
        status=204,
    ),
    Exchange("submit", "to sign out everywhere", SIGNED_IN, "DELETE", SESSIONS, status=204),
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


def paths_in(text: str) -> set[str]:
    """The paths of the API that a source names, each part that it fills in as `*`."""
    text = text.replace("${taskPath(id)}", "/tasks/${id}")  # core/client.js
    found = re.findall(r"""["`](/api/(?:\$\{[^}]*\}|[\w/-])+)["`]""", text)
    return {re.sub(r"\$\{[^}]*\}", "*", path) for path in found}


def test_no_path_that_the_page_asks_is_in_no_pact():
    """The operators' page is another one, and its calls are in none."""
    sources = [file for file in SOURCES.rglob("*.js") if file.parent.name != "operators"]
    asked = {path for file in sources for path in paths_in(file.read_text())}
    assert {"/api/submit/password", "/api/submit/sessions/*", "/api/notify/tasks/*"} <= asked
    known = {re.sub(rf"{TASK_ID}|5e55", "*", said(each.path)) for each in EXCHANGES}
    assert sorted(asked - known) == []


def said(path: Any) -> str:
    """A path as the consumer's own test has it."""
    return path if isinstance(path, str) else path.to_integration_json()["value"]

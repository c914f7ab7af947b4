"""Cancel, retry, dismiss, read: of live tasks by the log, of old ones by asking notify."""

from typing import Any

import httpx
import pytest

from milepost.cursors import Cursor, StreamId
from milepost.events import Actor, InboxRead, TaskCreated
from milepost.ids import uuid7
from milepost_service.sessions import SESSION_COOKIE
from submit_surroundings import ORIGIN, Bearer, Log, Notify, session_of
from valkey_cluster import BOTH

pytestmark = BOTH

TASKS = "/api/submit/tasks"
READ = "/api/submit/inbox/read"
BODY: dict[str, Any] = {
    "type": "free.form", "params": {"n": 1}, "title": "Mine", "tags": ["t"], "priority": "low"
}  # fmt: skip
OLD = uuid7(1_600_000_000_000, bytes(10))


def record(status: str, **changes: Any) -> dict[str, Any]:
    """A task as notify shows it, with a field that submit does not know."""
    return {
        "id": OLD, "type": "free.form", "title": "Old", "tags": ["t"], "priority": "high",
        "status": status, "params": {"n": 2}, "dismissed": False, "from_the_future": 1, **changes,
    }  # fmt: skip


async def make(client: httpx.AsyncClient, headers: dict[str, str]) -> str:
    answer = await client.post(TASKS, json=BODY, headers=headers)
    return answer.json()["id"]


def types(log: Log) -> list[str]:
    return [event.payload.type for event in log.events()]


async def test_cancelling_is_repeatable_and_one_event(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    task = await make(client, bearer("bob"))
    for _ in range(2):
        answer = await client.post(f"{TASKS}/{task}/cancel", headers=bearer("bob"))
        assert (answer.status_code, answer.json()) == (202, {"id": task, "status": "cancelled"})
    assert types(log) == ["task.created", "task.cancelled"]


async def test_cancelling_a_running_task_only_asks(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    task = await make(client, bearer("bob"))
    log.end(task, "running")
    for _ in range(2):
        answer = await client.post(f"{TASKS}/{task}/cancel", headers=bearer("bob"))
        assert (answer.status_code, answer.json()["status"]) == (202, "running")
    assert types(log) == ["task.created", "task.cancel_requested"]


@pytest.mark.parametrize("status", ["succeeded", "failed"])
async def test_cancelling_what_has_ended_is_409(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, status: str
) -> None:
    task = await make(client, bearer("bob"))
    log.end(task, status)
    answer = await client.post(f"{TASKS}/{task}/cancel", headers=bearer("bob"))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:milepost:refused")
    assert types(log) == ["task.created"]


async def test_what_has_succeeded_is_not_run_again_though_its_params_are_gone(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    task = await make(client, bearer("bob"))
    log.end(task, "succeeded", d="")
    answer = await client.post(f"{TASKS}/{task}/retry", headers=bearer("bob"))
    assert answer.status_code == 409
    assert answer.json()["detail"] == "The task is succeeded"


@pytest.mark.parametrize("what", ["cancel", "retry", "dismiss"])
@pytest.mark.parametrize("stranger", ["bobby", "bob_1", "%", "김철수", "BOB", "bob "])
async def test_anothers_task_is_not_there(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, what: str, stranger: str
) -> None:
    task = await make(client, bearer("bob"))
    log.end(task, "failed")
    answer = await client.post(f"{TASKS}/{task}/{what}", headers=bearer(stranger))
    assert answer.status_code == 404
    assert types(log) == ["task.created"]


@pytest.mark.parametrize("status", ["failed", "cancelled"])
async def test_a_retry_is_a_new_task_like_the_old_one(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, status: str
) -> None:
    task = await make(client, bearer("bob"))
    log.end(task, status)
    answer = await client.post(f"{TASKS}/{task}/retry", headers=bearer("bob"))
    assert answer.status_code == 201
    again = answer.json()
    assert again["id"] != task
    assert answer.headers["location"] == f"/api/notify/tasks/{again['id']}"
    assert (again["title"], again["type"], again["status"]) == ("Mine", "free.form", "queued")
    made = log.events()[-1].payload
    assert isinstance(made, TaskCreated)
    assert (made.retry_of, made.params, made.tags, made.priority) == (
        task, {"n": 1}, ("t",), "low",
    )  # fmt: skip


async def test_a_retry_with_the_same_key_is_made_once(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    task = await make(client, bearer("bob"))
    log.end(task, "failed")
    headers = bearer("bob") | {"Idempotency-Key": "again"}
    first = await client.post(f"{TASKS}/{task}/retry", headers=headers)
    again = await client.post(f"{TASKS}/{task}/retry", headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert types(log) == ["task.created"] * 2


@pytest.mark.parametrize("status", ["queued", "running", "retrying", "scheduled", "succeeded"])
async def test_only_what_failed_or_was_cancelled_is_retried(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, status: str
) -> None:
    task = await make(client, bearer("bob"))
    log.end(task, status)
    answer = await client.post(f"{TASKS}/{task}/retry", headers=bearer("bob"))
    assert answer.status_code == 409
    assert types(log) == ["task.created"]


async def test_dismissing_is_for_ended_tasks_and_repeatable(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    task = await make(client, bearer("bob"))
    path = f"{TASKS}/{task}/dismiss"
    for status in ("queued", "running", "retrying", "scheduled"):
        log.end(task, status)
        assert (await client.post(path, headers=bearer("bob"))).status_code == 409
    log.end(task, "failed")
    for _ in range(2):
        answer = await client.post(path, headers=bearer("bob"))
        assert (answer.status_code, answer.content) == (204, b"")
    assert types(log) == ["task.created", "task.dismissed"]


async def test_a_backend_changes_what_is_its_owners(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    task = await make(client, bearer("bob"))
    headers = bearer("shop", scopes=["service"])
    path = f"{TASKS}/{task}/cancel"
    assert (await client.post(path, headers=headers)).status_code == 404
    answer = await client.post(path, params={"owner": "bob"}, headers=headers)
    assert answer.status_code == 202
    assert log.events()[-1].by == Actor("service", "shop")


async def test_reading_up_to_a_cursor_moves_the_mark_forwards_only(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    revisions: list[str] = []
    for _ in range(3):
        answer = await client.post(TASKS, json=BODY, headers=bearer("bob"))
        revisions.append(answer.json()["revision"])
    for until in (revisions[1], revisions[0], revisions[1]):
        answer = await client.post(READ, json={"until": until}, headers=bearer("bob"))
        assert (answer.status_code, answer.content) == (204, b"")
    reads = [event.payload for event in log.events() if isinstance(event.payload, InboxRead)]
    assert [payload.until for payload in reads] == [str(Cursor.parse(revisions[1]).id)]


async def test_nobody_reads_what_has_not_happened_yet(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    answer = await client.post(TASKS, json=BODY, headers=bearer("bob"))
    last = Cursor.parse(answer.json()["revision"])
    beyond = Cursor(last.partition, last.log, 7, StreamId(2**64 - 1, 2**64 - 1), 3)
    answer = await client.post(READ, json={"until": str(beyond)}, headers=bearer("bob"))
    assert answer.status_code == 204
    (read,) = [event.payload for event in log.events() if isinstance(event.payload, InboxRead)]
    assert read.until == str(last.id)


async def test_an_old_task_is_retried_from_the_archive(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, notify: Notify
) -> None:
    notify.tasks[OLD] = record("failed")
    answer = await client.post(f"{TASKS}/{OLD}/retry", headers=bearer("bob"))
    assert answer.status_code == 201
    (event,) = log.events()
    assert isinstance(event.payload, TaskCreated)
    assert (event.payload.retry_of, event.payload.params) == (OLD, {"n": 2})
    assert (event.owner, event.payload.title, event.payload.priority) == ("bob", "Old", "high")
    (asked,) = notify.requests
    assert asked.headers["authorization"] == bearer("bob")["Authorization"]
    assert asked.url.path == f"/api/notify/tasks/{OLD}"


async def test_notify_is_asked_with_the_callers_cookie_alone(
    client: httpx.AsyncClient, notify: Notify
) -> None:
    session = await session_of(client)
    headers = {"Cookie": f"other=1; {SESSION_COOKIE}={session}", "Origin": ORIGIN}
    assert (await client.post(f"{TASKS}/{OLD}/retry", headers=headers)).status_code == 404
    (asked,) = notify.requests
    assert asked.headers["cookie"] == f"{SESSION_COOKIE}={session}"
    assert "authorization" not in asked.headers


async def test_notify_is_asked_for_the_owner_a_backend_acts_for(
    client: httpx.AsyncClient, bearer: Bearer, notify: Notify, log: Log
) -> None:
    notify.tasks[OLD] = record("cancelled")
    headers = bearer("shop", scopes=["service"])
    path = f"{TASKS}/{OLD}/retry"
    answer = await client.post(path, params={"owner": "b&b=%"}, headers=headers)
    assert answer.status_code == 201
    assert notify.requests[0].url.params["owner"] == "b&b=%"
    assert log.events()[0].owner == "b&b=%"


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
async def test_an_old_task_is_dismissed_by_the_archives_word(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, notify: Notify, status: str
) -> None:
    notify.tasks[OLD] = record(status)
    answer = await client.post(f"{TASKS}/{OLD}/dismiss", headers=bearer("bob"))
    assert answer.status_code == 204
    (event,) = log.events()
    assert (event.payload.type, event.task, event.owner) == ("task.dismissed", OLD, "bob")


async def test_what_the_archive_says_was_dismissed_is_not_dismissed_again(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, notify: Notify
) -> None:
    notify.tasks[OLD] = record("failed", dismissed=True)
    answer = await client.post(f"{TASKS}/{OLD}/dismiss", headers=bearer("bob"))
    assert answer.status_code == 204
    assert log.events() == []


@pytest.mark.parametrize(
    ("what", "status"), [("cancel", "failed"), ("retry", "succeeded"), ("dismiss", "running")]
)
async def test_what_does_not_suit_an_old_tasks_end_is_409(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, notify: Notify, what: str, status: str
) -> None:
    notify.tasks[OLD] = record(status)
    answer = await client.post(f"{TASKS}/{OLD}/{what}", headers=bearer("bob"))
    assert answer.status_code == 409
    assert log.events() == []


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (httpx.ConnectError("refused"), 503),
        (httpx.ReadTimeout("slow"), 503),
        (500, 503),
        (503, 503),
        (302, 503),
        (403, 403),
    ],
)
@pytest.mark.parametrize("what", ["cancel", "retry", "dismiss"])
async def test_without_the_archive_it_is_not_available_rather_than_not_there(
    client: httpx.AsyncClient,
    bearer: Bearer,
    log: Log,
    notify: Notify,
    what: str,
    failure: Exception | int,
    status: int,
) -> None:
    notify.failure = failure
    answer = await client.post(f"{TASKS}/{OLD}/{what}", headers=bearer("bob"))
    assert answer.status_code == status
    assert ("retry-after" in answer.headers) is (status == 503)
    assert answer.headers["content-type"] == "application/problem+json"
    assert log.events() == []


async def test_an_archive_that_answers_nonsense_is_not_available(
    client: httpx.AsyncClient, bearer: Bearer, notify: Notify
) -> None:
    notify.tasks[OLD] = {"id": OLD, "params": 5}
    answer = await client.post(f"{TASKS}/{OLD}/retry", headers=bearer("bob"))
    assert answer.status_code == 503


async def test_a_retry_of_a_private_or_forgotten_type_is_404_and_of_other_params_422(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, notify: Notify
) -> None:
    for changes, status in (
        ({"type": "app.only"}, 404),
        ({"type": "no.more"}, 404),
        ({"type": "mail.send"}, 422),
    ):
        notify.tasks[OLD] = record("failed", **changes)
        answer = await client.post(f"{TASKS}/{OLD}/retry", headers=bearer("bob"))
        assert answer.status_code == status
    assert log.events() == []


async def test_a_live_task_is_never_asked_of_notify(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, notify: Notify
) -> None:
    task = await make(client, bearer("bob"))
    for what in ("cancel", "retry", "dismiss"):
        await client.post(f"{TASKS}/{task}/{what}", headers=bearer("bob"))
    assert notify.requests == []
    log.forget(task)
    assert (await client.post(f"{TASKS}/{task}/cancel", headers=bearer("bob"))).status_code == 404
    assert len(notify.requests) == 1

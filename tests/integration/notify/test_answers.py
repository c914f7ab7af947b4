"""Who may ask what, and what the answer is: statuses, fields, limits."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError

from histories import OOPS, created
from milepost import events as e
from milepost.cursors import Cursor
from milepost.records import Task
from milepost.settings import Settings
from milepost_notify.main import build
from milepost_notify.routers.shapes import Events, Explanation, Notifications, Tasks
from notify_surroundings import API, BASE, Person, Scribe, lines, served, task_id
from waiting import until

RUNNING = e.TaskStarted(worker="w")
PROBLEM = "application/problem+json"


async def finished(
    log: Scribe, title: str = "T", owner: str = "bob", end: e.Payload | None = None, **more: Any
) -> tuple[str, Cursor]:
    task = task_id()
    await log.tell(created(title, **more), task, owner)
    await log.tell(RUNNING, task, owner, attempt=1)
    return task, await log.tell(end or e.TaskSucceeded(), task, owner, attempt=1)


async def test_answers_have_the_shape_that_the_openapi_document_says(log: Scribe, bob: Person):
    task, end = await finished(log, params={"a": [1, None]}, end=e.TaskSucceeded(result=[{}]))
    shown = await bob.read(f"/tasks/{task}", at_least=str(end))
    assert shown.keys() == Task.model_fields.keys()
    assert Task.model_validate(shown).model_dump(mode="json") == shown
    assert (shown["params"], shown["result"]) == ({"a": [1, None]}, [{}])
    for path, shape in (
        ("/notifications", Notifications), ("/tasks", Tasks), (f"/tasks/{task}/events", Events),
        (f"/tasks/{task}/explain", Explanation),
    ):  # fmt: skip
        body = await bob.read(path)
        assert shape.model_validate(body).model_dump(mode="json").keys() == body.keys()


async def test_a_large_result_is_whole_in_the_task_and_left_out_of_notifications(
    log: Scribe, bob: Person
):
    task, end = await finished(log, end=e.TaskSucceeded(result="x" * 60_000))
    await bob.seen(end)
    data = (await bob.poll())["notifications"][0]["data"]
    assert (data["result"], data["result_omitted"]) == (None, True)
    assert "params" not in data
    assert (await bob.read(f"/tasks/{task}"))["result"] == "x" * 60_000
    assert (await bob.read("/tasks"))["tasks"][0]["result"] == "x" * 60_000


async def test_tasks_are_listed_newest_first_in_pages(log: Scribe, bob: Person):
    told = [await log.tell(created(f"{n}", tags=[f"{n % 2}"]), task_id()) for n in range(5)]
    await bob.seen(told[-1])
    titles, before = list[str](), ""
    for _ in range(3):
        page = await bob.read("/tasks", limit=2, before=before)
        titles += [task["title"] for task in page["tasks"]]
        before = page["before"]
    assert titles == ["4", "3", "2", "1", "0"]
    assert before is None
    odd = await bob.read("/tasks", tag="1", type="unit.job", status="active")
    assert [task["title"] for task in odd["tasks"]] == ["3", "1"]
    assert (await bob.read("/tasks", type="mail.send"))["tasks"] == []


async def test_events_come_in_pages_and_the_cursor_is_never_null(log: Scribe, bob: Person):
    task, end = await finished(log)
    await bob.seen(end)
    first = await bob.read(f"/tasks/{task}/events", limit=2)
    assert [event["type"] for event in first["events"]] == ["task.created", "task.started"]
    rest = await bob.read(f"/tasks/{task}/events", after=first["after"])
    assert [event["type"] for event in rest["events"]] == ["task.succeeded"]
    assert rest["events"][0]["id"] == rest["after"]
    none = await bob.read(f"/tasks/{task}/events", after=rest["after"])
    assert (none["events"], none["after"], none["gap"]) == ([], rest["after"], False)


async def test_exception_text_is_for_services_and_operators_only(log: Scribe, person: Any):
    failed = e.TaskFailed(error=OOPS, failures=1, detail="Traceback: secret")
    task, end = await finished(log, end=failed)
    await person().seen(end)
    path = f"/tasks/{task}/events"
    assert "secret" not in str(await person().read(path))
    backend = person("backend", scopes=["service"])
    assert "secret" in str(await backend.read(path, owner="bob"))
    assert "secret" in str(await person(scopes=["tasks:read", "admin"]).read(path))


async def test_a_task_of_another_is_not_there(log: Scribe, person: Any):
    task, end = await finished(log, owner="bobby")
    await person("bobby").seen(end)
    for rest in ("", "/events", "/explain"):
        answer = await person("bob").get(f"/tasks/{task}{rest}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
    assert (await person("bob").get(f"/tasks/{task}", owner="bobby")).status_code == 403
    backend = person("backend", scopes=["service"])
    assert (await backend.read(f"/tasks/{task}", owner="bobby"))["owner"] == "bobby"
    assert (await backend.get("/tasks", owner="")).status_code == 422


async def test_credentials_for_some_tasks_see_those_alone(log: Scribe, person: Any):
    mine, _ = await finished(log, "mine")
    other, end = await finished(log, "other")
    await person().seen(end)
    guest = person(tasks=[mine])
    rows, _ = await guest.follow()
    assert [row["data"]["title"] for row in rows] == ["mine"]
    assert [task["id"] for task in (await guest.read("/tasks"))["tasks"]] == [mine]
    assert (await guest.get(f"/tasks/{other}")).status_code == 404
    assert (await guest.read(f"/tasks/{mine.upper()}"))["id"] == mine


async def test_who_is_not_known_or_may_not_read_is_refused(http: httpx.AsyncClient, person: Any):
    for path in ("/notifications", "/notifications/stream", "/tasks", f"/tasks/{task_id()}"):
        answer = await http.get(f"{API}{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert (await person(scopes=["tasks:write"]).get(path)).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "limit=%2B5", "limit=1_0",
        "limit=%205", "limit=5.5", "limit=1e2", "limit=٥", "wait=%2B1", "wait=1_0",
        "wait=1e9", "wait=-1", "wait=31", "wait=nan",
        "wait=inf", "wait=x", "since=x", "since=" + "A" * 39, "since=" + "A" * 60,
        "since=" + "A" * 5000, "since=%00", "since=%ff",
    ],
)  # fmt: skip
async def test_what_the_poll_does_not_take_is_422(bob: Person, query: str):
    answer = await bob.http.get(f"{API}/notifications?{query}", headers=bob.headers)
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    assert answer.json()["errors"][0]["loc"] == ["query", query.partition("=")[0]]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/tasks?status=x", 422), ("/tasks?before=x", 422), ("/tasks?limit=0", 422),
        (f"/tasks/{task_id(7)}?at_least=x", 422), (f"/tasks/{task_id(7)}/events?after=x", 422),
        (f"/tasks/{task_id(7)}/events?limit=1001", 422), ("/tasks/x", 404), ("/tasks/%00", 404),
        (f"/tasks/{task_id(7)}/nothing", 404), ("/nothing", 404), ("/tasks/", 404),
        ("/notifications/", 404), ("/tasks?unknown=1", 422),
        ("/tasks?limit=5&limit=6", 422),
        ("/notifications?since=&wait=0&tag=", 200), ("/notifications?wait=0.5", 200),
        ("/tasks?before=&type=&tag=", 200), ("/notifications?limit=1000", 200),
    ],
)  # fmt: skip
async def test_every_query_gets_the_status_it_deserves(bob: Person, path: str, status: int):
    answer = await bob.http.get(f"{API}{path}", headers=bob.headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == ("application/json" if status == 200 else PROBLEM)
    assert answer.headers["cache-control"] == "no-store"


async def test_other_methods_are_405_and_say_which_is_allowed(bob: Person):
    for path in ("/notifications", "/tasks", f"/tasks/{task_id()}", "/notifications/stream"):
        answer = await bob.http.post(f"{API}{path}", headers=bob.headers)
        assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM)
        assert answer.headers["allow"] == "GET, HEAD"


async def test_head_is_get_without_a_body(bob: Person, log: Scribe):
    task = task_id()
    await bob.seen(await log.tell(created(), task))
    for path in (
        "/notifications",
        "/tasks",
        f"/tasks/{task}",
        "/livez",
        "/notifications/stream",
    ):
        async with asyncio.timeout(5):
            answer = await bob.http.head(f"{API}{path}", headers=bob.headers)
        assert (answer.status_code, answer.content) == (200, b""), path
    assert answer.headers["content-type"].startswith("text/event-stream")
    page = await bob.http.get("/")
    head = await bob.http.head("/")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(page.content))
    refused = await bob.http.head(f"{API}/tasks?limit=0", headers=bob.headers)
    assert (refused.status_code, refused.content) == (422, b"")
    assert refused.headers["content-type"] == PROBLEM


async def test_a_revision_is_waited_for_and_then_refused_but_never_not_there(
    settings: Settings, log: Scribe
):
    app = build(settings, project=False)  # a process that only answers, and no projector anywhere
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            bob = Person(client)
            task = task_id()
            revision = str(await log.tell(created(), task))
            answer = await bob.get(f"/tasks/{task}", at_least=revision)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert (await bob.get("/notifications")).status_code == 503
            ready = await client.get(f"{API}/readyz")
            assert ready.status_code == 503
            checks = ready.json()["checks"]
            assert checks["projector"] == "partition 0: no projector heard of for 3 s"
            assert (checks["redis"], checks["database"], checks["schema"]) == ("ok", "ok", "ok")


async def test_an_api_process_is_ready_while_it_hears_of_every_projector(
    settings: Settings, app: FastAPI
):
    other = build(settings, project=False)
    async with other.router.lifespan_context(other):
        await until(other.state.ready, lambda checks: set(checks.values()) == {"ok"})


@asynccontextmanager
async def all_places_taken(
    ask: Callable[[], Coroutine[Any, Any, httpx.Response]],
) -> AsyncGenerator[httpx.Response]:
    """Ask eleven times at once, while ten wait: the answer to the one too many."""
    asking = [asyncio.create_task(ask()) for _ in range(11)]
    done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    assert len(done) == 1
    yield done.pop().result()
    for each in asking:
        each.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def test_an_owner_waits_in_ten_places_at_once_and_others_in_theirs(bob: Person):
    cursor = (await bob.poll())["cursor"]
    async with all_places_taken(lambda: bob.get("/notifications", since=cursor, wait=30)) as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (429, PROBLEM)
        assert int(answer.headers["retry-after"]) >= 1
        assert (await bob.get("/notifications/stream")).status_code == 429
        assert (await bob.get("/notifications", since=cursor)).status_code == 200
        bobby = Person(bob.http, "bobby")
        assert (await bobby.get("/notifications", wait=0.01)).status_code == 200


@pytest.mark.parametrize(
    ("path", "query"), [("/notifications", {"wait": 30}), ("/notifications/stream", {})]
)
async def test_who_leaves_frees_his_place(
    app: FastAPI, bob: Person, path: str, query: dict[str, Any]
):
    cursor = (await bob.poll())["cursor"]
    async with served(app) as client:
        over_there = Person(client)
        async with all_places_taken(lambda: over_there.get(path, since=cursor, **query)) as answer:
            assert answer.status_code == 429

        async def one_more() -> int:
            return (await over_there.get("/notifications", since=cursor, wait=0.01)).status_code

        await until(one_more, lambda status: status == 200)


async def test_the_page_is_there_for_everybody_and_strict(http: httpx.AsyncClient):
    page = await http.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    for rule in (
        "default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
        "form-action 'self'", "require-trusted-types-for 'script'",
    ):  # fmt: skip
        assert rule in policy
    script = await http.get("/static/page.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["content-security-policy"] == policy
    unchanged = await http.get("/static/page.js", headers={"If-None-Match": script.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (await http.head("/")).status_code == 200
    assert (await http.get("/favicon.ico")).status_code == 200
    for missing in ("/static/", "/static/nothing.js", "/static/%2e%2e/main.py", "/static", "/x"):
        assert (await http.get(missing)).status_code == 404


async def test_a_database_that_is_away_is_503_and_nothing_of_it_is_told(
    app: FastAPI, bob: Person, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    def away(*_: Any, **__: Any) -> Any:
        raise OperationalError("SELECT secret", {}, Exception("secret"))

    monkeypatch.setattr("milepost_notify.sql_reads.SqlSnapshot.checkpoint", away)
    for path in ("/notifications", "/tasks", f"/tasks/{task_id()}", "/notifications/stream"):
        answer = await bob.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
        assert answer.headers["retry-after"] == "1"
        assert "secret" not in answer.text
    assert "unexpected error" not in lines(caplog, logging.ERROR)

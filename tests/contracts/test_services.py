"""Parts of Milepost are consumers of each other: submit asks notify for what its log has forgotten,
notify asks submit what credentials are, a running task and an application's backend submit."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from pact import match

import milepost
from log_probe import LogProbe
from milepost import tokens
from milepost.settings import Settings
from milepost.task_types import TaskType
from milepost_log import catalogue
from milepost_log.servers import open_servers
from milepost_service.credentials import Sent
from milepost_service.introspection import AskedRegistry
from milepost_submit.main import build
from pact_exchange import Exchange, a_task, from_state, kept, mocked
from pact_shapes import CURSOR, NEW, PARAMS, PARENT, STOPPED, TASK_ID, accepted, task
from surroundings import StartWorker, log, start_worker
from waiting import until

__all__ = ["log", "start_worker"]

SECRET = "a-secret-for-tests-that-has-forty-letters"
BEARER = {"Authorization": match.regex("Bearer a.b.c", regex="^Bearer .+")}
STEPS = TaskType(
    name="demo.steps", title="Steps", public=True, params_schema={"type": "object"},
)  # fmt: skip


def at_least() -> dict[str, Any]:
    return {"at_least": from_state("AQ-accepted", "${revision}", f"^{CURSOR}$")}


async def test_what_submit_needs_of_notify_is_what_is_kept(
    tmp_path: Path, valkey_url: str, namespace: str, database_url: str
):
    needed = (
        "id", "type", "title", "tags", "priority", "status", "params", "dismissed",
    )  # fmt: skip
    exchange = Exchange(
        "notify", "a task that the log has forgotten", a_task(STOPPED, "cancelled"), "GET",
        f"/api/notify/tasks/{STOPPED}", headers=BEARER,
        answer={name: task(STOPPED, "cancelled")[name] for name in needed},
    )  # fmt: skip
    with mocked("submit", tmp_path, [exchange]) as url:
        settings = Settings.load(
            redis_url=valkey_url, namespace=namespace, durability="memory", secret=SECRET,
            database_url=database_url, notify_url=url,
        )  # fmt: skip
        with open_servers(valkey_url) as servers:
            kind = STEPS.model_copy(update={"announced_at": time.time()})
            catalogue.announce(servers, namespace, [kind])
        app, bearer = build(settings), tokens.mint("bob", SECRET, now=time.time())
        async with app.router.lifespan_context(app):
            transport, headers = httpx.ASGITransport(app), {"Authorization": f"Bearer {bearer}"}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://milepost.test", headers=headers
            ) as client:
                await until(app.state.ready, lambda checks: checks["redis"] == "ok")
                answer = await client.post(f"/api/submit/tasks/{STOPPED}/retry")
        assert answer.status_code == 201, answer.text
        assert answer.json()["title"] == "Steps"
    kept(tmp_path)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
async def test_what_notify_needs_of_submit_is_what_is_kept(tmp_path: Path):
    def ask(what: str, form: str, text: Any, credential: Any, state: str) -> Exchange:
        return Exchange(
            "submit", what, (state, {}), "POST", "/api/submit/introspection", headers=BEARER,
            body={"form": form, "text": text}, answer={"credential": credential},
        )  # fmt: skip

    token = {
        "owner": match.str("local:ann"), "kind": "access-token", "id": match.str("1"),
        "scopes": ["tasks:read", "tasks:write"], "tasks": None, "expires_at": None,
    }  # fmt: skip
    exchanges = [
        ask(
            "what an access token is", "bearer", from_state("good", "${token}", "^good$"), token,
            "notify asks about an access token",
        ),
        ask("what nobody has made is", "bearer", "bad", None, "notify asks"),
    ]  # fmt: skip
    with mocked("notify", tmp_path, exchanges) as url:
        registry = AskedRegistry(Settings.load(secret=SECRET, submit_url=url), time.time)
        found = await registry.find(Sent("bearer", "good"))
        assert found is not None
        assert (found.owner, found.kind) == ("local:ann", "access-token")
        assert await registry.find(Sent("bearer", "bad")) is None
        await registry.aclose()
    kept(tmp_path)


async def test_what_a_running_task_needs_is_what_is_kept(
    tmp_path: Path, log: LogProbe, start_worker: StartWorker
):
    exchanges = [
        Exchange(
            "submit", "to submit a child", ("a task is running", {}), "POST", "/api/submit/tasks",
            headers=BEARER
            | {"Idempotency-Key": match.regex(f"{PARENT}:0", regex="^[0-9a-f-]{36}:0$")},
            body={"type": "sample.count", "params": {"upto": 4}}, status=201,
            answer=accepted(NEW) | {"type": "sample.count"},
        ),
        Exchange(
            "notify", "its child at its end", a_task(NEW, "succeeded"), "GET",
            f"/api/notify/tasks/{NEW}", query=at_least(), headers=BEARER,
            answer=task(NEW, "succeeded"),
        ),
    ]  # fmt: skip
    with mocked("worker", tmp_path, exchanges) as url:
        start_worker(submit_url=url, notify_url=url, secret=SECRET)
        parent = await log.create("sample.waiting_parent")
        await log.ended(parent)
        assert log.end_of(parent) == "succeeded"
    kept(tmp_path)


def test_what_an_application_needs_is_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    as_ann = from_state("ann", "${owner}")
    exchanges = [
        Exchange(
            "submit", "to submit for an owner", ("an application acts", {}), "POST",
            "/api/submit/tasks", headers=BEARER,
            body={
                "id": match.regex(NEW, regex=f"^{TASK_ID}$"), "type": "demo.steps",
                "params": PARAMS, "owner": as_ann,
            },
            status=201, answer=accepted(NEW),
        ),
        Exchange(
            "notify", "a task of an owner", ("an application acts", {"id": NEW}), "GET",
            f"/api/notify/tasks/{NEW}", headers=BEARER,
            query=at_least() | {"owner": as_ann}, answer=task(NEW, "succeeded"),
        ),
        Exchange(
            "submit", "to cancel a task that has ended", ("an application acts", {"id": NEW}),
            "POST", f"/api/submit/tasks/{NEW}/cancel", headers=BEARER, query={"owner": as_ann},
            status=409, answer={"type": "urn:milepost:refused", "title": match.str("No")},
        ),
    ]  # fmt: skip
    with mocked("application", tmp_path, exchanges) as url:
        for name in ("SUBMIT_URL", "NOTIFY_URL"):
            monkeypatch.setenv(f"MILEPOST_{name}", url)
        monkeypatch.setenv("MILEPOST_SECRET", SECRET)
        handle = milepost.submit("demo.steps", PARAMS, owner="ann")
        assert handle.wait(timeout=20).status == "succeeded"
        with pytest.raises(milepost.Conflict):
            handle.cancel()
    kept(tmp_path)

"""Another's task is no task: the same answer by the same steps as for an id nobody has."""

from typing import Any

import httpx
import pytest

from milepost.ids import uuid7
from same_steps import steps
from submit_surroundings import Bearer, Clock, Log, Notify

TASKS = "/api/submit/tasks"
BODY: dict[str, Any] = {"type": "free.form", "params": {"n": 1}}


@pytest.mark.parametrize("act", ["cancel", "dismiss", "retry"])
@pytest.mark.parametrize("claims", [{}, {"scopes": ["service"]}], ids=["owner", "service"])
async def test_anothers_task_takes_the_same_steps_as_one_that_nobody_has(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, notify: Notify, valkey_url: str,
    clock: Clock, act: str, claims: dict[str, Any],
) -> None:  # fmt: skip
    made = await client.post(TASKS, json=BODY, headers=bearer("bob"))
    bobs, nobodys = made.json()["id"], uuid7(int(clock.now * 1000), b"nobody has")
    await client.post(f"{TASKS}/{nobodys}/{act}", headers=bearer("eve", **claims))  # scripts loaded
    answers = list[Any]()
    for task in (bobs, nobodys):
        with steps(valkey_url, log.namespace) as done:
            answer = await client.post(f"{TASKS}/{task}/{act}", headers=bearer("eve", **claims))
        assert answer.status_code == 404
        asked = str(notify.requests[-1].url)
        answers.append((done.about(task), answer.content, asked.replace(task, "<0>")))
    assert answers[0] == answers[1]
    assert answers[0][0], "no step was seen"
    assert len(log.events()) == 1


async def test_a_private_type_is_none_to_a_person_and_not_in_the_list(
    client: httpx.AsyncClient, bearer: Bearer
) -> None:
    async def answers(task_type: str, **claims: Any) -> tuple[int, bytes]:
        body: dict[str, Any] = {"type": task_type, "params": {}}
        answer = await client.post(TASKS, json=body, headers=bearer("eve", **claims))
        return answer.status_code, answer.content.replace(task_type.encode(), b"<type>")

    assert await answers("app.only") == await answers("app.none")
    assert (await answers("app.only"))[0] == 404
    for scopes in (["tasks:write"], ["tasks:read", "tasks:write", "admin"]):
        assert (await answers("app.only", scopes=scopes))[0] == 404
    assert (await answers("app.only", scopes=["service"]))[0] == 201
    listed = await client.get("/api/submit/task-types", headers=bearer("eve"))
    assert "app.only" not in [each["name"] for each in listed.json()]


async def test_a_person_cannot_run_again_what_an_application_ran_for_him(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    """Else whoever got one mail sent for him has a mail relay."""
    body: dict[str, Any] = {"type": "app.only", "params": {}, "owner": "eve"}
    task = (await client.post(TASKS, json=body, headers=bearer("app", scopes=["service"]))).json()
    log.end(task["id"], "failed")
    answer = await client.post(f"{TASKS}/{task['id']}/retry", headers=bearer("eve"))
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:milepost:unknown-type")

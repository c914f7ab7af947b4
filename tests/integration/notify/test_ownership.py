"""Another's task is no task: the same answer by the same steps as for an id nobody has."""

from typing import Any

import pytest
from fastapi import FastAPI

from histories import created
from milepost.settings import Settings
from notify_surroundings import Person, Scribe, task_id
from same_steps import steps

PATHS = ["", "/events", "/explain"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("claims", [{}, {"scopes": ["service"]}], ids=["owner", "service"])
async def test_anothers_task_takes_the_same_steps_as_one_that_nobody_has(
    app: FastAPI, log: Scribe, settings: Settings, bob: Person, path: str, claims: dict[str, Any]
) -> None:
    bobs, nobodys = task_id(), task_id()
    await bob.seen(await log.tell(created(), bobs))
    eve = Person(bob.http, "eve", claims)
    await eve.get(f"/tasks/{nobodys}{path}")  # whatever is only done once has been done
    answers = list[Any]()
    for task in (bobs, nobodys):
        with steps(settings.redis_url, settings.namespace) as done:
            answer = await eve.get(f"/tasks/{task}{path}")
        assert answer.status_code == 404
        answers.append((done.about(task), answer.content))
    assert answers[0] == answers[1]
    assert len(answers[0][0]) >= 2, "SQL and the log were asked"
    assert (await bob.get(f"/tasks/{bobs}{path}")).status_code == 200


async def test_a_token_for_single_tasks_shows_no_other_of_its_owner(
    app: FastAPI, log: Scribe, bob: Person
) -> None:
    shown, hidden = task_id(), task_id()
    await log.tell(created(), shown)
    await bob.seen(await log.tell(created(), hidden))
    guest = Person(bob.http, "bob", {"tasks": [shown]})
    for path in PATHS:
        assert (await guest.get(f"/tasks/{hidden}{path}")).status_code == 404
        assert (await guest.get(f"/tasks/{shown}{path}")).status_code == 200
    assert [each["id"] for each in (await guest.read("/tasks"))["tasks"]] == [shown]
    rows, _ = await guest.follow()
    assert [row["data"]["id"] for row in rows] == [shown]

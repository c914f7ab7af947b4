"""A batch is one append: all of it once, or none of it."""

from typing import Any

import httpx
import pytest

from milepost.ids import uuid7
from submit_surroundings import Bearer, Log
from valkey_cluster import BOTH

pytestmark = BOTH

TASKS = "/api/submit/tasks"
BATCH = f"{TASKS}/batch"
MOST_LIVE = 50


def item(number: int, **params: Any) -> dict[str, Any]:
    task_id = uuid7(1_700_000_000_000 + number, number.to_bytes(10, "big"))
    return {"type": "free.form", "params": {"n": number, **params}, "id": task_id}


def kept(log: Log) -> dict[str, bytes]:
    """All that Redis has of partitions."""
    return {name: log.client.dump(name) for name in log.names() if name.startswith("{")}


def batch(*items: dict[str, Any]) -> dict[str, Any]:
    return {"tasks": list(items)}


@pytest.mark.parametrize("how", ["ids", "key"])
async def test_the_same_batch_again_gets_the_first_answer_and_appends_nothing(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, how: str
) -> None:
    items = [item(number) for number in range(MOST_LIVE)]
    headers = bearer("bob")
    if how == "key":
        items = [{name: each[name] for name in ("type", "params")} for each in items]
        headers |= {"Idempotency-Key": "k"}
    first = await client.post(BATCH, json=batch(*items), headers=headers)
    again = await client.post(BATCH, json=batch(*items), headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    events = log.events()
    assert [event.task for event in events] == [each["id"] for each in first.json()["tasks"]]
    assert [event.payload.params["n"] for event in events] == list(range(MOST_LIVE))  # pyright: ignore  # all created


async def test_of_a_batch_that_is_known_in_part_the_rest_is_accepted(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    headers = bearer("bob")
    known = await client.post(TASKS, json=item(1), headers=headers)
    answer = await client.post(BATCH, json=batch(item(0), item(1), item(2)), headers=headers)
    assert (known.status_code, answer.status_code) == (201, 201)
    assert answer.json()["tasks"][1] == known.json()
    assert [event.task for event in log.events()] == [item(n)["id"] for n in (1, 0, 2)]


async def test_one_id_of_another_request_or_one_task_too_many_refuses_all_of_it(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    headers = bearer("bob")
    await client.post(TASKS, json=item(7), headers=headers)
    before = kept(log)
    used = batch(*[item(number, other=number == 7) for number in range(5, 9)])
    many = batch(*[item(number) for number in range(10, 10 + MOST_LIVE)])
    for sent, status in ((used, 422), (many, 429)):
        answer = await client.post(BATCH, json=sent, headers=headers | {"Idempotency-Key": "k"})
        assert answer.status_code == status
        assert kept(log) == before
    assert len(log.events()) == 1

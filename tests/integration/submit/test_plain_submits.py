"""The short way of `POST /tasks` answers what the long way does; what is not plain it leaves."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from milepost.ids import uuid7
from milepost_submit import plain_submits
from milepost_submit.routers import appending
from submit_surroundings import Bearer, Log
from valkey_cluster import BOTH

pytestmark = BOTH

TASKS = "/api/submit/tasks"
BODY: dict[str, Any] = {"type": "free.form", "params": {"a": ["한", 1.5, None]}}
SHORT, LONG = "application/json", "application/json;charset=utf-8"
CHANGES = [
    {},
    {"title": "제목", "tags": ["x", "y"], "priority": "high"},
    {"delay_seconds": 60},
    {"owner": "bob"},
    {"type": "mail.send", "params": {"to": ["ann@example.test"]}},
]
BAD: list[dict[str, Any]] = [
    {"odd": 1}, {"type": "no.such"}, {"type": "app.only"}, {"params": []}, {"title": "a\nb"},
    {"id": "x"}, {"type": "mail.send"}, {"owner": "ann"}, {"tags": ["x"] * 11},
    {"delay_seconds": -1}, {"params": {"x": "\0"}},
]  # fmt: skip
RAW = [b"{", b"[]", b"null", b'{"type":"a","type":"b"}', b"\xff", b'{"type":1e999}', b"[" * 99]


class Submitter:
    """Somebody whose token is known, so that he may go the short way; it is told when he did."""

    def __init__(
        self, client: httpx.AsyncClient, headers: dict[str, str], short: list[Any]
    ) -> None:
        self._client, self._headers, self._short = client, headers, short

    async def post(self, content: Any, kind: str = SHORT) -> tuple[httpx.Response, bool]:
        before = len(self._short)
        headers = {**self._headers, "Content-Type": kind}
        answer = await self._client.post(TASKS, content=content, headers=headers)
        return answer, len(self._short) > before


@pytest.fixture
async def bob(
    client: httpx.AsyncClient, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> Submitter:
    short = list[Any]()

    async def noted(*arguments: Any, **named: Any) -> Any:
        short.append(arguments)
        return await appending.append_one(*arguments, **named)

    monkeypatch.setattr(plain_submits, "append_one", noted)
    headers = bearer("bob")
    assert (await client.get("/api/submit/task-types", headers=headers)).status_code == 200
    return Submitter(client, headers, short)


def same(answer: httpx.Response) -> tuple[int, Any, dict[str, str]]:
    """An answer without what no two requests have in common."""
    body, headers = answer.json(), dict(answer.headers)
    place = headers.pop("location", "").removesuffix(body.pop("id", ""))
    headers.pop("content-length")
    body.pop("revision", None)
    return answer.status_code, body, headers | {"place": place}


@pytest.mark.parametrize("change", CHANGES)
async def test_both_ways_accept_alike(bob: Submitter, log: Log, change: dict[str, Any]) -> None:
    body = json.dumps(BODY | change).encode()
    (plain, was_short), (long, was_long) = await bob.post(body), await bob.post(body, LONG)
    assert (plain.status_code, was_short, was_long) == (201, True, False)
    assert same(plain) == same(long)
    first, second = sorted(log.events(), key=lambda event: event.id)
    assert {first.task, second.task} == {plain.json()["id"], long.json()["id"]}
    runs_at = {"runs_at": None}
    assert first.payload.model_copy(update=runs_at) == second.payload.model_copy(update=runs_at)
    assert (first.owner, first.by, first.trace) == (second.owner, second.by, second.trace)


async def test_both_ways_repeat_and_refuse_the_same_id(bob: Submitter, log: Log) -> None:
    for number, (kind, other) in enumerate(((SHORT, LONG), (LONG, SHORT))):
        body = {**BODY, "id": uuid7(1_800_000_000_000 + number, bytes(10))}
        first, _ = await bob.post(json.dumps(body), kind)
        again, _ = await bob.post(json.dumps(body), other)
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.headers["idempotent-replayed"] == "true"
        assert first.json() == again.json()
        changed = json.dumps({**body, "title": "Other"})
        refused, alike = [(await bob.post(changed, each))[0] for each in (SHORT, LONG)]
        assert refused.json()["type"] == "urn:milepost:used-before"
        assert same(refused) == same(alike)
    assert len(log.events()) == 2


@pytest.mark.parametrize("content", [*(json.dumps(BODY | each).encode() for each in BAD), *RAW])
async def test_what_is_refused_is_refused_alike(bob: Submitter, log: Log, content: bytes) -> None:
    (plain, was_short), (long, _) = await bob.post(content), await bob.post(content, LONG)
    assert plain.status_code in (400, 403, 404, 422)
    assert not was_short
    assert same(plain) == same(long)
    assert log.events() == []


async def test_too_many_live_tasks_are_told_alike(bob: Submitter) -> None:
    for _ in range(50):
        assert (await bob.post(json.dumps(BODY)))[0].status_code == 201
    plain, long = [(await bob.post(json.dumps(BODY), each))[0] for each in (SHORT, LONG)]
    assert (plain.status_code, plain.json()["type"]) == (429, "urn:milepost:too-many-tasks")
    assert same(plain) == same(long)


async def test_a_body_in_pieces_or_of_unknown_size_goes_the_long_way(bob: Submitter) -> None:
    raw = json.dumps(BODY).encode()

    async def pieces() -> AsyncIterator[bytes]:
        yield raw[:7]
        yield raw[7:]

    answer, was_short = await bob.post(pieces())
    assert (answer.status_code, was_short) == (201, False)
    large = json.dumps({**BODY, "params": {"x": "a" * plain_submits.SHORT_BYTES}}).encode()
    answer, was_short = await bob.post(large)
    assert (answer.status_code, was_short) == (201, False)


async def test_credentials_that_may_not_submit_are_refused_before_their_body_is_read(
    client: httpx.AsyncClient, bearer: Bearer
) -> None:
    task = uuid7(1_800_000_000_000, bytes(10))
    for claims in ({"scopes": ["tasks:read"]}, {"tasks": [task]}):
        headers = {**bearer("bob", **claims), "Content-Type": SHORT}
        for _ in range(2):  # unknown, then known
            answer = await client.post(TASKS, content=b"{", headers=headers)
            assert answer.status_code == 403

"""As whom Python code asks the services: by a token that is fresh, short-lived and no more."""

import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from milepost import Progress
from milepost.acting import acting_for
from milepost.errors import InvalidToken
from milepost.exchanges import Ask
from milepost.running import RunningTask, running
from milepost.tokens import verify

SECRET = "a-secret-for-tests-that-has-forty-letters"
TASK = RunningTask("t1", "unit.parent", "local:bob", 1, Progress())
ASK = Ask("submit", "POST", "/api/submit/tasks")


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILEPOST_SECRET", SECRET)


@pytest.fixture
def in_a_task() -> Iterator[None]:
    token = running.set(TASK)
    yield
    running.reset(token)


def token_for(owner: str | None = None) -> str:
    return acting_for(owner).access.headers(ASK)["Authorization"].removeprefix("Bearer ")


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, SECRET, algorithms=["HS256"], audience="milepost")


@pytest.mark.usefixtures("in_a_task")
def test_a_running_task_asks_as_its_owner_for_sixty_seconds():
    token = token_for()
    claims = claims_of(token)
    assert claims["exp"] - claims["iat"] == 60
    caller = verify(token, (SECRET,), now=time.time(), audience="milepost")
    assert (caller.owner, caller.task) == ("local:bob", "t1")
    assert caller.scopes == {"tasks:read", "tasks:write"}
    with pytest.raises(InvalidToken):
        verify(token, (SECRET,), now=claims["exp"] + 11, audience="milepost")


@pytest.mark.usefixtures("in_a_task")
def test_each_request_has_a_token_of_its_own(monkeypatch: pytest.MonkeyPatch):
    headers = acting_for(None).access.headers
    first = claims_of(headers(ASK)["Authorization"].removeprefix("Bearer "))
    later = time.time() + 3000
    monkeypatch.setattr(time, "time", lambda: later)
    second = headers(ASK)["Authorization"].removeprefix("Bearer ")
    assert verify(second, (SECRET,), now=later, audience="milepost").owner == "local:bob"
    assert jwt.decode(second, options={"verify_signature": False})["iat"] - first["iat"] >= 2999


@pytest.mark.usefixtures("in_a_task")
def test_for_somebody_else_a_task_asks_as_the_application():
    caller = verify(token_for("ann"), (SECRET,), now=time.time(), audience="milepost")
    assert (caller.owner, caller.task) == ("application", None)
    assert acting_for("ann").parent is None
    assert acting_for("local:bob").parent is TASK

"""Tokens that were checked before, and for whom a caller may act."""

from typing import Any

import pytest

from milepost import tokens
from milepost.errors import InvalidToken
from milepost.problems import HttpProblem
from milepost.tokens import Caller
from milepost_service.auth import acting_owner, may_see
from milepost_service.credentials import Verified

SECRET = "a-secret-for-tests-that-has-forty-letters"


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def mint(owner: str = "bob", **claims: Any) -> str:
    return tokens.mint(owner, SECRET, now=Clock.now, **claims)


def test_a_token_known_to_be_good_still_expires_on_time() -> None:
    clock = Clock()
    verified = Verified([SECRET], clock)
    token = mint(ttl_seconds=60)
    assert verified.caller(token, "milepost").owner == "bob"
    clock.now += 60 + tokens.LEEWAY_SECONDS - 1
    assert verified.caller(token, "milepost").owner == "bob"
    clock.now += 1
    with pytest.raises(InvalidToken):
        verified.caller(token, "milepost")


def test_a_token_good_for_one_door_is_not_good_for_another() -> None:
    verified = Verified([SECRET], Clock())
    token = mint()
    verified.caller(token, "milepost")
    with pytest.raises(InvalidToken):
        verified.caller(token, "other")


def test_a_bad_token_is_bad_every_time() -> None:
    verified = Verified([SECRET[::-1]], Clock())
    for _ in range(2):
        with pytest.raises(InvalidToken):
            verified.caller(mint(), "milepost")


def test_every_token_is_its_own_callers_whatever_others_came_before() -> None:
    verified = Verified([SECRET], Clock())
    all_tokens = {owner: mint(owner) for owner in ("bob", "bobby", "bob_1", "%", "김철수")}
    for _ in range(2):
        for owner, token in all_tokens.items():
            assert verified.caller(token, "milepost").owner == owner


def test_a_backend_acts_for_anybody_and_others_for_themselves() -> None:
    backend = Caller("shop", frozenset({"service"}))
    assert acting_owner(backend, "bob") == "bob"
    assert acting_owner(backend, None) == "shop"
    for who in (Caller("bob"), Caller("bob", frozenset({"admin"})), Caller("bob", frozenset())):
        assert acting_owner(who, None) == acting_owner(who, "bob") == "bob"
        for other in ("bobby", "BOB", "bob ", "", "%", "local:bob"):
            with pytest.raises(HttpProblem) as refused:
                acting_owner(who, other)
            assert refused.value.status == 403


@pytest.mark.parametrize("owner", ["", "x" * 256, "a\nb", "a\ud800"])
def test_nobody_acts_for_what_is_no_owner(owner: str) -> None:
    with pytest.raises(HttpProblem) as refused:
        acting_owner(Caller("shop", frozenset({"service"})), owner)
    assert refused.value.status == 422


def test_a_token_for_single_tasks_sees_those_alone() -> None:
    assert may_see(Caller("bob"), "any")
    assert may_see(Caller("bob", tasks=frozenset({"a"})), "a")
    assert not may_see(Caller("bob", tasks=frozenset({"a"})), "b")
    assert not may_see(Caller("bob", tasks=frozenset()), "a")

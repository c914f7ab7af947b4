"""For whom a caller may act, and what a token for single tasks sees."""

import pytest

from milepost.callers import Caller
from milepost.problems import HttpProblem
from milepost_service.auth import acting_owner, may_see


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


def test_who_is_vouched_for_by_others_never_acts_for_a_local_account() -> None:
    service = frozenset({"service"})
    assert acting_owner(Caller("shop", service), "local:bob") == "local:bob"
    foreign = Caller("shop", service, is_foreign=True)
    assert acting_owner(foreign, "bob") == "bob"
    with pytest.raises(HttpProblem) as refused:
        acting_owner(foreign, "local:bob")
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

"""A token proves one owner to one audience for a time, and nothing else."""

from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.callers import Caller, caller_of
from milepost.errors import InvalidToken, InvalidValue
from milepost.owners import check_owner
from milepost.tokens import mint, verify

SECRET, OLD = "s" * 64, "o" * 64
NOW = 1_800_000_000.0


def check(token: str) -> Caller:
    return verify(token, (SECRET, OLD), now=NOW, audience="milepost")


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    claims: dict[str, Any] = {"sub": "bob", "aud": "milepost", "exp": NOW + 60, **changes}
    claims = {key: value for key, value in claims.items() if value is not None}
    return jwt.encode(claims, secret, algorithm=algorithm)


@pytest.mark.parametrize("owner", ["bob", "%", "한글", " bob ", "a" * 255])
def test_a_minted_token_names_its_owner_byte_for_byte(owner: str):
    assert check(mint(owner, SECRET, now=NOW)).owner == owner


def test_a_token_signed_with_an_older_secret_still_counts():
    assert check(signed(OLD)).owner == "bob"


def test_without_scope_a_token_reads_and_writes_and_with_one_it_has_no_more():
    assert check(signed()).scopes == {"tasks:read", "tasks:write"}
    limited = check(signed(scope="tasks:read"))
    assert limited.may("tasks:read")
    assert not limited.may("tasks:write")
    service = check(signed(scope="service"))
    assert service.may("tasks:write")
    assert not service.may("admin")


@pytest.mark.parametrize(
    "token",
    [
        "", "x", "a.b.c", "x" * 9000, "\ud800",
        signed("w" * 64), signed(algorithm="HS512"), signed(aud="other"), signed(aud=None),
        signed(exp=NOW - 11), signed(exp=None), signed(exp="soon"), signed(exp=True),
        signed(nbf=NOW + 11), signed(sub=None), signed(sub=""), signed(sub="a\nb"),
        signed(sub="x" * 256), signed(sub="local:bob"), signed(sub="local:bob", local="true"),
        signed(scope=["service"]), signed(tasks="all"), signed(tasks=[1]),
        jwt.encode({"sub": "bob", "aud": "milepost", "exp": NOW + 60}, "", algorithm="none"),
    ],
)  # fmt: skip
def test_what_proves_nothing_is_refused(token: str):
    with pytest.raises(InvalidToken):
        check(token)


def test_the_clock_may_be_ten_seconds_off():
    assert check(signed(exp=NOW - 9)).owner == "bob"


def test_an_application_cannot_name_a_local_account():
    with pytest.raises(InvalidValue):
        mint("local:bob", SECRET, now=NOW)
    assert check(mint("local:bob", SECRET, now=NOW, local=True)).owner == "local:bob"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
NAMES = ("sub", "exp", "nbf", "scope", "tasks", "task", "local", "sid", "iss")


@given(st.dictionaries(st.sampled_from(NAMES), JSON | st.sampled_from(["bob", NOW + 60])))
def test_whatever_is_claimed_it_is_a_caller_or_a_typed_error(claims: dict[str, Any]):
    for ours in (True, False):
        try:
            who = caller_of({"sub": "bob", "exp": NOW + 60, **claims}, NOW, ours=ours)
        except InvalidToken:
            continue
        assert check_owner(who.owner) == who.owner
        assert who.expires_at + 10 > NOW
        assert ours or (who.task, who.credential) == (None, None)
        assert ours or not who.owner.startswith("local:")


@pytest.mark.parametrize("lists", [{"scopes": "admin"}, {"tasks": "t"}])
def test_a_single_text_is_no_list_of_scopes_or_tasks(lists: dict[str, str]):
    with pytest.raises(InvalidValue):
        mint("bob", SECRET, now=NOW, **lists)  # pyright: ignore[reportArgumentType]  # on purpose


@given(st.text(max_size=200))
def test_any_text_is_a_caller_or_a_typed_error(text: str):
    with pytest.raises(InvalidToken):
        check(text)

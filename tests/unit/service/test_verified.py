"""What credentials prove, when who has to be asked, and what a revocation does to it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any

import pytest

from milepost import tokens
from milepost.callers import LEEWAY_SECONDS, Caller
from milepost.errors import InvalidToken
from milepost_log import revocations as revoked_list
from milepost_service.credentials import RegistryUnavailable, Sent
from milepost_service.revocations import KEEP_SECONDS, CredentialRevoked, Revocations
from milepost_service.verified import AGAIN_SECONDS, STALE_SECONDS, TRUSTED_SECONDS, Verified

SECRET = "a-secret-for-tests-that-has-forty-letters"
TOKEN = Sent("bearer", "mpt_" + token_urlsafe(32))


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Register:
    """What submit would answer."""

    good: dict[Sent, Caller] = field(default_factory=dict[Sent, Caller])
    is_away: bool = False
    asked: int = 0

    async def find(self, sent: Sent) -> Caller | None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_away:
            raise RegistryUnavailable("away")
        return self.good.get(sent)

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass
class World:
    """Everything around `Verified`, by hand."""

    clock: Clock = field(default_factory=Clock)
    register: Register = field(default_factory=Register)
    told: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        async def look() -> list[str]:
            return self.told

        self.revocations = Revocations(look, self.clock)
        self.verified = Verified(
            [SECRET],
            "milepost",
            self.clock,
            registry=self.register,
            revocations=self.revocations,
        )

    def mint(self, owner: str = "bob", **claims: Any) -> Sent:
        return Sent("bearer", tokens.mint(owner, SECRET, now=self.clock.now, **claims))

    def access_token(self, expires_at: float = float("inf")) -> Sent:
        who = Caller("bob", expires_at=expires_at, kind="access-token", credential="t1")
        self.register.good[TOKEN] = who
        return TOKEN


@pytest.fixture
def world() -> World:
    return World()


async def test_a_token_known_to_be_good_still_expires_on_time(world: World) -> None:
    token = world.mint(ttl_seconds=60)
    assert world.verified.known(token) is None
    assert (await world.verified.caller(token)).owner == "bob"
    world.clock.now += 60 + LEEWAY_SECONDS - 1
    assert (await world.verified.caller(token)).owner == "bob"
    assert world.verified.known(token) is not None
    world.clock.now += 1
    assert world.verified.known(token) is None
    with pytest.raises(InvalidToken):
        await world.verified.caller(token)


async def test_a_token_good_for_one_door_is_not_good_for_another(world: World) -> None:
    token = world.mint()
    await world.verified.caller(token)
    for other in (Sent("cookie", token.text), world.mint(audience=tokens.SESSION_AUDIENCE)):
        with pytest.raises(InvalidToken):
            await world.verified.caller(other)


async def test_a_bad_token_is_bad_every_time(world: World) -> None:
    bad = Sent("bearer", tokens.mint("bob", SECRET[::-1], now=world.clock.now))
    for _ in range(2):
        with pytest.raises(InvalidToken):
            await world.verified.caller(bad)


async def test_every_token_is_its_own_callers_whatever_others_came_before(world: World) -> None:
    sent = {owner: world.mint(owner) for owner in ("bob", "bobby", "bob_1", "%", "김철수")}
    for _ in range(2):
        for owner, token in sent.items():
            assert (await world.verified.caller(token)).owner == owner


async def test_a_cookie_counts_only_with_our_signature_and_a_session(world: World) -> None:
    def cookie(secret: str = SECRET, **claims: Any) -> Sent:
        claims = {"session": "s1", "local": True, "audience": tokens.SESSION_AUDIENCE, **claims}
        return Sent("cookie", tokens.mint("local:bob", secret, now=world.clock.now, **claims))

    good = cookie()
    who = Caller("local:bob", expires_at=float("inf"), kind="session", credential="s1")
    world.register.good = {sent: who for sent in (good, cookie(SECRET[::-1]), cookie(session=None))}
    assert (await world.verified.caller(good)) == who
    for bad in (cookie(SECRET[::-1]), cookie(session=None), cookie(session="s2")):
        with pytest.raises(InvalidToken):
            await world.verified.caller(bad)


async def test_the_register_is_asked_once_a_minute_and_once_for_all_who_come_at_once(
    world: World,
) -> None:
    token = world.access_token()
    await asyncio.gather(*(world.verified.caller(token) for _ in range(10)))
    assert world.register.asked == 1
    world.clock.now += TRUSTED_SECONDS - 1
    assert world.verified.known(token) is not None
    world.clock.now += 1
    assert world.verified.known(token) is None
    await world.verified.caller(token)
    assert world.register.asked == 2


async def test_what_is_no_token_is_asked_about_now_and_then_alone(world: World) -> None:
    for _ in range(3):
        with pytest.raises(InvalidToken):
            await world.verified.caller(TOKEN)
    assert world.register.asked == 1
    world.access_token()
    world.clock.now += AGAIN_SECONDS
    assert (await world.verified.caller(TOKEN)).owner == "bob"


@pytest.mark.parametrize("text", ["mpt_", "mpt_short", "mpt_" + "é" * 43, "mpt_" + "a" * 44])
async def test_what_does_not_look_like_a_token_is_not_asked_about(world: World, text: str) -> None:
    with pytest.raises(InvalidToken):
        await world.verified.caller(Sent("bearer", text))
    assert world.register.asked == 0


async def test_a_revocation_counts_as_soon_as_it_is_heard_of(world: World) -> None:
    token = world.access_token()
    await world.verified.caller(token)
    world.told.append("t1")
    await world.revocations.look()
    assert world.verified.known(token) is None
    with pytest.raises(InvalidToken):  # whatever the register said a moment ago
        await world.verified.caller(token)


async def test_an_answer_that_was_under_way_when_it_was_revoked_does_not_count(
    world: World,
) -> None:
    token = world.access_token()
    asking = asyncio.create_task(world.verified.caller(token))
    await asyncio.sleep(0)
    world.revocations.note("t1")
    with pytest.raises(InvalidToken):
        await asking


async def test_while_the_register_is_away_those_known_come_in_as_long_as_revocations_are_heard(
    world: World,
) -> None:
    token = world.access_token()
    await world.verified.caller(token)
    world.register.is_away = True
    world.clock.now += TRUSTED_SECONDS
    await world.revocations.look()
    assert (await world.verified.caller(token)).owner == "bob"
    asked = world.register.asked
    assert (await world.verified.caller(token)).owner == "bob"
    assert world.register.asked == asked  # not each time
    world.clock.now += AGAIN_SECONDS
    with pytest.raises(RegistryUnavailable):  # nothing was heard for 5 s
        await world.verified.caller(token)
    await world.revocations.look()
    await world.verified.caller(token)
    world.clock.now += STALE_SECONDS
    await world.revocations.look()
    with pytest.raises(RegistryUnavailable):
        await world.verified.caller(token)


async def test_what_was_revoked_stays_so_while_the_register_is_away(world: World) -> None:
    token = world.access_token()
    await world.verified.caller(token)
    world.told.append("t1")
    await world.revocations.look()
    world.told.clear()
    world.register.is_away = True
    begun = world.clock.now
    while world.clock.now < begun + STALE_SECONDS:
        world.clock.now += 30
        await world.revocations.look()
        with pytest.raises(RegistryUnavailable):
            await world.verified.caller(token)


def test_revocations_are_kept_longer_than_anybody_trusts_what_he_knew_before() -> None:
    assert min(KEEP_SECONDS, revoked_list.KEEP_SECONDS) > STALE_SECONDS


async def test_credentials_that_expire_do_so_while_the_register_is_away(world: World) -> None:
    token = world.access_token(expires_at=world.clock.now + 70)
    await world.verified.caller(token)
    world.register.is_away = True
    world.clock.now += 71
    await world.revocations.look()
    with pytest.raises(RegistryUnavailable):
        await world.verified.caller(token)


async def test_nobody_unknown_comes_in_while_the_register_is_away(world: World) -> None:
    world.register.is_away = True
    await world.revocations.look()
    with pytest.raises(RegistryUnavailable):
        await world.verified.caller(TOKEN)


async def waits(revocations: Revocations, credential: str | None, ends: Callable[[], Any]) -> str:
    try:
        async with revocations.while_good(credential):
            ends()
            await asyncio.Event().wait()
    except CredentialRevoked:
        return "revoked"
    except asyncio.CancelledError:
        return "cancelled"
    return "ended"


async def test_who_waits_with_what_is_revoked_waits_no_longer(world: World) -> None:
    begun = asyncio.Event()
    waiting = asyncio.create_task(waits(world.revocations, "t1", begun.set))
    other = asyncio.create_task(waits(world.revocations, "t2", lambda: None))
    free = asyncio.create_task(waits(world.revocations, None, lambda: None))
    await begun.wait()
    world.told.append("t1")
    await world.revocations.look()
    assert await waiting == "revoked"
    assert await waits(world.revocations, "t1", lambda: None) == "revoked"
    assert not other.done()
    for each in (other, free):
        each.cancel()
        assert await each == "cancelled"


async def test_what_was_revoked_long_ago_is_forgotten(world: World) -> None:
    world.revocations.note("t1")
    assert "t1" in world.revocations
    world.clock.now += KEEP_SECONDS + 1
    await world.revocations.look()
    assert "t1" not in world.revocations

"""Tokens that others sign: good by their published keys alone, whatever the token wants."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from key_server import PRIVATE, STRANGER, KeyServer, forged, jwk, key_server, pem, signed
from milepost.callers import Caller
from milepost.errors import InvalidToken
from milepost_service.credentials import Sent
from milepost_service.foreign_tokens import algorithm_of
from milepost_service.public_keys import (
    FRESH_SECONDS,
    LEAST_PAUSE_SECONDS,
    MAX_BYTES,
    STALE_SECONDS,
    KeysUnavailable,
    NoKeys,
    PublicKeys,
    parse,
)
from milepost_service.verified import TRUSTED_SECONDS, Verified

SECRET = "a-secret-for-tests-that-has-forty-letters"
ISSUER = "https://id.example"
NOW = 1_800_000_000.0
CLAIMS: dict[str, Any] = {
    "sub": "ann", "aud": "milepost", "iss": ISSUER, "exp": NOW + 3600, "scope": "tasks:read",
}  # fmt: skip


OTHERS = json.dumps({"keys": [jwk(STRANGER["RS256"], "RS256", kid="RS256")]}).encode()


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Provider:
    """Somebody who signs, and we who check it."""

    server: KeyServer
    clock: Clock
    keys: PublicKeys
    verified: Verified

    async def caller(self, token: str) -> Caller:
        return await self.verified.caller(Sent("bearer", token))

    async def refuses(self, token: str) -> None:
        with pytest.raises(InvalidToken):
            await self.caller(token)


@pytest.fixture
def server() -> Generator[KeyServer]:
    with key_server() as found:
        yield found


@pytest.fixture
async def provider(server: KeyServer) -> AsyncGenerator[Provider]:
    clock = Clock()
    keys = PublicKeys(server.url, monotonic=clock)
    verified = Verified([SECRET], "milepost", clock, keys=keys, issuer=ISSUER)
    yield Provider(server, clock, keys, verified)
    await verified.aclose()


@pytest.mark.parametrize("algorithm", PRIVATE)
async def test_who_the_provider_signs_for_comes_in_with_what_his_token_says(
    provider: Provider, algorithm: str
) -> None:
    who = await provider.caller(signed(CLAIMS | {"tasks": ["t"]}, algorithm))
    assert (who.owner, who.scopes, who.tasks) == ("ann", {"tasks:read"}, {"t"})
    assert (who.kind, who.credential, who.expires_at) == ("token", None, NOW + 3600)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"}, {"aud": None}, {"iss": "https://evil.example"}, {"iss": None},
        {"exp": NOW - 11}, {"exp": None}, {"exp": "soon"}, {"nbf": NOW + 11}, {"sub": None},
        {"sub": ""}, {"sub": "a\nb"}, {"sub": 5}, {"scope": ["tasks:read"]}, {"tasks": "t"},
        {"sub": "local:bob"}, {"sub": "local:bob", "local": True},
    ],
)  # fmt: skip
@pytest.mark.parametrize("algorithm", PRIVATE)
async def test_a_good_signature_alone_opens_nothing(
    provider: Provider, changes: dict[str, Any], algorithm: str
) -> None:
    claims = {name: each for name, each in (CLAIMS | changes).items() if each is not None}
    await provider.refuses(signed(claims, algorithm))


async def test_others_cannot_speak_for_a_running_task_or_a_session(provider: Provider) -> None:
    who = await provider.caller(signed(CLAIMS | {"local": True, "task": "t", "sid": "s"}))
    assert (who.task, who.kind, who.credential, who.is_code) == (None, "token", None, False)


@pytest.mark.parametrize("algorithm", PRIVATE)
async def test_keys_that_nobody_published_sign_nothing(provider: Provider, algorithm: str) -> None:
    await provider.refuses(signed(CLAIMS, algorithm, keys=STRANGER))
    await provider.refuses(signed(CLAIMS, algorithm, keys=STRANGER, key_id="another"))
    own = jwk(STRANGER[algorithm], algorithm, kid=algorithm)
    await provider.refuses(signed(CLAIMS, algorithm, keys=STRANGER, jwk=own))
    await provider.refuses(signed(CLAIMS, algorithm, keys=STRANGER, jku="http://evil.example/"))


@pytest.mark.parametrize("algorithm", PRIVATE)
async def test_a_public_key_is_no_secret(provider: Provider, algorithm: str) -> None:
    public = jwk(PRIVATE[algorithm], algorithm, kid=algorithm)
    for secret in (pem(PRIVATE[algorithm]), json.dumps(public).encode(), b""):
        await provider.refuses(forged(CLAIMS, secret))
        await provider.refuses(forged(CLAIMS, secret, kid=algorithm))
        await provider.refuses(forged(CLAIMS, secret, alg=algorithm, kid=algorithm))


async def test_our_own_secret_signs_for_nobody_elses_algorithm(provider: Provider) -> None:
    assert (await provider.caller(forged(CLAIMS, SECRET.encode()))).owner == "ann"
    await provider.refuses(forged(CLAIMS, SECRET.encode(), alg="RS256", kid="RS256"))


@pytest.mark.parametrize("algorithm", ["none", "None", "HS384", "HS512", "RS384", "PS256", "", 5])
async def test_other_algorithms_are_refused_without_a_look_at_any_key(
    provider: Provider, algorithm: Any
) -> None:
    await provider.refuses(forged(CLAIMS, SECRET.encode(), alg=algorithm, kid="RS256"))
    await provider.refuses(jwt.encode(CLAIMS, "", algorithm="none", headers={"kid": "RS256"}))
    assert provider.server.asked == 0


async def test_a_key_signs_with_its_own_algorithm_alone(provider: Provider) -> None:
    for algorithm in PRIVATE:
        for other in PRIVATE.keys() - {algorithm}:
            await provider.refuses(signed(CLAIMS, algorithm, key_id=other))


@pytest.mark.parametrize("key_id", ["../RS256", "' OR 1=1", "x" * 201, "\u0000", ""])
async def test_a_key_id_is_a_name_and_nothing_else(provider: Provider, key_id: str) -> None:
    await provider.refuses(signed(CLAIMS, key_id=key_id))


@pytest.mark.parametrize("key_id", [5, None, ["RS256"], {"a": 1}])
async def test_a_key_id_is_text(provider: Provider, key_id: Any) -> None:
    await provider.refuses(forged(CLAIMS, SECRET.encode(), kid=key_id, alg="RS256"))


async def test_a_token_without_key_id_means_the_only_key_of_its_algorithm(
    provider: Provider,
) -> None:
    token = jwt.encode(CLAIMS, PRIVATE["RS256"], algorithm="RS256")
    assert (await provider.caller(token)).owner == "ann"
    provider.server.keys.append(jwk(STRANGER["RS256"], "RS256", kid="second"))
    provider.clock.now += FRESH_SECONDS + 1
    await provider.keys.find("unknown", "RS256")
    await provider.refuses(token)


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"},
        jwk(PRIVATE["RS256"], "RS256", kid="x", use="enc"),
        jwk(PRIVATE["RS256"], "RS256", kid="x", key_ops=["encrypt"]),
        jwk(PRIVATE["RS256"], "RS256", kid="x", alg="RS512"),
        jwk(PRIVATE["RS256"], "RS256", kid="x", d="AQAB"),
        jwk(PRIVATE["RS256"], "RS256", kid=5),
        jwk(rsa.generate_private_key(65537, 1024), "RS256", kid="x"),
        jwk(ec.generate_private_key(ec.SECP384R1()), "ES256", kid="x"),
        jwk(PRIVATE["ES256"], "ES256", kid="x", alg="EdDSA"),
        {"kty": "RSA", "kid": "x"}, {"kid": "x"}, {}, [], None, "key", 5,
    ],
)  # fmt: skip
def test_what_is_no_key_for_signatures_is_passed_over(key: Any) -> None:
    good = jwk(PRIVATE["EdDSA"], "EdDSA", kid="good")
    assert [each.id for each in parse({"keys": [key, good]})] == ["good"]
    with pytest.raises(NoKeys):
        parse({"keys": [key]})


JSON = st.recursive(
    st.none() | st.booleans() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_anything_else_is_no_set_of_keys(document: Any) -> None:
    with pytest.raises(NoKeys):
        parse(document)


@given(st.text(max_size=100) | st.binary(max_size=100).map(lambda raw: raw.decode("latin-1")))
def test_any_text_has_an_algorithm_of_ours_or_is_refused(text: str) -> None:
    with pytest.raises(InvalidToken):
        algorithm_of(text)


async def test_keys_are_fetched_once_and_an_unknown_one_makes_us_look_again_now_and_then(
    provider: Provider,
) -> None:
    await asyncio.gather(*(provider.caller(signed(CLAIMS | {"n": n})) for n in range(10)))
    assert provider.server.asked == 1
    new = jwk(STRANGER["ES256"], "ES256", kid="new")
    provider.server.keys = [new]
    token = signed(CLAIMS, "ES256", keys=STRANGER, key_id="new")
    await provider.refuses(token)  # too soon for another look
    provider.clock.now += LEAST_PAUSE_SECONDS
    for number in range(20):
        await provider.refuses(signed(CLAIMS, key_id=f"random {number}"))
    assert provider.server.asked == 2
    assert (await provider.caller(token)).owner == "ann"


async def test_a_withdrawn_key_is_refused_within_minutes(provider: Provider) -> None:
    token = signed(CLAIMS)
    await provider.caller(token)
    provider.server.keys = [jwk(PRIVATE["ES256"], "ES256", kid="ES256")]
    provider.clock.now += FRESH_SECONDS + 1
    assert (await provider.caller(token)).owner == "ann"  # while new ones are looked for
    deadline = time.monotonic() + 10
    while await provider.keys.find("RS256", "RS256") is not None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    provider.clock.now += TRUSTED_SECONDS
    await provider.refuses(token)


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (500, None, {}),
        (200, b"{", {}),
        (200, b'{"keys": []}', {}),
        (200, b" " * MAX_BYTES + OTHERS, {}),
        (302, None, {"Location": "http://127.0.0.1:1/"}),
    ],
)
async def test_while_the_address_gives_no_keys_the_last_ones_serve_for_a_day(
    provider: Provider, status: int, body: bytes | None, headers: dict[str, str]
) -> None:
    server = provider.server
    server.status, server.body, server.headers = status, body, headers
    with pytest.raises(KeysUnavailable):
        await provider.caller(signed(CLAIMS))
    server.status, server.body, server.headers = 200, None, {}
    provider.clock.now += LEAST_PAUSE_SECONDS
    token = signed(CLAIMS | {"exp": NOW + 10 * STALE_SECONDS})
    await provider.caller(token)
    server.status, server.body, server.headers = status, body, headers
    provider.clock.now += STALE_SECONDS - 1
    assert (await provider.caller(token)).owner == "ann"
    await provider.keys.find("unknown", "RS256")
    provider.clock.now += TRUSTED_SECONDS
    with pytest.raises(KeysUnavailable):
        await provider.caller(token)


async def test_without_an_address_of_keys_nobody_else_signs() -> None:
    verified = Verified([SECRET], "milepost", Clock())
    with pytest.raises(InvalidToken):
        await verified.caller(Sent("bearer", signed(CLAIMS)))

"""Commands asked for at once on a real server: each gets its own answer, or its own refusal."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from redis.exceptions import ConnectionError, ResponseError

from milepost_log.connection import AsyncStandalone, connect_async
from milepost_log.together import MOST
from valkey_server import Valkey


@pytest.fixture
async def client(own_valkey: Valkey) -> AsyncGenerator[AsyncStandalone]:
    found = connect_async(own_valkey.administrator_url)
    yield found
    await found.aclose()


async def connections(client: AsyncStandalone) -> int:
    """How many there have been so far."""
    told: Any = await client.info("stats")  # pyright: ignore[reportUnknownMemberType]  # untyped
    return told["total_connections_received"]


async def test_each_gets_its_own_answer_over_few_connections(client: AsyncStandalone) -> None:
    ask, before = client.together.ask, await connections(client)
    sent = [f"{number}" * 3 for number in range(5 * MOST + 1)]
    answers = await asyncio.gather(*(ask("ECHO", each) for each in sent))
    assert [each.decode() for each in answers] == sent
    assert await connections(client) - before <= 6


async def test_one_that_is_refused_leaves_the_others_alone(client: AsyncStandalone) -> None:
    ask = client.together.ask
    commands = [("SET", "a", "x"), ("INCR", "a"), ("EVALSHA", "0" * 40, 0), ("GET", "a")]
    answers = await asyncio.gather(*(ask(*each) for each in commands), return_exceptions=True)
    assert answers[0] is True or answers[0] == b"OK"
    assert [isinstance(each, ResponseError) for each in answers] == [False, True, True, False]
    assert answers[3] == b"x"
    with pytest.raises(ResponseError):
        await ask("INCR", "a")


async def test_who_gives_up_takes_nothing_from_the_others(client: AsyncStandalone) -> None:
    ask = client.together.ask
    gone = asyncio.ensure_future(ask("INCR", "n"))
    stays = asyncio.ensure_future(ask("INCR", "n"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await asyncio.wait_for(stays, 5) == 2
    assert gone.cancelled()


async def test_nobody_waits_for_what_another_turn_has_asked(client: AsyncStandalone) -> None:
    ask = client.together.ask
    slow = asyncio.ensure_future(ask("BLPOP", "nothing", 0))
    await asyncio.sleep(0.05)
    assert await asyncio.wait_for(ask("ECHO", "quick"), 5) == b"quick"
    assert not slow.done()
    await ask("RPUSH", "nothing", "x")
    assert await asyncio.wait_for(slow, 5)


async def test_a_server_that_dies_fails_all_that_it_has_not_answered(
    own_valkey: Valkey, client: AsyncStandalone
) -> None:
    ask = client.together.ask
    await ask("PING")
    own_valkey.freeze()
    asked = [asyncio.ensure_future(ask("INCR", "n")) for _ in range(3)]
    await asyncio.sleep(0.05)
    own_valkey.kill()
    answers = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 10)
    assert all(isinstance(each, ConnectionError) for each in answers)
    own_valkey.start()
    assert await ask("INCR", "n") == 1

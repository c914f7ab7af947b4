"""Owns the Lua scripts as sent to the server: EVALSHA, with EVAL on NOSCRIPT. Interprets nothing.

No FUNCTION: an older service that restarts would change the answers for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError

from milepost_log.servers import AsyncServers, Servers

Argument = str | bytes | int | float
_PARTS = {
    "take": ("type_of", "aside", "start", "claim", "ending"),
    "resume": ("type_of", "aside", "start"),
    "redrive": ("type_of", "aside", "start"),
    "finish": ("ending",),
    "holdings": ("type_of",),
    "standing": ("untaken",),
    "figures": ("untaken",),
}
_FRAME = """local function step()
{body}
end
local well, answer = pcall(step)
settle()
write_counts()
if not well then answer = redis.error_reply(type(answer) == 'table' and answer.err or answer) end
return answer"""
"""What the prelude gathered for the end of the call is done whatever happens to the rest. The
server's own words keep their code only as a reply; a caught error is a string to Valkey, a table to
Redis."""
_ALONE = {"bucket", "limit", "note"}
"""Not about a partition: without prelude and frame."""


@dataclass(frozen=True, slots=True)
class Script:
    """One atomic step on one partition."""

    source: str
    sha: str


@cache
def script(name: str) -> Script:
    """Read a script with its prelude; a `#!lua` line has to come first."""
    folder = files("milepost_log") / "lua"
    alone = name in _ALONE
    names = () if alone else ("prelude", *_PARTS.get(name, ()))
    parts = [(folder / f"{part}.lua").read_text() for part in names]
    body = (folder / f"{name}.lua").read_text()
    if body.startswith("#!"):
        shebang, _, body = body.partition("\n")
        parts.insert(0, shebang)
    source = "\n".join((*parts, body if alone else _FRAME.format(body=body)))
    return Script(source, sha1(source.encode(), usedforsecurity=False).hexdigest())


def call(servers: Servers, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
    """Run a script from a thread, at the primary of its keys, which all have one hash tag.

    Raises:
        LogUnavailable: no answer; whether it ran is unknown, and it may be repeated.
    """
    step = script(name)
    with servers.at(keys[0]) as client:
        try:
            return client.evalsha(step.sha, len(keys), *keys, *arguments)  # pyright: ignore  # untyped
        except NoScriptError:
            return client.eval(step.source, len(keys), *keys, *arguments)  # pyright: ignore  # untyped


async def call_async(
    servers: AsyncServers, name: str, keys: Sequence[str], arguments: Sequence[Argument]
) -> Any:
    """Run a script from asyncio, together with what others ask for; the same promises as `call`."""
    step = script(name)
    async with servers.at(keys[0]) as client:
        ask, rest = client.together.ask, (len(keys), *keys, *arguments)
        try:
            return await ask("EVALSHA", step.sha, *rest)
        except NoScriptError:
            return await ask("EVAL", step.source, *rest)

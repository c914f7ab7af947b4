"""Owns who is calling: bearer token or session cookie to `Caller`. Knows no account and no task."""

from collections.abc import Callable
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from milepost import tokens
from milepost.errors import InvalidToken, InvalidValue
from milepost.owners import check_owner
from milepost.problems import HttpProblem
from milepost.settings import Settings
from milepost.tokens import Caller
from milepost_service.sessions import SESSION_COOKIE, is_same_origin

Clock = Callable[[], float]
"""Seconds since the epoch."""

_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
_bearer = HTTPBearer(auto_error=False, description="A JWT, see `milepost.token`")
_cookie = APIKeyCookie(name=SESSION_COOKIE, auto_error=False, description="Of POST session")


def caller(request: Request) -> Caller:
    """Say who is calling; a bearer beats the cookie, a bad one is not replaced by it.

    Raises:
        HttpProblem: 401 without good credentials, 403 for a cookie sent from another origin.
    """
    state = cast(dict[str, Any], request.scope.setdefault("state", {}))
    if "caller" not in state:
        state["caller"] = _identify(request)
    return state["caller"]


def require(request: Request, scope: str) -> Caller:
    """Say who is calling, if the credentials carry `scope`.

    Raises:
        HttpProblem: 401, 403.
    """
    who = caller(request)
    if not who.may(scope):
        raise HttpProblem(403, "forbidden", f"These credentials lack the scope {scope}")
    return who


async def known(
    request: Request, _b: Any = Security(_bearer), _c: Any = Security(_cookie)
) -> Caller:
    """Require good credentials, whatever they allow."""
    return caller(request)


async def reader(
    request: Request, _b: Any = Security(_bearer), _c: Any = Security(_cookie)
) -> Caller:
    """Require tasks:read."""
    return require(request, "tasks:read")


async def writer(
    request: Request, _b: Any = Security(_bearer), _c: Any = Security(_cookie)
) -> Caller:
    """Require tasks:write; tokens for single tasks only read."""
    who = require(request, "tasks:write")
    if who.tasks is not None:
        raise HttpProblem(403, "forbidden", "These credentials only read single tasks")
    return who


Known = Annotated[Caller, Depends(known)]
Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]


def acting_owner(who: Caller, owner: str | None) -> str:
    """Whose things a request is about: the caller's, or `owner`'s for applications' backends.

    Raises:
        HttpProblem: 403 for another's without scope `service`, 422 for what is no owner.
    """
    if owner is None or owner == who.owner:
        return who.owner
    if "service" not in who.scopes:
        raise HttpProblem(403, "forbidden", "Acting for another owner needs the scope service")
    try:
        return check_owner(owner)
    except InvalidValue as err:
        raise HttpProblem(
            422, "invalid", "Not an owner", errors=[{"loc": ["owner"], "msg": str(err)}]
        ) from err


def may_see(who: Caller, task_id: str) -> bool:
    """Whether these credentials may read this task of their owner."""
    return who.tasks is None or task_id in who.tasks


def _identify(request: Request) -> Caller:
    settings: Settings = request.app.state.settings
    now = cast(Clock, request.app.state.clock)()
    sent = request.headers.getlist("authorization")
    if sent:
        scheme, _, token = sent[0].partition(" ")
        if len(sent) > 1 or scheme.lower() != "bearer" or not token.strip():
            raise _unauthorized("Authorization has to be one bearer token", invalid=True)
        return _verified(token.strip(), settings, now, settings.jwt_audience)
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        raise _unauthorized("Sign in or send a bearer token")
    who = _verified(cookie, settings, now, tokens.SESSION_AUDIENCE)
    if request.method not in _SAFE_METHODS and not is_same_origin(request, settings):
        raise HttpProblem(403, "foreign-origin", "A session may be used from its own origin only")
    return who


def _verified(token: str, settings: Settings, now: float, audience: str) -> Caller:
    try:
        return tokens.verify(token, settings.secrets, now=now, audience=audience)
    except InvalidToken as err:
        raise _unauthorized(f"{err}.", invalid=True) from err


def _unauthorized(detail: str, *, invalid: bool = False) -> HttpProblem:
    challenge = 'Bearer error="invalid_token"' if invalid else "Bearer"
    return HttpProblem(
        401, "unauthorized", "Not signed in", detail, headers={"WWW-Authenticate": challenge}
    )

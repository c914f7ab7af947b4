"""Owns who is calling: bearer token or session cookie to `Caller`. Knows no account and no task."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, cast

from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase

from milepost.callers import Caller
from milepost.errors import InvalidToken, InvalidValue
from milepost.owners import LOCAL_PREFIX, check_owner
from milepost.problems import HttpProblem, field_error
from milepost_service import audit
from milepost_service.credentials import RegistryUnavailable, Sent
from milepost_service.public_keys import KeysUnavailable
from milepost_service.refused_credentials import RefusedCredentials
from milepost_service.sessions import SESSION_COOKIE, is_same_origin
from milepost_service.verified import Verified

READ, WRITE, SERVICE, ADMIN = "tasks:read", "tasks:write", "service", "admin"
_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


async def caller(request: Request) -> Caller:
    """Say who is calling; a bearer beats the cookie, a bad one is not replaced by it.

    Raises:
        HttpProblem: 401 without good credentials, 403 for a cookie sent from another origin, 503
            where it cannot be found out just now.
    """
    state = cast(dict[str, Any], request.scope.setdefault("state", {}))
    if "caller" not in state:
        state["caller"] = await _identify(request)
    return state["caller"]


def known_reader(request: Request) -> Caller | None:
    """Say who is reading, if that is known without asking anybody; null for all others."""
    who = _verified(request).known(sent_with(request))
    return who if who is not None and who.may(READ) and _may_come(request, who) else None


def known_writer(request: Request) -> Caller | None:
    """Say who is asking for something to be done, if that is known without asking anybody and he
    may; null for all others."""
    who = _verified(request).known(sent_with(request))
    may = who is not None and who.tasks is None and who.may(WRITE) and _may_come(request, who)
    return who if may else None


async def require(request: Request, scope: str) -> Caller:
    """Say who is calling, if the credentials carry `scope`.

    Raises:
        HttpProblem: 401, 403, 503.
    """
    who = await caller(request)
    if not who.may(scope):
        if scope in (SERVICE, ADMIN):
            fields = {"scope": scope, "path": request.url.path, "address": address_of(request)}
            audit.record("scope.refused", who.owner, credential=who.credential, **fields)
        raise HttpProblem(403, "forbidden", f"These credentials lack the scope {scope}")
    return who


async def known(request: Request) -> Caller:
    """Require good credentials, whatever they allow."""
    return await caller(request)


async def reader(request: Request) -> Caller:
    """Require tasks:read."""
    return await require(request, READ)


async def writer(request: Request) -> Caller:
    """Require tasks:write; tokens for single tasks only read."""
    return await _require_for_all(request, WRITE)


async def operator(request: Request) -> Caller:
    """Require admin; tokens for single tasks only read those."""
    return await _require_for_all(request, ADMIN)


async def _require_for_all(request: Request, scope: str) -> Caller:
    """The same as `require`, of credentials that are not for single tasks."""
    who = await require(request, scope)
    if who.tasks is not None:
        raise HttpProblem(403, "forbidden", "These credentials only read single tasks")
    return who


class Required(SecurityBase):
    """A requirement as FastAPI's dependency and OpenAPI's security scheme in one."""

    def __init__(self, requirement: Callable[[Request], Awaitable[Caller]]) -> None:
        self.model = HTTPBearerModel(
            bearerFormat="JWT", description=f"Or, in pages of ours, the cookie {SESSION_COOKIE}."
        )
        self.scheme_name = "bearer"
        self._requirement = requirement

    async def __call__(self, request: Request) -> Caller:
        return await self._requirement(request)


Known = Annotated[Caller, Security(Required(known))]
Reader = Annotated[Caller, Security(Required(reader))]
Writer = Annotated[Caller, Security(Required(writer))]
Operator = Annotated[Caller, Security(Required(operator))]


def acting_owner(who: Caller, owner: str | None, *, place: Sequence[str | int] = ("owner",)) -> str:
    """Whose things a request is about: the caller's, or `owner`'s for applications' backends.

    Args:
        place: where the request names the owner.

    Raises:
        HttpProblem: 403 for another's without scope `service`, or for a local account with a token
            that others have signed; 422 for what is no owner.
    """
    if owner is None or owner == who.owner:
        return who.owner
    if "service" not in who.scopes:
        title = "Acting for another owner needs the scope service"
        raise HttpProblem(403, "forbidden", title, errors=[field_error(place, title)])
    if who.is_foreign and owner.startswith(LOCAL_PREFIX):
        title = f"A token that others sign acts for none of the {LOCAL_PREFIX}* accounts"
        raise HttpProblem(403, "forbidden", title, errors=[field_error(place, title)])
    return _checked(owner, place)


def overseen_owner(who: Caller, owner: str) -> str:
    """Whose things an operator's request is about.

    Raises:
        HttpProblem: 403 without scope `admin`, 422 for what is no owner.
    """
    if not who.may(ADMIN):
        raise HttpProblem(403, "forbidden", f"These credentials lack the scope {ADMIN}")
    return _checked(owner, ("query", "owner"))


def _checked(owner: str, place: Sequence[str | int]) -> str:
    try:
        return check_owner(owner)
    except InvalidValue as err:
        raise HttpProblem(
            422, "invalid", "Not an owner", errors=[field_error(place, str(err))]
        ) from err


def may_see(who: Caller, task_id: str) -> bool:
    """Whether these credentials may read this task of their owner."""
    return who.tasks is None or task_id in who.tasks


def sent_with(request: Request) -> Sent:
    """The credentials a request came with.

    Raises:
        HttpProblem: 401, with none or with several.
    """
    sent = request.headers.getlist("authorization")
    if sent:
        scheme, _, token = sent[0].partition(" ")
        if len(sent) > 1 or scheme.lower() != "bearer" or not token.strip():
            raise unauthorized("Authorization has to be one bearer token", invalid=True)
        return Sent("bearer", token.strip())
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        raise unauthorized("Sign in or send a bearer token")
    return Sent("cookie", cookie)


def address_of(request: Request) -> str:
    """Where a request comes from, as far as TRUSTED_PROXIES let us know."""
    return request.client.host if request.client else ""


def unauthorized(detail: str, *, invalid: bool = False) -> HttpProblem:
    """The answer to whom nothing proves who he is."""
    challenge = 'Bearer error="invalid_token"' if invalid else "Bearer"
    return HttpProblem(
        401, "unauthorized", "Not signed in", detail, headers={"WWW-Authenticate": challenge}
    )


async def _identify(request: Request) -> Caller:
    try:
        who = await _verified(request).caller(sent_with(request))
    except InvalidToken as err:
        refused: RefusedCredentials = request.app.state.refused_credentials
        refused.record(address_of(request), str(err))
        raise unauthorized(f"{err}.", invalid=True) from err
    except (KeysUnavailable, RegistryUnavailable) as err:
        raise HttpProblem(
            503,
            "unavailable",
            "Not available just now",
            "Who you are cannot be found out. Try again in a moment.",
            headers={"Retry-After": "1"},
        ) from err
    if not _may_come(request, who):
        raise HttpProblem(403, "foreign-origin", "A session may be used from its own origin only")
    return who


def _may_come(request: Request, who: Caller) -> bool:
    """A browser sends its cookie along with whatever any page makes it ask for."""
    return (
        who.kind != "session"
        or request.method in _SAFE_METHODS
        or is_same_origin(request, request.app.state.settings)
    )


def _verified(request: Request) -> Verified:
    return request.app.state.verified
